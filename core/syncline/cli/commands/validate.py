"""`syncline validate`: every fault of every file, and the specs' own tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import completing
from ..ending import USAGE, error_document
from ..invocation import Invocation
from ..options import command

if TYPE_CHECKING:
    from ...spec import Loaded, Spec
    from ...spectest import Finding

    Tested = list[tuple[Spec, list[Finding]]]


@command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), shell_complete=completing.specs)
def validate(invocation: Invocation, paths: tuple[Path, ...]) -> int:
    """Check specs and run their tests; no network, no secrets.

    PATH is a spec or a folder of specs; by default the current folder, or configs if there are no specs here. All
    faults of all files come at once. Exit 2 when there is any, or when a test fails.

    \b
    Example:
      syncline validate configs
    """
    loaded = invocation.load(paths or [invocation.folder()])
    tested, notes = _tests(invocation, loaded)
    failed = [(spec, finding) for spec, findings in tested for finding in findings if not finding.passed]
    ok = not loaded.faults and not failed
    if invocation.options.as_json:
        invocation.terminal.document(document(loaded, tested, notes))
    else:
        _show(invocation, loaded, tested, notes)
    return 0 if ok else USAGE


def _tests(invocation: Invocation, loaded: Loaded) -> tuple[Tested, list[str]]:
    """The findings of each spec; and notes: on specs whose tests need a secret that is not at hand, and on moments that
    only the creation of the sync can judge."""
    from datetime import UTC, datetime

    from ...errors import SpecError
    from ...spec.retrieval import doubts
    from ...spectest import run_tests

    tested: Tested = []
    notes: list[str] = []
    for spec in loaded.specs:
        try:
            tested.append((spec, run_tests(invocation.unconnected(spec, loaded)) if spec.tests else []))
        except SpecError as error:
            tested.append((spec, []))
            notes.append(f"{spec.path}: its tests did not run: {error}")
        notes += [f"{spec.path}: retrieve: {doubt}" for doubt in doubts(spec.raw, datetime.now(UTC))]
    return tested, notes


def document(loaded: Loaded, tested: Tested, notes: Sequence[str]) -> dict[str, Any]:
    """`{"ok", "specs": [{"file", "sync", "tests"}], "tests": {"passed", "failed"}, "failures": [{"file", "line",
    "test", "expected", "got"}], "notes": […]}`, in the order of the files; with faults also `error` and `exit`, as
    every command prints them."""
    findings = [(spec, finding) for spec, found in tested for finding in found]
    failures = [(spec, finding) for spec, finding in findings if not finding.passed]
    made: dict[str, Any] = {
        "ok": not loaded.faults and not failures,
        "specs": [{"file": str(spec.path), "sync": spec.name, "tests": len(found)} for spec, found in tested],
        "tests": {"passed": len(findings) - len(failures), "failed": len(failures)},
        "failures": [
            {
                "file": str(spec.path),
                "line": finding.test.line,
                "test": finding.test.name,
                "expected": finding.expected,
                "got": finding.got,
            }
            for spec, finding in failures
        ],
        "notes": list(notes),
    }
    if loaded.faults:
        made |= error_document("SpecError", f"{len(loaded.faults)} fault(s)", USAGE, loaded.faults)
    return made


def _show(invocation: Invocation, loaded: Loaded, tested: Tested, notes: Sequence[str]) -> None:
    from ...console.text import plural

    terminal = invocation.terminal
    failed = 0
    for fault in loaded.faults:
        terminal.tell(terminal.clean(str(fault)))
    for spec, findings in tested:
        for finding in findings:
            if not finding.passed:
                failed += 1
                terminal.tell(terminal.clean(f"{spec.path}:{finding.test.line}: test {finding.test.name!r} failed"))
                terminal.tell(terminal.clean(f"    expected: {finding.expected}"))
                terminal.tell(terminal.clean(f"    got:      {finding.got}"))
    for note in notes:
        terminal.tell(terminal.clean(note))
    tests = plural(sum(len(findings) for _, findings in tested), "test")
    if loaded.faults or failed:
        failures = [f"{failed} of {tests} failed"] if failed else []
        terminal.tell(", ".join([plural(len(loaded.faults), "fault"), *failures]))
    else:
        terminal.say(f"ok: {plural(len(tested), 'spec')}, {tests}")
