"""The hooks of a plugin package. They only offer classes, or are told of events; the work is in the classes.

A package names a module under the entry-point group `syncline`; the functions there, marked with `hookimpl`, are
found by their names.
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
    `batch` (null between batches); `waiting` (a call budget) and `waiting_until` (seconds since the epoch), or null."""


@hookspec
def syncline_run_finished(run: Mapping[str, Any]) -> None:
    """Told when a run ended, however: its document as `syncline run --json` prints it."""


@hookspec
def syncline_sync_deactivated(sync: str, reason: str) -> None:
    """Told when a sync became inactive, for good."""


@hookspec
def syncline_state_changed(sync: str, state: str, reason: str) -> None:
    """Told when a sync became active, paused, completed or inactive, and why."""


@hookspec
def syncline_run_postponed(sync: str, reason: str, failures: int, until: str) -> None:
    """Told when a scheduled run failed or could not start: so many `failures` in a row, and when it is tried again
    (ISO 8601, UTC)."""
