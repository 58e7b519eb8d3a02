"""Undo: what can be taken back of a run, and what cannot, with the reason.

Only leads that the run itself added are taken out, and only fields that it changed get their former values. Nobody is
subscribed again, and whoever opted out since is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from ..assembly import Assembly
from ..batch import ADDRESS, ID, KEY, STATUS
from ..decision import Outcome
from ..errors import SpecError
from ..ledger import Ledger, RunRecord, SyncRecord
from ..pipeline.guard import Tally, changes, judged, removals
from ..pipeline.match import FINGERPRINT, PLANNED_OUTCOME, PLANNED_REASON, VALUES, Match, fingerprint
from ..pipeline.people import People
from ..spec import Bound

UNDONE, RESTORED = "undone", "restored"
LEFT = pl.Schema({ID: pl.String, ADDRESS: pl.String, KEY: pl.String, "reason": pl.String, "detail": pl.String})


@dataclass(frozen=True)
class Proposal:
    """What an undo of `run` does: members to be taken out (`#key`, `#id`, source_id, `#address`) by `action`, leads to
    get their former values (as they are sent), and those who are `left` as they are, each
    with a reason (columns `LEFT`). `forgotten` people are passed over. `of`: how many people the sync has delivered.
    """

    run: RunRecord
    action: str | None
    removals: pl.DataFrame
    restored: pl.DataFrame
    left: pl.DataFrame
    forgotten: int
    of: int
    words: Mapping[str, str | None] = field(default_factory=dict)
    """For leads to get former values (`#key`): what they do not get back."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to take back."""
        return not (self.removals.height or self.restored.height)

    def tallies(self, assembly: Assembly, approved: pl.DataFrame) -> dict[str, Tally]:
        """Held against the guards of the spec."""
        limits = assembly.spec.guards
        return {
            "removals": judged(removals(self.removals), self.of, limits.removals, approved)[1],
            "changes": judged(changes(self.restored), self.of, limits.changes, approved)[1],
        }


def undoable(ledger: Ledger, run: RunRecord) -> None:
    """Raise `SpecError` for a run that cannot be undone, `NotRunnable` for one that was."""
    why = ""
    if run.finished_at is None:
        why = "it has no end yet"
    elif run.undoes is not None:
        why = "it is an undo itself; nobody is subscribed again, and nothing is changed back and forth"
    if why:
        raise SpecError(f"run {run.id} cannot be undone", why=why, mend=f"`syncline history {run.sync}` lists the runs")
    ledger.refuse_undone(run.id)
    if run.counts.total and next(ledger.leads(run.id), None) is None:
        raise SpecError(
            f"run {run.id} cannot be undone",
            why="its row detail is past the retention",
            mend="`retention` in syncline.yaml says how long it is kept",
        )


def acting(bound: Bound, action: str | None) -> str | None:
    """How an undo takes people out: by this action, or (None) as `on_delete` says, or the mildest way of the sink; None
    where the sink cannot take anybody out. Raises `SpecError`."""
    able: tuple[str, ...] = bound.sink_class.removals
    if action is not None and action not in able:
        raise SpecError(
            f"the sink {bound.sink_class.name} cannot take people out by {action!r}",
            mend=f"it can: {', '.join(able)}" if able else "it cannot take people out at all; leave --action out",
        )
    if not able:
        return None
    said = getattr(bound.sink_config, "on_delete", None)
    return action or (said if said in able else able[0])


def propose(
    ledger: Ledger,
    sync: SyncRecord,
    run: RunRecord,
    assembly: Assembly,
    people: People,
    match: Match,
    action: str | None,
) -> Proposal:
    """By an audience that is read anew, opt-outs included. Nothing is written."""
    leads = pl.concat(list(ledger.leads(run.id)) or [_NONE])
    written = pl.col("outcome").is_in(["new", "re_added", "deleted", "unknown"]) | (pl.col("reason") == "updated")
    touched = leads.filter(written)
    forgotten = touched[KEY].null_count()
    touched = touched.filter(pl.col(KEY).is_not_null()).unique(KEY, keep="first", maintain_order=True)
    members = ledger.members(sync.id)
    known = members.filter(~pl.col("removed")).height
    if not touched.height:
        none = touched.with_columns(source_id=ID)
        return Proposal(run, action, none, _sendable(assembly, []), _left([]), forgotten, known)
    people.look(sending=True)
    facts = _Facts(ledger, sync, run, people, match, members, touched[KEY])
    left: list[tuple[Any, ...]] = []
    out: list[str] = []
    back: list[dict[str, Any]] = []
    former, clears = dict(ledger.former(run.id).iter_rows()), _clearing(assembly)
    words: dict[str, str | None] = {}
    for lead in touched.iter_rows(named=True):
        key, added = lead[KEY], lead["outcome"] in ("new", "re_added")
        reason, detail = facts.hindrance(key, lead["outcome"], added=added)
        if not reason and added and action is None:
            reason = "cannot_remove"
        way: _Back | None = None
        if not reason and not added and not assembly.sink.updates():
            reason = "not_updated"
        if not reason and not added:
            way = _back(former.get(key), facts.sent.get(key, {}), assembly, clears)
            detail = way.words
            reason = "" if way.values else "former_unknown" if way.lost or not way.full else "former_empty"
        if reason:
            left.append((lead[ID], lead[ADDRESS], key, reason, detail))
        elif added:
            out.append(key)
        else:
            own = {ID: lead[ID], ADDRESS: lead[ADDRESS], KEY: key, STATUS: facts.status.get(key)}
            back.append(own | facts.sent.get(key, {}) | dict(way.values if way else {}))
            words[key] = detail
    leaving = touched.filter(pl.col(KEY).is_in(out)).with_columns(source_id=ID)
    return Proposal(run, action, leaving, _sendable(assembly, back), _left(left), forgotten, known, words)


