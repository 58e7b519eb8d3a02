"""Leads from a paged HTTP source to an HTTP sink that takes a hundred a call, each call with a latency of its own.

http_pipeline.py [--leads 100000] [--latency 0.05] [--rounds 3]: prints a table of the seconds of whole processes, of
their CPU and peak memory, and of the ratios to the arithmetic limit and to a pipeline written by hand that runs in turn
with Syncline against the same server. Syncline runs an ordinary spec with two plugins (`bench/http/plugins`), with
retries, a call budget and the full ledger on. The server says what arrived: every lead, once.

The limit by arithmetic is that of the slower end: the sink carries out ten calls at a time, and the source names the
next page only with the one before.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "http"
SYNCLINE = str(Path(sys.executable).with_name("syncline"))
BATCH, SIDE_BY_SIDE = 100, 10
BARS = {1000: 1.25, 200: 1.1}
"""The most that Syncline may take, as a multiple of the limit, by the size of a page."""

SPEC = """\
version: 1
name: http
source: {{type: lead_pages, connection: office, limit: {page}}}
retrieve: all
mapping:
  lead_id: ID
  first_name: First_Name
  last_name: Last_Name
  email: Email
  phone: Phone
  company: Company
  country: Country
  added_at: Added_Time
  modified_at: Modified_Time
transforms:
  - trim: {{fields: [email]}}
  - lowercase: {{fields: [email]}}
ignore: []
sink: {{type: lead_boxes, connection: office}}
"""


@dataclass
class Row:
    """One line of the table: a command, made anew for each round, and what it took."""

    label: str
    command: Callable[[Path], list[str]]
    bar: float | None = None
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    stats: dict[str, float] = field(default_factory=dict)

    def measure(self, url: str, leads: int) -> None:
        """One round, in a folder of its own."""
        urllib.request.urlopen(urllib.request.Request(f"{url}/reset", method="POST")).close()
        with tempfile.TemporaryDirectory() as place, (Path(place) / "said").open("w+b") as said:
            command = self.command(Path(place))
            paths = [str(HERE / "plugins"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
            environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
            began = time.perf_counter()
            process = subprocess.Popen(command, cwd=place, env=environment, stdout=said, stderr=said)
            _, status, used = os.wait4(process.pid, 0)
            self.seconds.append(time.perf_counter() - began)
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            assert process.returncode == 0, said.read().decode()
        self.cpu.append(used.ru_utime + used.ru_stime)
        self.memory.append(used.ru_maxrss / 1024)
        with urllib.request.urlopen(f"{url}/stats") as answer:
            self.stats = json.load(answer)
        expected = {"leads": leads, "distinct": leads, "small": leads % BATCH > 0, "posts": -(-leads // BATCH)}
        assert self.stats | expected == self.stats, self.stats
        assert self.stats["asked"] <= SIDE_BY_SIDE, f"{self.stats['asked']} calls at once"

    def line(self, limit: float, leads: int) -> str:
        """As it is printed."""
        taken = statistics.median(self.seconds)
        ratio = f"{taken / limit:.2f}"
        bar = "" if self.bar is None else f"   {self.bar:.2f} {'met' if float(ratio) <= self.bar else 'NOT MET'}"
        numbers = f"{taken:>8.2f} {min(self.seconds):>8.2f} {statistics.median(self.cpu):>7.2f}"
        memory, sockets = statistics.median(self.memory), int(self.stats["connections"])
        return f"{self.label:<42} {numbers} {memory:>7.0f} {leads / taken:>9,.0f} {sockets:>8} {ratio:>7}{bar}"


@contextmanager
def served(leads: int, latency: float) -> Iterator[str]:
    """The other side, and where it is."""
    words = ["--leads", str(leads), "--latency", str(latency), "--side-by-side", str(SIDE_BY_SIDE)]
    command = [sys.executable, str(HERE / "server.py"), *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


def rows(url: str, page: int) -> list[Row]:
    """What is compared, for pages of this size."""

    def by_hand(folder: Path) -> list[str]:
        return [sys.executable, str(HERE / "reference.py"), url, str(page)]

    def by_spec(folder: Path) -> list[str]:
        (folder / "http.yaml").write_text(SPEC.format(page=page))
        (folder / "connections.yaml").write_text(f"connections: {{office: {{type: office, url: '{url}'}}}}\n")
        return [SYNCLINE, "run", "http.yaml", "--json"]

    return [Row("by hand: httpx, asyncio", by_hand), Row("syncline", by_spec, BARS[page])]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pages", type=int, nargs="+", choices=tuple(BARS), default=list(BARS))
    asked: Any = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; Python "
          f"{platform.python_version()}, httpx {version('httpx')}, polars {version('polars')}; "
          f"{datetime.now(UTC):%Y-%m-%d}; {asked.leads:,} leads, {asked.latency * 1000:.0f} ms a call, "
          f"{BATCH} leads a call, {SIDE_BY_SIDE} calls at once")  # fmt: skip
    with served(asked.leads, asked.latency) as url:
        for page in asked.pages:
            sink = -(-asked.leads // BATCH) * asked.latency / SIDE_BY_SIDE + asked.latency
            source = -(-asked.leads // page) * asked.latency + asked.latency
            limit, which = max((sink, "the sink's calls"), (source, "the source's pages"))
            compared = rows(url, page)
            for _ in range(asked.rounds):
                for row in compared:
                    row.measure(url, asked.leads)
            print(f"\n{f'pages of {page}: limit {limit:.2f} s ({which})':<42} {'seconds':>8} {'least':>8} {'CPU':>7} "
                  f"{'MB':>7} {'leads/s':>9} {'sockets':>8} {'ratio':>7}   bar")  # fmt: skip
            for row in compared:
                print(row.line(limit, asked.leads), flush=True)


if __name__ == "__main__":
    main()
