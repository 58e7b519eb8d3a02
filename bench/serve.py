"""What one serving process costs with many scheduled syncs: its start, its idle hours, and how late firings start.

serve.py [--specs 10000] [--minutes 3]: writes so many specs, nearly all of them due at another time of the day, and
thirty that are due every minute, spread over it by jitter; serves them by the machine's own clock and prints a table.
The reference beside it: the same specs read by `syncline validate`, and an interpreter that sleeps.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import polars  # noqa: E402 - the path comes first
import yaml  # noqa: E402 - as above
from serving import free_port, ready  # noqa: E402 - as above
from syncline.ledger import Ledger  # noqa: E402 - as above
from syncline.schedule import jittered  # noqa: E402 - as above

BUSY = 30
PEOPLE = '[{"ID": "1", "Email": "ann@example.com", "Name": "Ann"}]'
IDLE = 60.0


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--specs", type=int, default=10_000)
    parser.add_argument("--minutes", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        quiet = written(folder / "quiet", asked.specs, busy=0)
        validated = cpu_of([*child(), "validate", str(quiet)])
        rows = [("validate of all specs, seconds of CPU", f"{validated:.1f}")]
        first = served(folder, quiet, asked.specs, idle=IDLE)
        again = served(folder, quiet, asked.specs, idle=0)
        rows += [
            ("first start until ready, seconds", f"{first['start']:.1f}"),
            ("  of CPU", f"{first['cpu']:.1f} ({first['cpu'] / validated:.2f} of validate)"),
            ("start again until ready, seconds", f"{again['start']:.1f}"),
            ("memory, MB", f"{again['memory']:.0f}"),
            ("idle, CPU in % of one core", f"{100 * first['idle'] / IDLE:.2f}"),
            ("idle of a sleeping interpreter, %", "0.00"),
        ]
        busy = written(folder / "busy", asked.specs, busy=BUSY)
        rows += lateness(folder, busy, asked.minutes)
    print(f"{asked.specs:,} specs, one process; Python {platform.python_version()}, polars {polars.__version__}, "
          f"{os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}")  # fmt: skip
    for label, value in rows:
        print(f"{label:<48} {value}")


def written(folder: Path, specs: int, *, busy: int) -> Path:
    """A folder of specs: daily ones, each at another minute and not within the next hours, and busy ones."""
    folder.mkdir()
    (folder / "table.json").write_text(PEOPLE)
    hour = datetime.now(UTC).hour
    for n in range(specs):
        time_of_day = f"{(hour + 4 + n % 18) % 24:02}:{n // 18 % 60:02}"
        schedule = {"frequency": "daily", "time": time_of_day, "timezone": "UTC"}
        if n < busy:
            schedule = {
                "frequency": "cron",
                "cron": "* * * * *",
                "timezone": "UTC",
                "jitter": "50s",
                "catch_up": "none",
            }
        spec = {
            "version": 1,
            "name": f"sync-{n}",
            "source": {"type": "table", "file": str(folder / "table.json")},
            "retrieve": "all",
            "mapping": {"Email": "Email", "Name": "Name"},
            "transforms": ["trim"],
            "sink": {"type": "shelf", "file": str(folder / f"{n}.shelf")},
            "schedule": schedule,
        }
        (folder / f"sync-{n}.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    return folder


def child() -> list[str]:
    """The command line with the table and the shelf among its plugins."""
    return [sys.executable, str(ROOT / "tests" / "cli_child.py"), "-"]


def cpu_of(command: list[str]) -> float:
    """Seconds of CPU that a command takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Process:
    """A serving process, and what the system says of it."""

    def __init__(self, ledger: Path, specs: Path) -> None:
        port = free_port()
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            [*child(), "serve", str(specs), "--listen", f"127.0.0.1:{port}", "--ledger", f"sqlite:///{ledger}"],
            stderr=subprocess.DEVNULL,
        )
        while not ready(port):
            time.sleep(0.1)
        self.start = time.monotonic() - self.began

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Megabytes in use."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))

    def end(self) -> None:
        """In good order."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()


def served(folder: Path, specs: Path, n: int, *, idle: float) -> dict[str, float]:
    """Start a process, let it idle, and look at it."""
    process = Process(folder / "quiet.db", specs)
    cpu = process.cpu()
    time.sleep(idle)
    found = {"start": process.start, "cpu": cpu, "idle": process.cpu() - cpu, "memory": process.memory()}
    process.end()
    with Ledger.open(f"sqlite:///{folder}/quiet.db", read_only=True) as ledger:
        assert len(ledger.syncs()) == n, "not all specs were applied"
    return found


def lateness(folder: Path, specs: Path, minutes: int) -> list[tuple[str, str]]:
    """How much later than planned the runs start that are due while the process serves."""
    process = Process(folder / "busy.db", specs)
    began = datetime.now(UTC)
    time.sleep(60.0 * minutes)
    ended = datetime.now(UTC)
    process.end()
    late = []
    with Ledger.open(f"sqlite:///{folder}/busy.db", read_only=True) as ledger:
        for run in ledger.runs(None):
            assert run.due is not None
            planned = jittered({"jitter": "50s"}, run.sync, run.due)
            if began + timedelta(seconds=5) < planned < ended - timedelta(seconds=5):
                late.append((run.started_at - planned).total_seconds())
    wanted = BUSY * (minutes - 1)
    assert len(late) >= wanted, f"only {len(late)} firings of at least {wanted}"
    late.sort()
    shown = f"{statistics.median(late):.2f} / {late[int(len(late) * 0.95)]:.2f} / {late[-1]:.2f}"
    return [(f"lateness of {len(late)} firings, s: median / 95 % / most", shown)]


if __name__ == "__main__":
    main()
