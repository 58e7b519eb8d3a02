"""Whatever comes in: faults or errors of the one tree, never another exception.

`make fuzz` runs these for longer, led by the branches that an input reaches."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from spec_plugins import CONNECTIONS, SPEC, registry
from syncline import Answer, Fatal, Limit, Partition, Retriable, Status, SynclineError, Window
from syncline.clock import Clock
from syncline.http.answer import read_answer
from syncline.http.body import Unreadable, collected
from syncline.plan import load
from syncline.secrets import Redactor
from syncline.spec import checker_of, load_paths, load_settings
from syncline.spec.connections import load_connections
from syncline.spec.reading import parse
from syncline_creator_source import Creator, CreatorConfig
from syncline_marketinghub.api import Api
from syncline_marketinghub.audience import address_of
from syncline_marketinghub.fields import read_fields
from syncline_marketinghub.lists import count, read_lists
from syncline_marketinghub.paging import pages

PLUGINS = registry()
CHECKER = checker_of(PLUGINS)
NOW = datetime(2026, 11, 26, tzinfo=UTC)

# -------------------------------------------------------------------------------------------------- the spec loader

TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "${env:X}", "${file:/dev/zero}", "${env:", "a.b.c", "'", '"', "select 1", "upper(Email)", "{a}", "{{", "%",
         "../x", "*", "0", "-1", "1e999", "null", "last", "30d", "24:00", "Asia/Kolkata", "* * * * *", "* * 31 2 *",
         "9" * 5000, "\u202e", "😀", "://", "http://[", "=1", "((((a))))", "a" * 300]
    ),
)  # fmt: skip
SCALARS = TEXTS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
KEYS = TEXTS | st.sampled_from(
    ["name", "type", "field", "sql", "value", "default", "when", "reason", "fields", "keep", "frequency", "time",
     "cron", "on", "day", "timezone", "after", "list", "connection", "tests", "given", "expect", "ledger"]
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)


@st.composite
def edited(draw: st.DrawFn, whole: str) -> str:
    """A sound file in which some values, found by any path, are something else."""
    value = yaml.safe_load(whole)
    for _ in range(draw(st.integers(1, 3))):
        holder, way = value, draw(st.lists(st.integers(0, 20), min_size=1, max_size=5))
        for step in way[:-1]:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys or not isinstance(holder[keys[step % len(keys)]], dict | list):
                break
            holder = holder[keys[step % len(keys)]]
        put(holder, draw(KEYS) if draw(st.booleans()) else way[-1], draw(VALUES))
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=draw(st.booleans()), width=10_000)


def put(holder: Any, key: str | int, value: Any) -> None:
    if isinstance(holder, list):
        holder[(key if isinstance(key, int) else 0) % max(1, len(holder)) :][:1] = [value]
        holder.append(value)
    elif isinstance(key, int) and holder:
        holder[list(holder)[key % len(holder)]] = value
    else:
        holder[str(key)] = value


@contextlib.contextmanager
def folder(**files: str) -> Iterator[Path]:
    """A folder that holds these YAML files, and connections."""
    with tempfile.TemporaryDirectory() as name:
        for file, text in ({"connections": CONNECTIONS} | files).items():
            Path(name, f"{file}.yaml").write_text(text, encoding="utf-8", errors="replace")
        yield Path(name)


@given(st.binary(max_size=400) | st.text(alphabet="ab:-[]{}'\"|>&*!%@#?, \n\t0<~", max_size=200).map(str.encode))
def test_any_bytes_are_a_document_or_have_faults(data: bytes) -> None:
    document, faults = parse(data, "x.yaml")
    assert (document is None) == bool(faults)


@given(edited(SPEC))
@settings(max_examples=12)
def test_any_edit_of_a_spec_is_a_spec_or_has_faults(text: str) -> None:
    with folder(x=text) as place:
        loaded = load_paths([place / "x.yaml"], PLUGINS)
    assert loaded.specs or loaded.faults
    assert all(len(str(fault)) < 20_000 for fault in loaded.faults)


@given(edited(SPEC))
@settings(max_examples=8)
def test_any_defaults_under_a_spec_are_defaults_or_have_faults(text: str) -> None:
    with folder(x=SPEC, defaults=text) as place:
        loaded = load_paths([place / "x.yaml"], PLUGINS)
    assert loaded.specs or loaded.faults


@given(edited(CONNECTIONS))
@settings(max_examples=12)
def test_any_edit_of_connections_has_entries_or_faults(text: str) -> None:
    with folder(connections=text) as place:
        load_connections(place / "connections.yaml", CHECKER)


SETTINGS = """
ledger: sqlite:///x.db
retention: 30
notifications:
  - webhook: {url: "${env:HOOK}", headers: {a: "${env:A}"}}
    on: [failed]
  - email: {to: [ops@example.com], from: syncline@example.com, host: mail.example.com}
