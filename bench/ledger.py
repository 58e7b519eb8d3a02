"""What the ledger costs, and how fast it answers: ledger.py [--leads 1000000] [--runs 100] [--rounds 3].

S2 with the ledger and, in turns, with one that keeps no lead; the bytes of a lead and of its run; `leads` over the run;
and `explain` on a ledger in which the run stands many times over, copied row by row under other names and dates.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import statistics
import sys
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

import checking
import leads
from measuring import Once, measured
from scenarios import SYNCLINE, Place, spec, syncline

UNKEPT = [sys.executable, str(Path(__file__).with_name("unkept.py"))]
DAY = 86_400 * 1_000_000
"""Microseconds: how the ledger keeps moments."""


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path(__file__).parents[1] / "bench-work")
    asked = parser.parse_args()
    place = Place(asked.work, asked.leads)
    if not place.whole():
        leads.write(asked.leads, place.data)
        place.written()
    kept, rejects = place.out("ledger.ndjson"), place.out("ledger-rejects.ndjson")
    path = spec(place, "s2", settings="# ledger", source=place.source, target=kept, rejects=rejects)
    said = place.log("ledger", "commands")
    print(f"{asked.leads:,} leads; {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; Python "
          f"{platform.python_version()}, polars {version('polars')}, SQLite {sqlite3.sqlite_version}; "
          f"{datetime.now(UTC):%Y-%m-%d}\n")  # fmt: skip

    with_ledger = syncline("kept", path, partial(checking.of_files, kept, rejects))
    without = syncline("unkept", path, partial(checking.of_files, kept, rejects))
    without.command = [*UNKEPT, "run", str(path), "--json"]
    for _ in range(asked.rounds):
        without.run(said)
        with_ledger.run(said)
        if without.result != with_ledger.result:
            raise SystemExit(f"with a ledger {with_ledger.result}, without {without.result}")
    rest, whole = without.median("cpu"), with_ledger.median("cpu")
    print(f"S2, CPU seconds: {whole:.2f}, without what is kept of leads {rest:.2f}: the ledger costs "
          f"{(whole - rest) / rest:.2f} of the rest   bar 1.00")  # fmt: skip

    ledger = path.with_name("ledger.db")
    run = _of(ledger, "SELECT id FROM runs")
    print(f"bytes of a lead and run on disk: {ledger.stat().st_size / asked.leads:.0f}   bar 120")
    _table("leads, a table of the first hundred", ["leads", run, "--outcome", "ignored"], path, asked.rounds)
    _table("leads, all that were ignored as JSON", ["leads", run, "--outcome", "ignored", "--json"], path, asked.rounds)

    _copied(ledger, run, asked.runs)
    outcomes = _of(ledger, "SELECT count(*) FROM runs") * asked.leads
    address = json.loads(_last_line(kept))["email"]
    print(f"\n{outcomes:,} outcomes in the ledger, {ledger.stat().st_size / 1e9:.1f} GB")
    _table("explain, whole command", ["explain", "s2", address, "--json"], path, asked.rounds)
    _table("history, whole command", ["history", "s2", "--json"], path, asked.rounds)
    _table("status, whole command", ["status", "--json"], path, asked.rounds)


def _table(title: str, words: list[str], path: Path, rounds: int) -> None:
    """A line: what a command takes, in the folder of the spec."""
    log = path.with_name("said.log")
    shell = f"cd {path.parent} && {SYNCLINE} {' '.join(words)}"
    runs: list[Once] = [measured(["bash", "-c", shell], log) for _ in range(rounds + 1)][1:]
    seconds, cpu = (statistics.median(getattr(each, name) for each in runs) for name in ("seconds", "cpu"))
    print(f"{title:<48} {seconds:6.2f} s {cpu:6.2f} CPU {len(log.read_bytes().splitlines()):>9,} lines", flush=True)


def _of(ledger: Path, query: str) -> str:
    connection = sqlite3.connect(ledger)
    try:
        return connection.execute(query).fetchone()[0]
    finally:
        connection.close()


def _last_line(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-4096, os.SEEK_END)
        return file.read().splitlines()[-1]


def _copied(ledger: Path, run: str, times: int) -> None:
    """The run many times over, each a day earlier than the one before."""
    connection = sqlite3.connect(ledger)
    connection.execute("PRAGMA synchronous = OFF")
    for n in range(1, times):
        for table, own in (("runs", "id"), ("batches", "run_id"), ("key_index", "run_id")):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            moved = {own: f"'{n:04}-' || {own}", "started_at": f"started_at - {n * DAY}"}
            values = ", ".join(moved.get(name, f'"{name}"') for name in names)
            connection.execute(f"INSERT INTO {table} SELECT {values} FROM {table} WHERE {own} = ?", (run,))
        connection.commit()
    connection.close()


if __name__ == "__main__":
    main()
