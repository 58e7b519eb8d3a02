"""Syncline beside hand-written references and other tools: the same work, the same data, in one run, in turns.

run.py [--leads 1000000] [--rounds 5] [--quick] [--only S1 S2 …] [--keep FILE]: generates the data, runs everything,
checks that all of them wrote the same, and prints a table. The peers are those that `make bench-peers` has installed.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import leads
from scenarios import SCENARIOS, Place, Scenario

LIBRARIES = ("syncline", "polars", "msgspec", "SQLAlchemy", "psycopg", "email-validator")


def main() -> None:
    """Run what was asked for, and print the table."""
    asked = _asked()
    place = Place(asked.work, asked.leads)
    if not place.whole():
        print(f"writing {asked.leads:,} leads to {place.data}", file=sys.stderr)
        leads.write(asked.leads, place.data)
        place.written()
    table = [_head(asked.leads, asked.rounds)]
    for name in asked.only or SCENARIOS:
        scenario = SCENARIOS[name](place)
        _take_turns(scenario, asked.rounds, place)
        table += ["", *_rows(scenario, asked.leads)]
        print("\n".join(table[-len(scenario.contestants) - 2 :]), file=sys.stderr)
    text = "\n".join(table)
    print(text)
    if asked.keep:
        asked.keep.write_text(text + "\n")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="100,000 leads, three rounds")
    parser.add_argument("--only", nargs="*", choices=[*SCENARIOS])
    parser.add_argument("--work", type=Path, default=Path(__file__).parents[1] / "bench-work")
    parser.add_argument("--keep", type=Path, help="write the table to this file, too")
    asked = parser.parse_args()
    if asked.quick:
        asked.leads, asked.rounds = 100_000, 3
    return asked


def _take_turns(scenario: Scenario, rounds: int, place: Place) -> None:
    """Everybody once without being measured, for byte code and file cache; then in turns, for what disturbs comes to
    all alike."""
    for n in range(rounds + 1):
        for each in scenario.contestants:
            each.run(place.log(scenario.name, each.name))
            if n == 0:
                each.runs.clear()
        for others in scenario.contestants[1:]:
            if others.result != scenario.contestants[0].result:
                wanted = scenario.contestants[0]
                raise SystemExit(
                    f"{scenario.name}: {others.name} wrote {others.result}\n{wanted.name} wrote {wanted.result}"
                )


def _rows(scenario: Scenario, count: int) -> list[str]:
    reference = scenario.contestants[0]
    lines = [f"{scenario.name}: {scenario.title}", f"  all wrote {reference.result}"]
    for each in scenario.contestants:
        seconds = each.median("seconds")
        ratio = seconds / reference.median("seconds")
        cpu = each.median("cpu") / reference.median("cpu")
        bar = scenario.bars.get(each.name)
        told = "" if bar is None else f"  bar {bar:.1f} {'met' if ratio <= bar else 'MISSED'}"
        lines.append(
            f"  {each.name:34} {seconds:8.2f} s {each.median('cpu'):8.2f} CPU {each.median('memory'):6.0f} MB"
            f" {scenario.leads(count) / seconds:>11,.0f}/s  x {ratio:5.2f}, CPU x {cpu:5.2f}{told}"
        )
    return lines


def _head(count: int, rounds: int) -> str:
    found = []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} –")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    day = datetime.now(UTC).date()
    what = f"{count:,} leads, median of {rounds}; {machine}"
    return f"{what}; Python {platform.python_version()}, {', '.join(found)}; {day}"


if __name__ == "__main__":
    main()