_NONE = pl.DataFrame(schema=dict.fromkeys((ID, ADDRESS, KEY, "outcome", "reason", "detail"), pl.String))


class _Facts:
    """What became of people since the run."""

    def __init__(
        self, ledger: Ledger, sync: SyncRecord, run: RunRecord, people: People, match: Match, members: pl.DataFrame,
        keys: pl.Series,
    ) -> None:  # fmt: skip
        self._ended: datetime = run.finished_at or run.started_at
        mine = members.join(keys.to_frame(KEY), on=KEY, how="semi")
        self._members = {row[KEY]: row for row in mine.iter_rows(named=True)}
        self._out = dict(zip(keys, match.opted_out(keys), strict=True))
        self._known = {row[KEY]: row for row in people.known(keys).iter_rows(named=True)}
        self._shown = people.shown(keys)
        values = ledger.member_values(sync.id, keys).select(KEY, "values").iter_rows()
        self.sent: dict[str, dict[str, Any]] = {key: msgspec.json.decode(each) for key, each in values if each}
        self.status: dict[str, str | None] = {key: row["status"] for key, row in self._known.items()}

    def hindrance(self, key: str, outcome: str, *, added: bool) -> tuple[str, str | None]:
        """Why this lead is left as it is ("": nothing is in the way), and more words on it."""
        member, known = self._members.get(key), self._known.get(key, {})
        if outcome == Outcome.UNKNOWN:
            return "fate_unknown", None
        if outcome == Outcome.DELETED:
            return "never_resubscribed", None
        if self._out.get(key):
            return "do_not_mail", "opted out since; left alone"
        if member is None or member["removed"]:
            return "not_there", None
        if member["delivered_at"] > self._ended:
            return "changed_later", None
        if member["awaiting"] and not known.get("in_target"):
            return "mail_sent", "has to confirm still; the mail that asks cannot be taken back"
        if not known.get("in_target") and (known.get("gone") or member["seen"]):
            return "not_there", None
        if edited := self._edited(key):
            return "edited_in_target", f"not as it was sent: {', '.join(edited)}"
        return "", None

    def _edited(self, key: str) -> list[str]:
        """Fields in which the target shows something else than was sent."""
        sent, shown = self.sent.get(key, {}), self._shown.get(key, {})
        return [
            name for name, value in shown.items()
            if name in sent and sent[name] is not None and (value or "") != (sent[name] or "")
        ]  # fmt: skip


@dataclass(frozen=True)
class _Back:
    """The way back for one lead: fields with the values that they had, those whose former value nobody knows (`lost`),
    and those that were empty and cannot be emptied (`full`)."""

    values: Mapping[str, Any]
    lost: Sequence[str]
    full: Sequence[str]

    @property
    def words(self) -> str | None:
        """What is not given back."""
        told = [f"not known before: {', '.join(self.lost)}"] if self.lost else []
        told += [f"were empty, and the sink empties nothing: {', '.join(self.full)}"] if self.full else []
        return "; ".join(told) or None


def _back(text: str | None, sent: Mapping[str, Any], assembly: Assembly, clears: Collection[str]) -> _Back:
    former: dict[str, Any] = msgspec.json.decode(text) if text else {}
    fields = [name for name in assembly.mapped if name != assembly.key_field]
    other = [name for name in fields if former.get(name) is not None and former[name] != (sent.get(name) or "")]
    full = [name for name in other if not former[name] and name not in clears]
    lost = [name for name in fields if former.get(name) is None and sent.get(name) is not None]
    return _Back({name: former[name] for name in other if name not in full}, lost, full)


def _clearing(assembly: Assembly) -> set[str]:
    """The fields that the sink empties when it is given an empty text."""
    fields = list(assembly.mapped)
    empty = assembly.sink.encode(pl.DataFrame({name: [""] for name in fields}), fields).row(0, named=True)
    return {name for name in fields if empty[name] is not None}


def _sendable(assembly: Assembly, leads: list[dict[str, Any]]) -> pl.DataFrame:
    """The leads as a run sends them: mapped fields, what is planned, their fingerprint."""
    fields = list(assembly.mapped)
    schema = dict.fromkeys((ID, ADDRESS, KEY, STATUS, *fields), pl.String())
    frame = pl.DataFrame([{name: each.get(name) for name in schema} for each in leads], schema=schema)
    frame = frame.with_columns(pl.coalesce(assembly.key_field, ADDRESS).alias(assembly.key_field))
    values = assembly.sink.encode(frame, fields).select(pl.struct(sorted(fields)).struct.json_encode().alias(VALUES))
    marks = [fingerprint(text, assembly.sink.traits().encode()) for text in values[VALUES]]
    planned = (pl.lit(Outcome.DUPLICATE.value).alias(PLANNED_OUTCOME), pl.lit(RESTORED).alias(PLANNED_REASON))
    return frame.hstack(values).with_columns(pl.Series(FINGERPRINT, marks, dtype=pl.Int64), *planned)


def _left(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=LEFT, orient="row")
