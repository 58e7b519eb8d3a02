"""How close runs come to the documented limit of MarketingHub, 500 calls in five minutes, by a clock that leaps.

ceiling.py [--leads 20000] [--calls 500]: new leads; the same leads again with 1 % changed; two syncs that share the
account. Every call is real HTTP to the sandbox, which keeps the limits and locks whoever goes over; only waiting passes
at once. What is printed is checked against what the sandbox holds and noted. 1,000 leads take about 10 seconds of CPU.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import yaml  # noqa: E402 - the path comes first
from ceiling_place import WINDOW, Ceiling, Measured  # noqa: E402 - the path comes first
from fault_place import Place  # noqa: E402 - the path comes first
from syncline_zoho_sandbox import Sandbox  # noqa: E402 - the path comes first
from workshop import Own  # noqa: E402 - the path comes first

SUBSCRIBE = "marketinghub.listsubscribe"
AUDIENCE = ("marketinghub.getmailinglists", "marketinghub.getleads", "marketinghub.leadscount")
MOST = 1.05
FORETOLD = 0.1
PAGE = 100


def main() -> None:
    """Measure, check, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=20_000)
    parser.add_argument("--calls", type=int, default=500)
    asked = parser.parse_args()
    if min(asked.leads, asked.calls) < PAGE:
        parser.error(f"--leads and --calls must be {PAGE} at least")
    rows, faults = alone(asked.leads, asked.calls)
    more, wrong = together(asked.leads, asked.calls)
    print(f"{asked.leads:,} leads with fields, {asked.calls} calls in {WINDOW} s; Python {platform.python_version()}")
    head = ("run", "sent", "hours", "allowed", "ratio", "fullest", "locked", "audience", "foretold", "real s")
    table = [head, *rows, *more]
    widths = [max(len(str(row[n])) for row in table) for n in range(len(head))]
    for row in table:
        print("  ".join(str(cell).rjust(width) for cell, width in zip(row, widths, strict=True)))
    for fault in (*faults, *wrong):
        print(f"NOT SO: {fault}")
    sys.exit(1 if faults or wrong else 0)


def alone(leads: int, calls: int) -> tuple[list[tuple[str, ...]], list[str]]:
    """New leads, and the same again with one in a hundred changed."""
    faults: list[str] = []
    with place(calls) as made:
        ids = made.sign_up(0, leads)
        told = made.preview()
        first = made.run("new", leads)
        check(first, calls, faults)
        expect(faults, "new leads", first.runs[0]["counts"]["new"], leads)
        expect(faults, "people in the list", len(made.place.held()), leads)
        expect(faults, "calls foretold", told["calls"]["sink_writes"], first.count(SUBSCRIBE))
        close(faults, "minutes foretold", told["minutes"], first.seconds / 60)
        changed = ids[::100]
        made.change(changed)
        told_again = made.preview()
        second = made.run("1 % changed", len(changed))
        expect(faults, "changed leads sent", second.count(SUBSCRIBE), len(changed))
        expect(faults, "changed leads foretold", told_again["calls"]["sink_writes"], len(changed))
        expect(faults, "lock-outs", second.lock_outs, 0)
        if (spent := audience(second)) > (most := 1 + -(-leads // PAGE) + OTHERS):
            faults.append(f"the audience cost {spent} calls, {most} at most")
        return [line(first, told["minutes"]), line(second, told_again["minutes"])], faults


OTHERS = 12
"""Calls for the people of the other lists and statuses, which the sandbox seeds."""


def together(leads: int, calls: int) -> tuple[list[tuple[str, ...]], list[str]]:
    """Two syncs of one account, half of the leads each."""
    faults: list[str] = []
    with place(calls) as made:
        spec = yaml.safe_load(made.place.spec.read_text())
        for name, company, start, stop in (("one", "Initech", 0, leads // 2), ("two", "Globex", leads // 2, leads)):
            made.sign_up(start, stop, company)
            spec["source"]["criteria"] = f'Company == "{company}"'
            (made.place.folder / f"{name}.yaml").write_text(yaml.safe_dump(spec | {"name": name}))
        made.place.spec.unlink()
        both = made.run("two syncs", leads, "one.yaml", "two.yaml")
        check(both, calls, faults)
        expect(faults, "new leads of both", sum(run["counts"]["new"] for run in both.runs), leads)
        expect(faults, "people in the list", len(made.place.held()), leads)
        return [line(both, None)], faults


class place:  # noqa: N801 - used as a function
    """A Zoho without sign-ups that keeps the limit, and a spec beside it."""

    def __init__(self, calls: int) -> None:
        self._calls = calls

    def __enter__(self) -> Ceiling:
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        (folder / "place").mkdir()
        self._box = Sandbox(state_dir=folder / "zoho", leads=0)
        return Ceiling(Place(folder / "place", self._box, Own()), self._calls)

    def __exit__(self, *exc: object) -> None:
        self._box.stop()
        self._folder.cleanup()


def check(run: Measured, calls: int, faults: list[str]) -> None:
    """Never over the limit, and at most a twentieth slower than it allows."""
    expect(faults, f"lock-outs of {run.name}", run.lock_outs, 0)
    if run.fullest(SUBSCRIBE) > calls:
        faults.append(f"{run.name}: {run.fullest(SUBSCRIBE)} calls in one window")
    if run.ratio > MOST:
        faults.append(f"{run.name}: {run.ratio:.3f} of the time that the limit allows")


def expect(faults: list[str], what: str, got: object, wanted: object) -> None:
    """Note what is not as it must be."""
    if got != wanted:
        faults.append(f"{what}: {got}, not {wanted}")


def close(faults: list[str], what: str, told: float, was: float) -> None:
    """Note what was foretold badly."""
    if abs(told - was) > FORETOLD * max(was, 1.0):
        faults.append(f"{what}: {told:.1f}, and it was {was:.1f}")


def audience(run: Measured) -> int:
    """Calls that looked at people."""
    return sum(run.count(endpoint) for endpoint in AUDIENCE)


def line(run: Measured, minutes: float | None) -> tuple[str, ...]:
    """A row of the table."""
    return (
        run.name, f"{run.count(SUBSCRIBE):,}", f"{run.seconds / 3600:.3f}", f"{run.allowed / 3600:.3f}",
        f"{run.ratio:.3f}", str(run.fullest(SUBSCRIBE)), str(run.lock_outs), str(audience(run)),
        "" if minutes is None else f"{minutes / 60:.3f} h", f"{run.real:.0f}",
    )  # fmt: skip


if __name__ == "__main__":
    main()
