"""kill -9 at any step: the next start takes the same run up again, loses nobody and subscribes nobody twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from syncline.adoption import adopt
from syncline.errors import Busy
from syncline.ledger import Ledger
from workshop import Workshop, person

CHILD = Path(__file__).parents[1] / "run_child.py"
PEOPLE = [person(f"guest{n}", n) for n in range(40)] + [
    person("dup", 100),
    person("dup", 101),
    person("no", 102, Email="no"),
]
STEPS = [
    ("intent", 1), ("intent", 17), ("before", 1), ("before", 12), ("before", 33), ("after", 1), ("after", 12),
    ("after", 33), ("answer", 1), ("answer", 5),
]  # fmt: skip
CASES = [
    *(("sqlite", True, *each) for each in STEPS),
    *(("sqlite", False, *each) for each in STEPS[1::2]),
    *(("postgresql", True, *each) for each in STEPS[1::4]),
    ("postgresql", False, "after", 12),
]
"""(ledger, public list, step, call): every step where sending twice does harm; the rest by samples."""


def child_environment() -> dict[str, str]:
    """A bare one, that imports what these tests import."""
    paths = [str(CHILD.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths), "PATH": "/usr/bin:/bin"}


def killed(folder: Path, url: str, step: str, call: int, sink: dict[str, object]) -> None:
    """A run that is killed there."""
    done = subprocess.run(
        [sys.executable, CHILD, folder, url, step, str(call), json.dumps(sink)],
        env=child_environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(("ledger_url", "public", "step", "call"), CASES, indirect=["ledger_url"])
def test_a_killed_run_goes_on_under_its_own_id(
    tmp_path: Path, ledger_url: str, step: str, call: int, public: bool
) -> None:
    sink = {"public": public}
    with Ledger.open(ledger_url) as ledger:
        Workshop(tmp_path, ledger).records(PEOPLE)
    killed(tmp_path, ledger_url, step, call, sink)
    with Ledger.open(ledger_url) as ledger:
        shop = Workshop(tmp_path, ledger)
        sync = ledger.sync("sign-ups")
        assert sync is not None
        (broken,) = ledger.runs(sync.id)
        at_death = broken.document()["counts"]
        assert at_death["total"] == sum(at_death[name] for name in at_death if name not in ("total", "deleted"))
        run = shop.run(sink=sink)
        counts = run.document()["counts"]
        assert (run.id, run.resumed) == (broken.id, True)
        assert (counts["total"], counts["ignored"], counts["new"] + counts["unknown"]) == (43, 2, 41)
        assert counts["unknown"] == 0 if not public else counts["unknown"] <= 4
        on_shelf = shop.people()
        assert len(on_shelf) >= counts["new"]
        if public:
            assert all(each["subscribed"] == 1 for each in on_shelf.values())
        else:
            assert len(on_shelf) == 41
            assert all(each["subscribed"] == 1 for each in on_shelf.values())


def test_an_opt_out_while_the_process_was_dead_is_respected(tmp_path: Path, ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger:
        Workshop(tmp_path, ledger).records(PEOPLE)
    killed(tmp_path, ledger_url, "intent", 1, {})
    with Ledger.open(ledger_url) as ledger:
        shop = Workshop(tmp_path, ledger)
        shop.put(guest3="unsub")
        run = shop.run()
        assert shop.outcomes(run)["guest3@example.com"] == "ignored/do_not_mail"
        assert shop.people()["guest3@example.com"] == {"subscribed": 0, "status": "unsub"}


def test_a_sync_that_runs_elsewhere_is_busy(tmp_path: Path, ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger:
        shop = Workshop(tmp_path, ledger)
        shop.records(PEOPLE)
        sync = adopt(ledger, shop.executor.observers, shop.bound().spec)
        ledger.start_run(sync, trigger="manual", window="{}")
        with pytest.raises(Busy, match="this process is running sync sign-ups"):
            shop.run()
