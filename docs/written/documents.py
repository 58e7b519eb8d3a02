"""json.md: what commands print with --json."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from syncline.cli import documents, ending
from syncline.cli.commands import validate
from syncline.cli.running import EXITS
from syncline.decision import Counts
from syncline.ledger import RunRecord
from syncline.notices import Notice
from syncline.preview import Preview

from .markdown import listed, table, words


def json_page() -> str:
    """json.md: each document, as its function describes it."""
    told = words((inspect.getdoc(documents) or "").partition("\n\n")[2].partition("A run is")[0])
    sections = [
        "# JSON documents",
        f"With `--json` every command prints one document on standard output, and `leads` one for each line. {told}",
        "## A run",
        "What `run`, `retry` and `undo` print; `history`, `status` and `show` hold it. They add `notes` where "
        "there is something to say of how far back the sync reads.",
        "\n".join(["```json", msgspec.json.format(msgspec.json.encode(example()), indent=2).decode(), "```"]),
        f"`status`: `running` while it goes on, then one of {listed(EXITS)}. `ignored` always has the six default "
        "reasons; a rule's own come where they occur. `calls` counts requests to the products' APIs, token requests "
        "apart. `message` is there when a run has something to say. `held` is there when a guard holds a part of it: "
        '`{"plan", "state", "used_by", "removals", "changes"}`. `plan` is equal for equal sets of leads; `state` is '
        "waiting, approved, used, void or empty; `removals` and `changes` are null or "
        '`{"leads", "of", "limit": {"leads", "percent"}, "approved", "waiting"}`. `undoes` names the run that an undo '
        "takes back.",
        "## The commands",
        table(("command", "document"), list(_rows())),
        "## A notification",
        f"What a webhook gets: {words(inspect.getdoc(Notice.document) or '')}",
        "\n".join(["```json", msgspec.json.format(msgspec.json.encode(notice()), indent=2).decode(), "```"]),
        "## When a command fails",
        words(inspect.getdoc(ending.error_document) or ""),
        words(inspect.getdoc(ending.refusal_document) or ""),
    ]
    return "\n\n".join(sections)


def notice() -> dict[str, object]:
    """The document of a notification."""
    moment = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    run = example() | {"status": "failed", "trigger": "schedule", "message": "the mailing list is gone"}
    return Notice(
        "failed", "webinar-signups", moment, "the mailing list is gone", run=run, failures=1, since=moment, host="etl-1"
    ).document()


def example() -> dict[str, object]:
    """The document of a run in which nothing happened."""
    moment = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    values = {"id": "20261123-040000-5f0c", "sync": "webinar-signups", "status": "succeeded", "trigger": "manual"}
    plain = {"started_at": moment, "finished_at": moment, "counts": Counts(), "resumed": False, "message": ""}
    given = values | plain | {"source_calls": 0, "sink_calls": 0}
    fields = inspect.signature(RunRecord).parameters
    record = RunRecord(**{name: given.get(name) for name in fields})  # type: ignore[arg-type]  # others are not shown
    return record.document()


def _rows() -> Iterator[tuple[str, str]]:
    for _, function in inspect.getmembers(documents, inspect.isfunction):
        names, colon, text = words(inspect.getdoc(function) or "").partition(": ")
        if function.__module__ == documents.__name__ and colon and names.startswith("`"):
            yield names, text
    yield "`validate`", words(inspect.getdoc(validate.document) or "")
    keys = ", ".join(f'"{key}"' for key in Preview("", reads={"source": 0, "sink": 0}).document())
    yield (
        "`preview`",
        f"`{{{keys}}}`: the counts as the history would show them if everything is accepted; `changed_fields` how many "
        'known leads would change, by field; `samples` a few leads, each `{"email", "outcome", "fields": {field: '
        '{"old", "new"}}}`; `calls` of the run; `minutes` the deliveries take at least; `notes` how far back is '
        "read, where that has to be said.",
    )
