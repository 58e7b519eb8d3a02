"""Several processes send to one account: no window is over the limit, and none is left half empty."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from bisect import bisect_left
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from fault_place import PATIENCE, Place, signup

CHILD = Path(__file__).parents[1] / "contention_child.py"
SUBSCRIBE = "marketinghub.listsubscribe"
CALLS, WINDOW, LEADS, PROCESSES = 20, 10, 22, 3
NEAR, CLOSE = 0.5, 0.05
"""Leap when nobody wakes within so many seconds, until so many before somebody does: what is done then takes its time
by a clock that runs as that of the machine."""


def leap_until_they_end(place: Place, told: Path, processes: list[subprocess.Popen[str]]) -> None:
    """Whenever every process that still runs waits, the clock leaps, theirs and Zoho's."""
    until = time.monotonic() + PATIENCE * 2
    while left := [process for process in processes if process.poll() is None]:
        assert time.monotonic() < until, "they do not end"
        try:
            wakes = min(float((told / f"{process.pid}.until").read_text()) for process in left)
        except (OSError, ValueError):  # one of them is at work
            time.sleep(0.01)
            continue
        ahead = wakes - place.clock().timestamp()
        if ahead > NEAR:
            place.later(ahead - CLOSE)
        time.sleep(0.01)


def test_three_processes_on_one_account_fill_each_window_and_never_go_over_it(place: Place) -> None:
    place.connect(budget={"calls": CALLS, "window": f"{WINDOW}s"})
    place.box.settings(lead_calls=CALLS, call_window=WINDOW)
    place.write(sink={"known_in": "list"})
    told = place.folder / "told"
    told.mkdir()
    plain = yaml.safe_load(place.spec.read_text())
    place.spec.unlink()
    names = [f"sync{n}" for n in range(PROCESSES)]
    for name in names:
        place.box.insert_records(*(signup(f"{name}p{n}", Company=name) for n in range(LEADS)))
        source = plain["source"] | {"criteria": f'Company == "{name}"'}
        (place.folder / f"{name}.yaml").write_text(yaml.safe_dump(plain | {"name": name, "source": source}))
    for name in names:
        command = [sys.executable, "-W", "error", str(CHILD), str(told), str(place.clock)]
        place.processes.append(
            subprocess.Popen(
                [*command, "run", f"{name}.yaml", "--json"], cwd=place.folder, env=place.environment,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
    leap_until_they_end(place, told, place.processes)
    runs: list[dict[str, Any]] = [json.loads(place.ended(process).out) for process in place.processes]
    assert [run["counts"]["new"] for run in runs] == [LEADS] * PROCESSES
    assert place.writes() == len(place.held()) == LEADS * PROCESSES
    calls = place.box.calls(last=100_000).calls
    assert not [call for call in calls if call.code in ("2008", "locked") or call.status == 429]
    times = sorted(call.at for call in calls if call.endpoint == SUBSCRIBE)
    held = [n - bisect_left(times, at - WINDOW + 1e-3) for n, at in enumerate(times, 1)]
    assert max(held) <= CALLS
    begins = [0]
    while (after := bisect_left(times, times[begins[-1]] + WINDOW)) < len(times):
        begins.append(after)
    filled = [after - before for before, after in pairwise(begins)]
    assert len(filled) == LEADS * PROCESSES // CALLS, filled
    assert min(filled) >= 0.95 * CALLS, filled
    place.law()