"""


def test_what_is_edited_here_is_sound() -> None:
    with folder(x=SPEC, syncline=SETTINGS) as place:
        assert load_paths([place / "x.yaml"], PLUGINS).faults == ()
        assert load_settings(place / "syncline.yaml", CHECKER)[1] == []


@given(edited(SETTINGS))
@settings(max_examples=12)
def test_any_edit_of_the_settings_is_settings_or_has_faults(text: str) -> None:
    with folder(syncline=text) as place:
        load_settings(place / "syncline.yaml", CHECKER)


@given(st.binary(max_size=300) | VALUES.map(msgspec.json.encode))
@settings(max_examples=12)
def test_any_file_is_a_plan_or_is_refused(data: bytes) -> None:
    whole = data[:-1] + b',"checksum":"' + hashlib.sha256(data[:-1]).hexdigest().encode() + b'"}\n'
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "x.plan")
        path.write_bytes(whole)
        with pytest.raises(Fatal):
            load(path)


# ----------------------------------------------------------------------------------------------- what remotes answer

NAMES = st.sampled_from(
    ["code", "Code", "data", "message", "status", "response", "list_of_details", "listkey", "listname", "lead_email",
     "contact_email", "requestdetails", "range", "fieldname", "fieldnames", "DISPLAY_NAME", "FIELD_NAME", "no_of_leads",
     "applications", "link_name", "date_format", "time_zone", "ID", "Email", "Name", "first_name", "Added_Time",
     "Modified_Time", "zc_display_value", "is_public"]
)  # fmt: skip
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["0", "9" * 5000, "²", "٣", "01-Jan-2026 00:00:00", "2026-11-26T00:00:00+05:30", "\x1f", "a@b"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6) | NAMES, inner, max_size=5),
    max_leaves=12,
)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {"ID": st.sampled_from(["1", "2", "3", "4"])},
        optional={"Email": JSON, "Name": JSON, "Added_Time": JSON, "Modified_Time": JSON, "Tags": JSON},
    ),
    max_size=4,
)
APPLICATIONS = st.fixed_dictionaries(
    {"link_name": st.just("events")}, optional={"date_format": JSON, "time_zone": JSON}
)
PAGES = st.one_of(
    st.fixed_dictionaries({"code": st.sampled_from([3000, "3000", 3100, 9280, 2930, 2894]), "data": RECORDS | JSON}),
    st.fixed_dictionaries(
        {"code": st.just(3000), "applications": st.lists(APPLICATIONS, min_size=1, max_size=2) | JSON}
    ),
    st.fixed_dictionaries({"code": st.just(3000), "applications": st.lists(APPLICATIONS, min_size=1), "data": RECORDS}),
    st.fixed_dictionaries({"code": st.sampled_from([0, "0", "2502", "6201"]), "list_of_details": JSON}),
    st.fixed_dictionaries({"response": JSON}),
    st.dictionaries(NAMES, JSON, max_size=6),
    JSON,
)
BODIES = PAGES.map(msgspec.json.encode) | st.binary(max_size=60)
ANSWERS = st.builds(
    read_answer,
    st.sampled_from([200, 200, 200, 200, 200, 204, 400, 401, 403, 404, 429, 500]),
    st.dictionaries(st.sampled_from(["record_cursor", "retry-after"]), st.text(max_size=8), max_size=2),
    BODIES,
)


class Hasty(Clock):
    """A clock by which nobody waits."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.is_set()


class Remote:
    """As much of a connection as a plugin needs; it answers in turn, and then has nothing more to say."""

    account = "fuzz"

    def __init__(self, answers: list[Answer]) -> None:
        self.calls = 0
        self._answers = answers
        never = threading.Event()
        budgets = SimpleNamespace(acquire=lambda *paid: None, park=lambda *parked: None)
        self.runtime = SimpleNamespace(redactor=Redactor(), stop=never, budgets=budgets, clock=Hasty())

    def client(self, product: str) -> Remote:
        return self

    def limit(self, product: str, documented: Limit) -> Limit:
        return documented

    def token_help(self, scopes: object = ()) -> str:
        return ""

    def send(self, method: str, path: str, **rest: Any) -> Answer:
        self.calls += 1
        assert self.calls <= 60, "it would ask for ever"
        if path.startswith("/creator/v2.1/meta"):
            return next((each for each in self._answers if b"applications" in repr(each.json).encode()), SOUND)
        if self.calls > len(self._answers):
            raise Retriable("nothing more")
        return self._answers[self.calls - 1]


SOUND = read_answer(
    200,
    {},
    b'{"code":3000,"applications":[{"link_name":"events","date_format":"dd-MMM-yyyy","time_zone":"Asia/Kolkata"}]}',
)
CONFIG = CreatorConfig(owner="zylker", application="events", report="all_signups")


@given(st.lists(ANSWERS, min_size=1, max_size=6), st.sampled_from([(), ("Email", "Name.first_name")]))
@settings(max_examples=30)
def test_any_answers_of_creator_are_pages_or_an_error_of_ours(answers: list[Answer], fields: tuple[str, ...]) -> None:
    source = Creator(CONFIG, Remote(answers))  # type: ignore[arg-type]  # as much of a connection as it needs
    window = Window(created=NOW, now=NOW, fields=fields)
    with contextlib.suppress(SynclineError):
        for page in source.read(Partition("all", window), None):
            assert page.rows is not None
    with contextlib.suppress(SynclineError):
        list(source.fields() or ())
    with contextlib.suppress(SynclineError):
        source.fetch_one("1")


@given(st.lists(ANSWERS, min_size=1, max_size=6))
@settings(max_examples=30)
def test_any_answers_of_marketinghub_are_values_or_an_error_of_ours(answers: list[Answer]) -> None:
    for question in (
        read_lists,
        read_fields,
        lambda api: count(api, "list", Status.ACTIVE),
        lambda api: list(pages(api, "getleads", {}, size=3, identity=address_of, expected=50)),
        lambda api: api.write("listsubscribe", {}),
        lambda api: api.probe("listsubscribe"),
    ):
        with contextlib.suppress(SynclineError):
            question(Api(Remote(answers)))


@given(
    st.binary(max_size=300) | st.binary(max_size=300).map(gzip.compress), st.sampled_from(["", "gzip", "br", "GZIP "])
)
def test_any_body_is_read_or_is_refused(data: bytes, encoding: str) -> None:
    with contextlib.suppress(Unreadable):
        collected([data[:7], data[7:]], encoding)
