"""Creator's applications, forms and reports: what exists, under which link names, and which fields are shown where."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from syncline_zoho_sandbox.dates import DateFormat, date_format
from syncline_zoho_sandbox.store import Store

# https://www.zoho.com/creator/help/api/v2.1/get-fields.html ; the last three numbers are not documented there.
TYPE_NUMBERS = {
    "text": 1, "lines": 2, "email": 3, "rich": 4, "number": 5, "decimal": 6, "percent": 7, "currency": 8, "auto": 9,
    "date": 10, "datetime": 11, "choice": 12, "radio": 13, "choices": 14, "checks": 15, "flag": 16, "url": 17,
    "image": 18, "lookup": 12, "lookups": 14, "name": 29, "address": 30, "phone": 31, "user": 32,
}  # fmt: skip
SYSTEM_KINDS = {"ID": "number", "Added_Time": "datetime", "Modified_Time": "datetime", "Added_User": "user"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form. `kind` is a key of TYPE_NUMBERS."""

    link_name: str
    name: str
    kind: str
    mandatory: bool = False
    choices: tuple[str, ...] = ()

    def described(self) -> dict[str, object]:
        """The item that the fields call of the meta API shows."""
        return {
            "display_name": self.name,
            "link_name": self.link_name,
            "type": TYPE_NUMBERS[self.kind],
            "mandatory": self.mandatory,
            "unique": False,
            "max_char": 255,
            "choices": [{"key": f"choice{n}", "value": choice} for n, choice in enumerate(self.choices, 1)],
            "is_lookup_field": self.kind in ("lookup", "lookups"),
        }


@dataclass(frozen=True, slots=True)
class Form:
    id: int
    link_name: str
    name: str
    fields: tuple[Field, ...]

    @property
    def kinds(self) -> dict[str, str]:
        """Link name to kind of everything a record of this form can hold; the order is the order of the cells."""
        return {"ID": "number", **{f.link_name: f.kind for f in self.fields}, **SYSTEM_KINDS}


@dataclass(frozen=True, slots=True)
class Report:
    """A view of a form. `quick` are the columns of the list, `detail` those of the detail layout."""

    id: int
    link_name: str
    name: str
    form: Form
    quick: tuple[str, ...]
    detail: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Application:
    id: int
    owner: str
    link_name: str
    name: str
    date_format: str
    time_zone: str
    created_at: float
    shared: bool
    forms: Mapping[str, Form] = field(default_factory=dict)
    reports: Mapping[str, Report] = field(default_factory=dict)

    @property
    def dates(self) -> DateFormat:
        return date_format(self.date_format, self.time_zone)


def applications(store: Store) -> tuple[Application, ...]:
    """Every application of the account, in the order of creation."""
    return store.kept("applications", lambda: tuple(_loaded(store)))


def _loaded(store: Store) -> Iterator[Application]:
    for row in store.execute("SELECT * FROM applications ORDER BY id").fetchall():
        id_, owner, link_name, name, pattern, zone, created_at, shared = row
        forms = {form.id: form for form in _forms(store, id_)}
        reports = {report.link_name: report for report in _reports(store, id_, forms)}
        by_name = {form.link_name: form for form in forms.values()}
        yield Application(id_, owner, link_name, name, pattern, zone, created_at, bool(shared), by_name, reports)


def _forms(store: Store, application: int) -> Iterator[Form]:
    query = "SELECT id, link_name, name, fields FROM forms WHERE application = ? ORDER BY id"
    for id_, link_name, name, fields in store.execute(query, (application,)).fetchall():
        items = tuple(Field(**{**item, "choices": tuple(item["choices"])}) for item in json.loads(fields))
        yield Form(id_, link_name, name, items)


def _reports(store: Store, application: int, forms: Mapping[int, Form]) -> Iterator[Report]:
    query = "SELECT id, form, link_name, name, quick, detail FROM reports WHERE application = ? ORDER BY id"
    for id_, form, link_name, name, quick, detail in store.execute(query, (application,)).fetchall():
        yield Report(id_, link_name, name, forms[form], tuple(json.loads(quick)), tuple(json.loads(detail)))


def add_application(store: Store, application: Application) -> None:
    """Store *application* with its forms and reports, under the ids they carry."""
    a = application
    store.execute(
        "INSERT INTO applications VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (a.id, a.owner, a.link_name, a.name, a.date_format, a.time_zone, a.created_at, a.shared),
    )
    for form in a.forms.values():
        fields = json.dumps([asdict(each) for each in form.fields])
        store.execute("INSERT INTO forms VALUES (?, ?, ?, ?, ?)", (form.id, a.id, form.link_name, form.name, fields))
    for r in a.reports.values():
        row = (r.id, a.id, r.form.id, r.link_name, r.name, json.dumps(r.quick), json.dumps(r.detail))
        store.execute("INSERT INTO reports VALUES (?, ?, ?, ?, ?, ?, ?)", row)
