"""The hooks of a plugin package. They only offer classes, or are told of events; the work is in the classes.

A package names a module under the entry-point group `syncline`; the functions there, marked with `hookimpl`, are
found by their names.

What is told comes from whatever thread it happened in, and several syncs may run at once; one observer is told of one
thing at a time, so it needs no lock of its own. The run waits meanwhile: an observer returns at once, and leaves what
takes time to a thread of its own. One that raises is logged and passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pluggy

from .plugin import Connection, Rule, Sink, Source, Transform

PROJECT = "syncline"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def syncline_connections() -> Sequence[type[Connection[Any]]]:  # type: ignore[empty-body]  # a spec has no body
    """Called once, at start: the connection types of this package."""


@hookspec
def syncline_sources() -> Sequence[type[Source[Any]]]:  # type: ignore[empty-body]  # a spec has no body
    """Called once, at start: the sources of this package."""


@hookspec
def syncline_transforms() -> Sequence[type[Transform[Any]]]:  # type: ignore[empty-body]  # a spec has no body
    """Called once, at start: the transforms of this package."""


@hookspec
def syncline_rules() -> Sequence[type[Rule[Any]]]:  # type: ignore[empty-body]  # a spec has no body
    """Called once, at start: the ignore rules of this package."""


@hookspec
def syncline_sinks() -> Sequence[type[Sink[Any]]]:  # type: ignore[empty-body]  # a spec has no body
    """Called once, at start: the sinks of this package."""


@hookspec
def syncline_run_started(run: Mapping[str, Any]) -> None:
    """Told when a run starts: its document (`run`, `sync`, `trigger`, `started_at`, …)."""


@hookspec
def syncline_batch_committed(receipt: Mapping[str, Any]) -> None:
    """Told after each batch and each answer: how many leads were `read`, are `to_send` and were `sent`; `run` and
    `batch` (null between batches); `waiting` (a call budget) and `waiting_until` (seconds since the epoch), or null. A
    run that waits for a list which another sync fills says so in `waiting`, and `waiting_until` is null."""


@hookspec
def syncline_run_finished(run: Mapping[str, Any]) -> None:
    """Told when a run ended, however: its document as `syncline run --json` prints it."""


@hookspec
def syncline_run_broken_off(run: Mapping[str, Any], reason: str) -> None:
    """Told when this process does no more for a run that it had told of as started, and that has no end yet: another
    process has taken it over, or the ledger cannot be reached. Whoever goes on with it tells of it anew."""


@hookspec
def syncline_sync_deactivated(sync: str, reason: str) -> None:
    """Told when a sync became inactive, for good."""


@hookspec
def syncline_state_changed(sync: str, state: str, reason: str) -> None:
    """Told after each change of a sync's state, by the process that made it, when the change is in the ledger: the new
    `state` (`active`, `paused`, `completed`, `inactive`) and the reason, for people. `inactive` is final, and is told
    here as well as by `syncline_sync_deactivated`. Not told when a process starts, nor when a state stays as it was."""


@hookspec
def syncline_run_postponed(sync: str, reason: str, failures: int, until: str) -> None:
    """Told by `syncline serve` when a scheduled run failed, or could not start, and is tried again: why, how many times
    in a row it did not succeed (1: the first time), and the moment of the next attempt, not before, as ISO 8601 in UTC
    with a `Z`. A run that failed was told as `syncline_run_finished` before."""
