"""The remote limit is the ceiling: a run is nearly as fast as it allows, never over it, and foretold.

Small, with a limit of 100 calls; `make bench-ceiling` measures the documented one with as many leads as one likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ceiling_place import Ceiling
from fault_place import Place
from syncline_zoho_sandbox import Sandbox
from workshop import Own

CALLS, LEADS = 100, 350
SUBSCRIBE = "marketinghub.listsubscribe"


@pytest.fixture
def ceiling(tmp_path: Path) -> Iterator[Ceiling]:
    with Sandbox(state_dir=tmp_path / "zoho", leads=0) as box:
        (tmp_path / "place").mkdir()
        place = Place(tmp_path / "place", box, Own())
        yield Ceiling(place, CALLS)
        place.close()


def test_new_leads_take_what_the_limit_allows_and_changed_ones_alone_are_sent(ceiling: Ceiling) -> None:
    ids = ceiling.sign_up(0, LEADS)
    told = ceiling.preview()
    assert ceiling.place.writes() == 0
    first = ceiling.run("new leads", LEADS)
    assert (first.runs[0]["counts"]["new"], len(ceiling.place.held()), first.lock_outs) == (LEADS, LEADS, 0)
    assert CALLS * 0.95 <= first.fullest(SUBSCRIBE) <= CALLS
    assert first.count(SUBSCRIBE) == told["calls"]["sink_writes"] == LEADS
    windows = -(-LEADS // (CALLS - CALLS // 50)) - 1
    assert windows * 300 <= first.seconds <= windows * 303 * 1.05
    assert told["minutes"] * 60 == pytest.approx(first.seconds, rel=0.1)
    ceiling.change(ids[::100])
    second = ceiling.run("1 % changed", len(ids[::100]))
    assert second.count(SUBSCRIBE) == len(ids[::100])
    assert (second.runs[0]["duplicate"], second.lock_outs) == ({"updated": 4, "unchanged": LEADS - 4}, 0)


def test_two_syncs_of_one_account_reach_the_same_sum(ceiling: Ceiling) -> None:
    half = LEADS // 2
    ceiling.sign_up(0, half, company="Initech")
    ceiling.sign_up(half, LEADS, company="Globex")
    spec = yaml.safe_load(ceiling.place.spec.read_text())
    for name, company in (("one", "Initech"), ("two", "Globex")):
        spec["source"]["criteria"] = f'Company == "{company}"'
        (ceiling.place.folder / f"{name}.yaml").write_text(yaml.safe_dump(spec | {"name": name}))
    ceiling.place.spec.unlink()
    both = ceiling.run("two syncs", LEADS, "one.yaml", "two.yaml")
    assert sum(run["counts"]["new"] for run in both.runs) == len(ceiling.place.held()) == LEADS
    assert both.lock_outs == 0
    assert CALLS * 0.95 <= both.fullest(SUBSCRIBE) <= CALLS
    assert both.seconds <= 3 * 303 * 1.05
