"""The JSON documents that commands print with --json, each made by one function.

They are stable: keys are added, never renamed. Times are ISO 8601 in UTC with a `Z`. A run is printed as
`RunRecord.document` says (DESIGN 10).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..ledger import iso

if TYPE_CHECKING:
    from ..explain import Explanation
    from ..ledger import RunRecord
    from ..plugin import Check
    from ..registry import Registry
    from ..render.kubernetes import Rendered
    from .survey import Definition, Known

Json = dict[str, Any]


def checks(found: Iterable[Check], **names: Any) -> Json:
    """`check` and `doctor`: `{"sync" (check only), "ok", "checks": [{"subject", "ok", "found", "mend"}]}`, in the order
    tested."""
    lines = [{"subject": each.subject, "ok": each.ok, "found": each.found, "mend": each.mend} for each in found]
    return names | {"ok": all(line["ok"] for line in lines), "checks": lines}


def plugins(registry: Registry) -> Json:
    """`plugins`: `{"plugins": [{"kind", "name", "package", "version", "summary"}], "broken": [{"package", "version",
    "entry_point", "why"}], "doubled": [{"kind", "name", "packages"}]}`, by kind and name."""
    return {
        "plugins": [
            {"kind": each.kind, "name": each.name, "package": each.package, "version": each.version,
             "summary": each.summary}
            for each in registry.offers()
        ],
        "broken": [
            {"package": each.package, "version": each.version, "entry_point": each.entry_point, "why": each.why}
            for each in registry.broken
        ],
        "doubled": [
            {"kind": kind, "name": name, "packages": list(owners)}
            for (kind, name), owners in sorted(registry.doubled.items())
        ],
    }  # fmt: skip


def history(sync: str, runs: Sequence[RunRecord]) -> Json:
    """`history`: `{"sync", "runs": [run, …]}`, newest first."""
    return {"sync": sync, "runs": [run.document() for run in runs]}


def lead(row: Mapping[str, Any]) -> Json:
    """`leads`: one line of JSON Lines: `{"email", "source_id", "outcome", "reason", "detail"}`."""
    return {
        "email": row["#address"] if row["#address"] is not None else row["#key"],
        "source_id": row["#id"],
        "outcome": row["outcome"],
        "reason": row["reason"],
        "detail": row["detail"],
    }


def explanation(told: Explanation) -> Json:
    """`explain`: `{"sync", "email", "history": [{"run", "started_at", "outcome", "reason", "detail", …}], "delivered",
    "record", "stages": [{"stage": mapping | transform | rule | match, "name", …}], "now": {"outcome", "reason",
    "detail", "would_be_sent"}, "why_not"}`; parts that do not apply are left out."""
    document = told.document()
    if told.delivered:
        shown = ("delivered_at", "source_id", "seen", "awaiting", "removed")
        document["delivered"] = {name: told.delivered.get(name) for name in shown}
    document["history"] = [each | {"started_at": iso(each["started_at"])} for each in told.history]
    return document


def forgotten(erased: Mapping[str, int]) -> Json:
    """`forget`: `{"erased": {table: rows}}`; the address is not repeated."""
    return {"erased": dict(sorted(erased.items()))}


def status(known: Iterable[Known], parked: Mapping[str, float]) -> Json:
    """`status`: `{"syncs": [{"sync", "file", "state", "reason", "last_run", "next_run", "schedule", "dead_letters"}],
    "parked": [{"budget", "until"}]}`, by name. `state` is null for a sync that the ledger has not met."""
    return {
        "syncs": [
            {
                "sync": each.name,
                "file": str(each.file) if each.file else None,
                "state": each.state,
                "reason": each.reason,
                "last_run": each.last_run.document() if each.last_run else None,
                "next_run": iso(each.next_run),
                "schedule": each.schedule,
                "dead_letters": each.dead_letters,
            }
            for each in known
        ],
        "parked": [{"budget": name, "until": moment(until)} for name, until in sorted(parked.items())],
    }


def definition(shown: Definition) -> Json:
    """`show`: `{"sync", "file", "description", "state", "reason", "created_at", "enabled", "source", "sink", "mapping",
    "transforms", "ignore", "retrieve", "lookback", "schedule", "next_runs", "replaces", "last_run", "revisions":
    [{"number", "at", "changes": [{"path", "old", "new"}]}], "events": [{"at", "state", "reason"}]}`; revisions and
    events oldest first. `source` and `sink` are as written; references stay references."""
    raw = shown.raw
    return {
        "sync": shown.name,
        "file": str(shown.file) if shown.file else None,
        "description": raw.get("description", ""),
        "state": shown.record.state if shown.record else None,
        "reason": shown.record.reason if shown.record else None,
        "created_at": iso(shown.record.created_at) if shown.record else None,
        "enabled": raw.get("enabled", True),
        **{key: raw.get(key) for key in ("source", "sink", "mapping", "transforms", "ignore", "retrieve")},
        "lookback": (raw.get("source") or {}).get("lookback"),
        "schedule": raw.get("schedule"),
        "next_runs": [iso(each) for each in shown.next_runs],
        "replaces": raw.get("replaces"),
        "last_run": shown.last_run.document() if shown.last_run else None,
        "revisions": [
            {
                "number": number,
                "at": iso(at),
                "changes": [{"path": path, "old": old, "new": new} for path, old, new in diff],
            }
            for number, at, _, diff in shown.revisions
        ],
        "events": [{"at": iso(at), "state": state, "reason": reason} for at, state, reason in shown.events],
    }


def rendered(target: str, made: Rendered, folder: Path | None) -> Json:
    """`render`: `{"target", "folder", "files": {file: [object, …]}, "secret": {"name", "keys"}, "left_out": [{"sync",
    "file", "reasons"}], "by_hand": [{"sync", "file"}]}`; `folder` is null where nothing was written."""
    from ..render.pod import NAME

    return {
        "target": target,
        "folder": str(folder) if folder else None,
        "files": made.files,
        "secret": {"name": NAME, "keys": sorted(made.keys)},
        "left_out": [
            {"sync": spec.name, "file": str(spec.path), "reasons": [fault.message for fault in faults]}
            for spec, faults in made.left_out
        ],
        "by_hand": [{"sync": spec.name, "file": str(spec.path)} for spec in made.by_hand],
    }


def moment(epoch: float) -> str | None:
    """Seconds since the epoch as a time."""
    from datetime import UTC, datetime

    return iso(datetime.fromtimestamp(epoch, UTC))
