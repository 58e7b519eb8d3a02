"""The source `creator`: a report of Zoho Creator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from syncline import (
    Check,
    Choice,
    Deactivate,
    Fatal,
    Field,
    Limit,
    Pages,
    Partition,
    PluginError,
    Source,
    SynclineError,
)
from syncline_zoho import Account

from .api import Api
from .codes import GONE_APPLICATION, GONE_REPORT, Coded
from .config import CreatorConfig
from .dates import Dates
from .fieldtypes import ID, SYSTEM, form_fields
from .frames import all_columns, frame_of
from .inspection import names_text, sample
from .structure import budget_of


class Creator(Source[CreatorConfig]):
    """Records of a Zoho Creator report, added or changed in the window.

    Every record that Creator returns is handed on at least once; a read that broke off goes on from its page. What is
    deleted in Creator cannot be asked for: it shows only when a whole report is read. A link name that no longer
    exists ends the sync.
    """

    name: ClassVar[str] = "creator"
    Config = CreatorConfig
    connections: ClassVar[tuple[str, ...]] = ("zoho", "zoho_sandbox")
    identity: ClassVar[tuple[str, ...]] = ("owner", "application", "report")
    id_field = ID

    def __init__(self, config: CreatorConfig, connection: Account[Any] | None = None) -> None:
        super().__init__(config, connection)
        self._made: Api | None = None

    @property
    def calls(self) -> int:
        """Requests made so far to Creator."""
        return self._made.calls if self._made else 0

    def budget(self) -> tuple[str, Limit] | None:
        """That of the account: so many calls a minute, and a day."""
        return budget_of(self.connection) if self.connection is not None else None

    def check(self, needed: Sequence[str]) -> Iterator[Check]:
        """Application, report, form, criteria, and whether the report shows the needed fields and the time columns."""
        from .checks import checks

        yield from checks(lambda: self._api, self.config, needed)

    @classmethod
    def choices(cls, key: str, given: Mapping[str, Any], connection: Account[Any]) -> Sequence[Choice] | None:
        """Owners, their applications, the reports and forms of these: what the user of the token may see."""
        from .offering import choices

        return choices(key, given, connection)

    def fields(self) -> Sequence[Field] | None:
        """What can be mapped: the fields that the report shows, with the form's types and labels if `form` is given.

        None while the report shows no record and no `form` is given.
        """
        form, rows = self._form, sample(self._api)
        if not rows and not form:
            return None
        found = []
        for column in all_columns(rows) if rows else (*form, *SYSTEM):
            base, _, part = column.partition(".")
            field = form.get(base) or Field(base, type=SYSTEM.get(base, "text"))
            found.append(Field(column, f"{field.label} {part}".strip()) if part else field)
        return found

    def read(self, partition: Partition, since: str | None) -> Pages:
        """Read the window's records in pages of 1,000. Raises `Deactivate` when a link name is gone."""
        from .reading import Reading

        try:
            reading = Reading(self._api, self.config, partition.window, self._types, self._dates)
            return (yield from reading.pages(since))
        except Coded as error:
            raise self._gone(error) from None

    def fetch_one(self, id: str) -> Mapping[str, Any] | None:
        """One record by its ID, shaped as in a page, or None when there is none."""
        row = self._api.record(id)
        if row is None:
            return None
        return frame_of([row], all_columns([row]), self._types, self._dates).to_dicts()[0]

    def zone(self) -> str:
        """The application's own zone."""
        return self._dates.time_zone

    def describe(self) -> dict[str, str]:
        """What `show` prints."""
        config = self.config
        shown = {"Creator report": f"{config.owner}/{config.application}/{config.report}"}
        if config.environment:
            shown["environment"] = config.environment
        if config.criteria:
            shown["criteria"] = config.criteria
        return shown | {"lookback": config.lookback}

    @cached_property
    def _api(self) -> Api:
        if self.connection is None:
            raise PluginError(f"source {self.name!r} needs a connection", mend="say `connection:` in the spec")
        self._made = Api(self.connection, self.config)
        return self._made

    @cached_property
    def _dates(self) -> Dates:
        """How the application writes dates. Asks for a page where the application is not listed: that tells why."""
        config, names = self.config, []
        for each in self._api.applications():
            if each.get("link_name") == config.application:
                return Dates(str(each.get("date_format") or ""), str(each.get("time_zone") or ""))
            names.append(str(each.get("link_name")))
        try:
            sample(self._api)
        except Coded as error:
            raise self._gone(error) from None
        raise Fatal(
            f"Creator does not list the application {config.application}, so its date format is not known",
            why=f"listed: {names_text(names, config.application)}",
            mend="share the application with the user of the refresh token",
        )

    @cached_property
    def _form(self) -> dict[str, Field]:
        return form_fields(self._api.fields(self.config.form)) if self.config.form else {}

    @property
    def _types(self) -> dict[str, str]:
        return {name: field.type for name, field in self._form.items()}

    def _gone(self, error: Coded) -> SynclineError:
        """A code that says a link name of ours no longer exists ends the sync; any other stays what it is."""
        config = self.config
        if error.where != self._api.report_path or error.code not in (GONE_APPLICATION, *GONE_REPORT):
            return error
        if error.code == GONE_APPLICATION:
            what = f"there is no application {config.application} of {config.owner} any more"
            kind, wanted, listed = "applications", config.application, self._api.applications
        else:
            what = f"there is no report {config.report} in {config.owner}/{config.application} any more"
            kind, wanted, listed = "reports", config.report, self._api.reports
        try:
            names = names_text((str(each.get("link_name")) for each in listed()), wanted)
        except SynclineError as trouble:
            names = f"not known: {trouble.what}"
        return Deactivate(
            f"{what}: its link name was changed, or it was deleted",
            why=f"code {error.code}; {kind} now: {names}",
            mend="create a new sync with the new link name; with `replaces:` and this one's name it goes on from here",
        )
