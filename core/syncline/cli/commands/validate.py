"""`syncline validate`: every fault of every file, and the specs' own tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
    from ..forges import Annotation

FORMATS = ("people", "json", "github", "gitlab", "azure", "sarif")


@dataclass(frozen=True)
class Verdict:
    """What was found: the faults in `loaded`, the findings of each spec's tests, and notes on specs whose tests need a
    secret that is not at hand."""

    loaded: Loaded
    tested: list[tuple[Spec, list[Finding]]]
    notes: list[tuple[Spec, str]]

    @property
    def findings(self) -> list[tuple[Spec, Finding]]:
        """Every test that ran, in the order of the files."""
        return [(spec, finding) for spec, found in self.tested for finding in found]

    @property
    def failures(self) -> list[tuple[Spec, Finding]]:
        """The tests that failed."""
        return [(spec, finding) for spec, finding in self.findings if not finding.passed]

    @property
    def ok(self) -> bool:
        """Neither a fault nor a test that failed."""
        return not self.loaded.faults and not self.failures


@command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), shell_complete=completing.specs)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="For people (the default), json as --json, or for a forge: github and azure mark the lines in the log, "
    "gitlab prints a Code Quality report, sarif a SARIF 2.1.0 log.",
)
def validate(invocation: Invocation, paths: tuple[Path, ...], form: str | None) -> int:
    """Check specs and run their tests; no network, no secrets.

    PATH is a spec or a folder of specs; by default the current folder, or configs if there are no specs here.
    connections.yaml, defaults.yaml and syncline.yaml stand for the folder they lie in. All faults of all files come at
    once. Exit 2 when there is any, or when a test fails.

    \b
    Example:
      syncline validate configs
      syncline validate configs --format github
    """
    form = _form(invocation, form)
    loaded = invocation.load(paths or [invocation.folder()], neighbours=True)
    verdict = _tested(invocation, loaded)
    terminal = invocation.terminal
    if form == "json":
        terminal.document(document(verdict))
    elif form == "people":
        _tell(invocation, verdict)
        _sum(invocation, verdict, on_error_output=not verdict.ok)
    else:
        _tell_forge(invocation, verdict, form)
        _sum(invocation, verdict, on_error_output=True)
    return 0 if verdict.ok else USAGE


def _form(invocation: Invocation, form: str | None) -> str:
    """What --format and --json ask for together."""
    if invocation.options.as_json and form not in (None, "json"):
        raise click.UsageError(f"--json and --format {form} ask for two things; name one of them")
    invocation.options.as_json = invocation.options.as_json or form == "json"
    return "json" if invocation.options.as_json else form or "people"


def _tested(invocation: Invocation, loaded: Loaded) -> Verdict:
    from ...errors import SpecError
    from ...spec.retrieval import doubts

    tested: list[tuple[Spec, list[Finding]]] = []
    notes: list[tuple[Spec, str]] = []
    for spec in loaded.specs:
        try:
            tested.append((spec, _findings(invocation, spec, loaded)))
        except SpecError as error:
            tested.append((spec, []))
            notes.append((spec, f"its tests did not run: {error}"))
        notes += [(spec, f"retrieve: {doubt}") for doubt in doubts(spec.raw, invocation.clock())]
    return Verdict(loaded, tested, notes)


def _findings(invocation: Invocation, spec: Spec, loaded: Loaded) -> list[Finding]:
    """How its tests ended. A spec without any needs nothing of what a run needs."""
    if not spec.tests:
        return []
    from ...spectest import run_tests

    return run_tests(invocation.unconnected(spec, loaded))


def document(verdict: Verdict) -> dict[str, Any]:
    """`{"ok", "specs": [{"file", "sync", "tests"}], "tests": {"passed", "failed"}, "failures": [{"file", "line",
    "test", "expected", "got"}], "notes": […]}`, in the order of the files; with faults also `error` and `exit`, as
    every command prints them."""
    failures, faults = verdict.failures, verdict.loaded.faults
    made: dict[str, Any] = {
        "ok": verdict.ok,
        "specs": [{"file": str(spec.path), "sync": spec.name, "tests": len(found)} for spec, found in verdict.tested],
        "tests": {"passed": len(verdict.findings) - len(failures), "failed": len(failures)},
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
        "notes": [f"{spec.path}: {note}" for spec, note in verdict.notes],
    }
    if faults:
        made |= error_document("SpecError", f"{len(faults)} fault(s)", USAGE, faults)
    return made


def _annotations(invocation: Invocation, verdict: Verdict) -> Iterator[Annotation]:
    from ..forges import Annotation, in_repository

    clean = invocation.terminal.clean
    for fault in verdict.loaded.faults:
        file = clean(in_repository(fault.file))
        yield Annotation("fault", file, fault.line, fault.column, clean(fault.path), clean(fault.message))
    for spec, finding in verdict.failures:
        told = f"this test failed\nexpected: {clean(finding.expected)}\ngot:      {clean(finding.got)}"
        file, name = clean(in_repository(str(spec.path))), clean(finding.test.name)
        yield Annotation("test", file, finding.test.line, 1, f"test {name!r}", told)
    for spec, note in verdict.notes:
        yield Annotation("note", clean(in_repository(str(spec.path))), 1, 1, "", clean(note))


def _tell_forge(invocation: Invocation, verdict: Verdict, form: str) -> None:
    from importlib.metadata import version

    from .. import forges

    found, terminal = list(_annotations(invocation, verdict)), invocation.terminal
    if form in ("github", "azure"):
        lines = (forges.github if form == "github" else forges.azure)(found)
        terminal.text("".join(f"{line}\n" for line in lines))
        return
    terminal.document(forges.gitlab(found) if form == "gitlab" else forges.sarif(found, version("syncline")))
    _tell(invocation, verdict)


def _tell(invocation: Invocation, verdict: Verdict) -> None:
    terminal = invocation.terminal
    for fault in verdict.loaded.faults:
        terminal.tell(terminal.clean(str(fault)))
    for spec, finding in verdict.failures:
        terminal.tell(terminal.clean(f"{spec.path}:{finding.test.line}: test {finding.test.name!r} failed"))
        terminal.tell(terminal.clean(f"    expected: {finding.expected}"))
        terminal.tell(terminal.clean(f"    got:      {finding.got}"))
    for spec, note in verdict.notes:
        terminal.tell(terminal.clean(f"{spec.path}: {note}"))


def _sum(invocation: Invocation, verdict: Verdict, *, on_error_output: bool) -> None:
    """The last line for people; on standard error where standard output is for machines."""
    from ...console.text import plural

    tests = plural(len(verdict.findings), "test")
    if verdict.ok:
        line = f"ok: {plural(len(verdict.tested), 'spec')}, {tests}"
    else:
        failures = [f"{len(verdict.failures)} of {tests} failed"] if verdict.failures else []
        line = ", ".join([plural(len(verdict.loaded.faults), "fault"), *failures])
    (invocation.terminal.tell if on_error_output else invocation.terminal.say)(line)
