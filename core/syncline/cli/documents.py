"""The JSON documents that commands print with --json, each made by one function.

They are stable: keys are added, never renamed. Times are ISO 8601 in UTC with a `Z`. A run is printed as
`RunRecord.document` says (DESIGN 10).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..budget import DAY, Spent
from ..clock import iso

if TYPE_CHECKING:
    from pathlib import Path

    from ..executor.undo import Proposal
    from ..explain import Explanation
    from ..ledger import Revision, RunRecord, SyncRecord, Waiting
    from ..pipeline.guard import Tally
    from ..plan import Action, Done, Plan
    from ..plugin import Check
    from ..registry import Registry
    from ..render.kubernetes import Rendered
    from .coming import Coming
    from .setup import Made
    from .survey import Definition, Known

Json = dict[str, Any]


def checks(found: Iterable[Check], **names: Any) -> Json:
    """`check`, `doctor` and `notify`: `{"sync" (check only), "ok", "checks": [{"subject", "ok", "found", "mend"}]}`, in
    the order tested."""
    lines = [{"subject": each.subject, "ok": each.ok, "found": each.found, "mend": each.mend} for each in found]
    return names | {"ok": all(line["ok"] for line in lines), "checks": lines}


def initiated(made: Made, warnings: Sequence[str], *, written: bool) -> Json:
    """`init`: `{"file", "sync", "spec", "text", "samples": [{"lead", "ignored", "detail"}], "read", "ignored": {reason:
    leads}, "first_run", "warnings", "next"}`. `file` is null with `--output -`; `spec` is what the YAML in `text` says;
    `samples` are of the first page, of which `read` tells the records; `next` are the commands that come next."""
    found = made.samples
    return {
        "file": str(made.path) if written else None,
        "sync": made.bound.spec.name,
        "spec": dict(made.bound.spec.raw),
        "text": made.text,
        "samples": [
            {"lead": dict(each.lead), "ignored": each.ignored, "detail": each.detail}
            for each in (found.leads if found else ())
        ],
        "read": found.read if found else 0,
        "ignored": dict(found.ignored.most_common()) if found else {},
        "first_run": iso(made.first_run),
        "warnings": list(warnings),
        "next": made.next if written else [],
    }


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


def history(sync: str, runs: Sequence[RunRecord], notes: Sequence[str] = ()) -> Json:
    """`history`: `{"sync", "runs": [run, …], "notes"}`, newest first; `notes` only where there are any."""
    return {"sync": sync, "runs": [run.document() for run in runs], **noted(notes)}


def noted(notes: Sequence[str]) -> Json:
    """The notes of a sync, for documents that have the key only where there are any."""
    return {"notes": list(notes)} if notes else {}


def lead(row: Mapping[str, Any], letter: Mapping[str, Any] | None = None) -> Json:
    """`leads`: one line of JSON Lines: `{"email", "source_id", "outcome", "reason", "detail"}`; of a lead that became a
    dead letter also `"code"`, `"attempts"`, `"return_at"` (null: not by itself), `"settled_by"` (a run, null while it
    waits) and `"settled_why"`: delivered, replaced (by a newer letter), changed (the record is newer), taken,
    ignored/REASON or duplicate/REASON."""
    line = {
        "email": row["#address"] if row["#address"] is not None else row["#key"],
        "source_id": row["#id"],
        "outcome": row["outcome"],
        "reason": row["reason"],
        "detail": row["detail"],
    }
    return line if letter is None else line | dict(letter) | {"return_at": iso(letter["return_at"])}


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


def approval(run: RunRecord, leads: Sequence[Mapping[str, Any]]) -> Json:
    """`approve`: `{"run", "sync", "held": {"plan", "state", "used_by", "removals", "changes"}, "leads": [{"email",
    "source_id", "kind"}]}`; `kind` is removal or change, `held` as in the document of the run."""
    return {"run": run.id, "sync": run.sync, "held": run.document().get("held"), "leads": list(leads)}


def undoing(found: Proposal, tallies: Mapping[str, Tally]) -> Json:
    """`undo --dry-run`: `{"run", "sync", "action", "take_out": [email], "restore": [{"email", "detail"}], "left":
    [{"email", "reason", "detail"}], "forgotten", "guards": {"removals", "changes"}}`; `undo` itself prints its run."""
    return {
        "run": found.run.id,
        "sync": found.run.sync,
        "action": found.action,
        "take_out": found.removals["#address"].to_list(),
        "restore": [
            {"email": email, "detail": found.words.get(key)}
            for email, key in found.restored.select("#address", "#key").iter_rows()
        ],
        "left": [
            {"email": email, "reason": reason, "detail": detail}
            for email, reason, detail in found.left.select("#address", "reason", "detail").iter_rows()
        ],
        "forgotten": found.forgotten,
        "guards": {name: tally.document() for name, tally in tallies.items()},
    }


def status(known: Iterable[Known], parked: Mapping[str, float], today: Mapping[str, Spent]) -> Json:
    """`status`: `{"syncs": [{"sync", "file", "state", "reason", "last_run", "next_run", "schedule", "dead_letters",
    "letters": {"rejected", "unknown", "returning", "exhausted", "next_at"}, "failures", "retry_at", "holding",
    "notes"}], "parked": [{"budget", "until", "day"}], "today": [{"budget", "calls", "since"}]}`, by name. `state` is
    null for a sync that the ledger has not met; `failures` counts scheduled runs that failed in a row, and the next try
    is at `retry_at`; `holding` is the run in which a guard holds something that waits, or null. Of the `dead_letters`,
    `returning` come back by themselves, the first of them at `next_at`, and `exhausted` were tried too often for that.
    A `parked` budget has no calls until then: the other side locked it, or with `day` no call of the day is left;
    `today` counts the calls of each account that allows so many a day, since its day began."""
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
                "dead_letters": each.letters.all,
                "letters": _letters(each.letters),
                "failures": each.failures,
                "retry_at": iso(each.retry_at),
                "holding": each.holding.document() if each.holding else None,
                "notes": each.notes,
            }
            for each in known
        ],
        "parked": [
            {"budget": name.removesuffix(DAY), "until": moment(until), "day": name.endswith(DAY)}
            for name, until in sorted(parked.items())
        ],
        "today": [
            {"budget": name, "calls": each.calls, "since": moment(each.at)} for name, each in sorted(today.items())
        ],
    }


def _letters(waiting: Waiting) -> Json:
    return {
        "rejected": waiting.rejected,
        "unknown": waiting.unknown,
        "returning": waiting.returning,
        "exhausted": waiting.exhausted,
        "next_at": iso(waiting.next_at),
    }


def state(sync: SyncRecord) -> Json:
    """`pause` and `resume`: `{"sync", "state", "reason"}`, as the sync is now."""
    return {"sync": sync.name, "state": sync.state, "reason": sync.reason}


def plan(made: Plan, ledger: str, saved: Path | None) -> Json:
    """`plan`: `{"folder", "deployment", "ledger", "counts": {action: n}, "actions": [{"sync", "action", "file",
    "changes": [{"path", "old", "new"}], "revision", "state", "becomes", "reason", "notes", "sent_again", "next_run":
    {"before", "after"}}], "held", "saved"}`. `action` is create, update, pause, resume, remove, unchanged, kept or
    refused; `revision` and `state` are those in the ledger; `sent_again` (at most so many known leads) and `next_run`
    are null where nothing changes; `held` says why a removal of many needs --yes; `saved` is the file."""
    return {
        "folder": made.folder,
        "deployment": made.deployment,
        "ledger": ledger,
        "counts": {str(kind): n for kind, n in made.counts.items()},
        "actions": [_action(each) for each in made.actions],
        "held": made.held or None,
        "saved": str(saved) if saved else None,
    }


def _action(each: Action) -> Json:
    return {
        "sync": each.sync,
        "action": str(each.kind),
        "file": each.file,
        "changes": _changes(each.changes),
        "revision": each.revision,
        "state": each.state,
        "becomes": each.becomes,
        "reason": each.reason or None,
        "notes": list(each.notes),
        "sent_again": each.sent_again,
        "next_run": dict(zip(("before", "after"), map(iso, each.next_run), strict=True)) if each.next_run else None,
    }


def _changes(changes: Iterable[tuple[str, Any, Any]]) -> list[Json]:
    return [{"path": path, "old": old, "new": new} for path, old, new in changes]


def applied(made: Plan, results: Sequence[Done], *, held: str = "") -> Json:
    """`apply`: `{"folder", "deployment", "results": [{"sync", "action", "status", "message", "sent_again"}], "refused":
    [{"sync", "reason"}], "unchanged", "held"}`. `status` is done, failed (with its `message`) or left; `held` says why
    nothing was done without --yes. A saved plan that is refused prints `{"plan", "status": "refused", "reasons"}`."""
    return {
        "folder": made.folder,
        "deployment": made.deployment,
        "results": [
            {
                "sync": each.action.sync,
                "action": str(each.action.kind),
                "status": each.status,
                "message": each.message or None,
                "sent_again": each.action.sent_again,
            }
            for each in results
        ],
        "refused": [{"sync": each.sync, "reason": each.reason} for each in made.refused],
        "unchanged": sum(each.kind == "unchanged" for each in made.actions),
        "held": held or None,
    }


def plan_refused(path: Path, reasons: Sequence[str]) -> Json:
    """A saved plan that is refused: see `applied`."""
    return {"plan": str(path), "status": "refused", "reasons": list(reasons)}


def definition(shown: Definition) -> Json:
    """`show`: `{"sync", "file", "description", "state", "reason", "created_at", "enabled", "source", "sink", "mapping",
    "transforms", "ignore", "retrieve", "lookback", "schedule", "next_runs", "replaces", "last_run", "revisions":
    [{"number", "at", "commit", "author", "changes": [{"path", "old", "new"}]}], "events": [{"at", "state",
    "reason"}], "failures", "retry_at", "firings": [{"due", "state", "attempts", "at", "message"}], "holding",
    "letters", "notes"}`; revisions and events oldest first, firings newest first: claimed, waiting, done or skipped.
    `source` and `sink` are as written; references stay references; `holding` and `letters` as in `status`."""
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
        "revisions": [_revision(each) for each in shown.revisions],
        "events": [{"at": iso(at), "state": state, "reason": reason} for at, state, reason in shown.events],
        "failures": shown.record.failures if shown.record else 0,
        "retry_at": iso(shown.record.retry_at) if shown.record else None,
        "firings": [{**each, "due": iso(each["due"]), "at": iso(each["at"])} for each in shown.firings],
        "holding": shown.holding.document() if shown.holding else None,
        "letters": _letters(shown.letters),
        "notes": shown.notes,
    }


def schedule(found: Coming) -> Json:
    """`schedule`: `{"sync", "state", "halted", "schedule", "zone", "zone_from", "from", "runs": [{"due", "local",
    "zone", "seconds", "starts", "note"}], "clock_changes": [{"at", "before", "after", "effect"}], "notes"}`. `halted`
    says why none of the runs will come, else it is null; `seconds` how far it is from now; `starts` is `due` with its
    jitter. `before` and `after` are what the clocks would have shown, and show."""
    from zoneinfo import ZoneInfo

    from ..schedule import jittered

    keys = found.schedule or {}
    there = ZoneInfo(found.zone or "UTC")
    return {
        "sync": found.name,
        "state": found.state,
        "halted": found.halted or None,
        "schedule": found.schedule,
        "zone": found.zone,
        "zone_from": found.origin or None,
        "from": iso(found.start if found.start.tzinfo else None),
        "runs": [
            {
                "due": iso(each.due),
                "local": each.due.astimezone(there).isoformat(),
                "zone": each.due.astimezone(there).tzname(),
                "seconds": round((each.due - found.now).total_seconds()),
                "starts": iso(jittered(keys, found.name, each.due)),
                "note": each.note,
            }
            for each in found.firings
        ],
        "clock_changes": [
            {
                "at": iso(turn.change.at),
                "before": turn.change.before.isoformat(),
                "after": turn.change.after.isoformat(),
                "effect": turn.effect,
            }
            for turn in found.turns
        ],
        "notes": found.notes,
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


def revisions(sync: str, found: Iterable[Revision]) -> Json:
    """`show --revisions`: `{"sync", "revisions": [{"number", "at", "commit", "author", "changes": [{"path", "old",
    "new"}]}]}`, oldest first. `commit` and `author` are null where they are not known."""
    return {"sync": sync, "revisions": [_revision(each) for each in found]}


def _revision(each: Revision) -> Json:
    return {
        "number": each.number,
        "at": iso(each.at),
        "commit": each.commit,
        "author": each.author,
        "changes": _changes(each.diff),
    }


def moment(epoch: float) -> str | None:
    """Seconds since the epoch as a time."""
    from datetime import UTC, datetime

    return iso(datetime.fromtimestamp(epoch, UTC))
