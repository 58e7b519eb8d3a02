"""One round: a run without faults, then the same with deaths, and a comparison of everything that can be seen."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fault_place import obeys_the_law
from soak_child import Ended
from soak_people import Plan
from soak_world import World

DONE = (0, 4)
DELIVERED = {("new", "added"), ("re_added", "added"), ("duplicate", "updated")}
READING_BACK = {"before read back": 1, "after read back": 1}
RETRIES = 3
LOOKS = 0.15
"""The share of processes that are looked at while they work."""


@dataclass
class Day:
    """What was to be seen at the end of a day without faults."""

    run: dict[str, Any]
    leads: list[dict[str, Any]]
    outcomes: Counter[tuple[str, str, str, str]]
    people: dict[str, Any]
    mails: Counter[tuple[str, str]]
    calls: Counter[str]
    members: dict[str, tuple[Any, ...]]
    letters: Counter[tuple[str, str]]
    cursor: str
    steps: dict[str, int]
    seconds: float


@dataclass
class Tally:
    """What happened in a round."""

    figures: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)


def seen_of(world: World, ended: Ended) -> Day:
    """The end of a day, as it can be seen from outside."""
    runs, leads = world.look()
    run = runs[0]
    (cursor,) = world.rows("SELECT cursor FROM runs ORDER BY started_at DESC, id DESC LIMIT 1")
    cursor = re.sub(r"\d{4}-\d\d-\d\dT[\d:+]*", "some time", str(cursor[0]))
    return Day(
        run, leads, outcomes_of(leads), world.ends.people(), world.ends.mails(), world.ends.calls(),
        world.members(), world.letters(), cursor, ended.steps, ended.seconds,
    )  # fmt: skip


def plain_days(world: World) -> list[Day]:
    """The days of a round without faults and without deaths."""
    world.ends.begin(faults=False)
    days = []
    for number in range(len(world.plan.days)):
        world.ends.day(number)
        (ended,) = world.start().end()
        assert ended.code in DONE, ended
        days.append(seen_of(world, ended))
        obeys_the_law(days[-1].run, days[-1].leads)
        assert not world.left_behind()
    return days


def outcomes_of(leads: list[dict[str, Any]]) -> Counter[tuple[str, str, str, str]]:
    """Each lead with what became of it."""
    return Counter((each["email"], each["source_id"], each["outcome"], each["reason"]) for each in leads)


class Round:
    """`play` raises `AssertionError` when anything was lost, counted wrong or sent twice."""

    def __init__(self, plan: Plan, world: World) -> None:
        self.plan, self._world = plan, world
        self.chance = random.Random(f"{plan.seed}/deaths")  # repeatable, not secret
        self.tally = Tally()
        self.unsure: set[str] = set()
        """Addresses of a public list whose answer was lost, to a fault or to a death."""
        self._before = set[str]()
        """The runs of the days before."""

    def play(self, days: list[Day]) -> Tally:
        """The whole round, compared with `days`."""
        world = self._world
        world.ends.begin(faults=True)
        for number, expected in enumerate(days):
            world.ends.day(number)
            self.day(world, expected)
            self._before.add(self.compare(world, expected).run["run"])
        self.retry(world)
        calls = world.ends.calls()
        self.tally.figures["answers lost"] += sum(calls[who] > 0 for who in self.plan.lost)
        self.tally.figures["on the sandbox" if self.plan.hub else "on a shelf"] += 1
        return self.tally

    # ------------------------------------------------------------------------------------------------- deaths

    def day(self, world: World, expected: Day) -> None:
        """Start, and start again, until the run is done; the first starts die."""
        deaths = self.chance.randint(1, 3)
        settled: dict[str, int] | None = {}
        for start in range(100):
            ended = self._one_start(world, expected, start) if start < deaths else world.start().end()[0]
            if not ended.killed:
                assert ended.code in DONE, f"a start ended with {ended.code}: {ended.out[-2000:]} {ended.err[-2000:]}"
                self._nobody_again(world, settled)
                return
            self.tally.figures["kills"] += 1
            settled = self._after_death(world, settled)
            if settled is None:  # the run had ended by then
                return
        raise AssertionError("the run does not come to an end")

    def _one_start(self, world: World, expected: Day, start: int) -> Ended:
        if self.chance.random() < 0.5:
            reachable = expected.steps | (READING_BACK if start else {})
            step = self.chance.choice(sorted(reachable))
            nth = self.chance.randint(1, max(1, reachable[step] // (start + 1)))
            (ended,) = world.start(step=step, nth=nth).end()
            if ended.killed:
                self.tally.figures["at named steps"] += 1
                self.tally.steps[step] += 1
            return ended
        child = world.start()
        until = self.chance.uniform(0.0, expected.seconds)
        if self.chance.random() < LOOKS:
            self._look(world)
        if not child.wait(until):
            child.kill()
        return child.end()[0]

    def _look(self, world: World) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """The newest run and its leads; the law of the sums holds for each run that is there."""
        runs, leads = world.look()
        for run in runs:
            obeys_the_law(run, None)
        self.tally.figures["looks"] += 1
        return (runs[0], leads) if runs else (None, [])

    def _after_death(self, world: World, settled: dict[str, int]) -> dict[str, int] | None:
        """Nobody who was delivered was called again; who was delivered by now, with the calls so far. None: it was the
        last breath of a process whose run had ended."""
        run, leads = self._look(world)
        if run is None or run["run"] in self._before:
            return {}
        obeys_the_law(run, leads)
        out = world.in_flight(run["run"])
        self.tally.figures["kills within a send"] += bool(out)
        if self.plan.public:
            self.unsure |= {leads[row]["email"].lower() for row in out if leads[row]["outcome"] == "unknown"}
        self._nobody_again(world, settled)
        if run["status"] != "running":
            return None
        calls = world.ends.calls()
        delivered = {each["email"].lower() for each in leads if (each["outcome"], each["reason"]) in DELIVERED}
        return {who: calls[who] for who in delivered}

    def _nobody_again(self, world: World, settled: dict[str, int]) -> None:
        calls = world.ends.calls()
        again = {who: (n, calls[who]) for who, n in settled.items() if calls[who] != n}
        assert not again, f"subscribed again after an answered success: {again}"

    # ---------------------------------------------------------------------------------------------- comparison

    def compare(self, world: World, expected: Day) -> Day:
        """The end of a day, with the same day without faults."""
        found = seen_of(world, Ended(0, "", "", 0.0, {}))
        runs, unfinished = world.rows(
            "SELECT count(*), sum(CASE WHEN finished_at IS NULL THEN 1 ELSE 0 END) FROM runs"
        )[0]
        assert (runs, unfinished) == (len(self._before) + 1, 0), f"{runs} runs, {unfinished} unfinished"
        obeys_the_law(found.run, found.leads)
        assert found.run["status"] in ("succeeded", "partial"), found.run
        assert not world.left_behind(), world.left_behind()
        if self.plan.public:
            self.unsure |= {who for who in self.plan.lost if found.calls[who]}
        unknown = {each["email"].lower() for each in found.leads if each["outcome"] == "unknown"}
        assert unknown <= self.unsure, f"unknown without a lost answer: {unknown - self.unsure}"
        self.tally.figures["unknown"] += len(unknown)
        self._same_leads(found, expected)
        self.same_ends(found, expected)
        return found

    def _same_leads(self, found: Day, expected: Day) -> None:
        differ = (found.outcomes - expected.outcomes) + (expected.outcomes - found.outcomes)
        strange = {lead: n for lead, n in differ.items() if lead[0].lower() not in self.unsure}
        assert not strange, f"other outcomes: {strange}"
        assert found.run["counts"]["total"] == expected.run["counts"]["total"]
        if not self.unsure:
            for name in ("counts", "duplicate", "ignored", "rejected"):
                assert found.run[name] == expected.run[name], f"{name}: {found.run[name]} is not {expected.run[name]}"
        assert found.cursor == expected.cursor, f"cursor {found.cursor} is not {expected.cursor}"

    def same_ends(self, found: Day, expected: Day) -> None:
        """Target, members, dead letters and mails are those of a day without trouble, but for those who are unsure."""
        for what in ("people", "members"):
            one, other = getattr(found, what), getattr(expected, what)
            differ = {who: (one.get(who), other.get(who)) for who in one.keys() | other.keys()}
            differ = {
                who: pair for who, pair in differ.items() if pair[0] != pair[1] and who.lower() not in self.unsure
            }
            assert not differ, f"other {what} (found, expected): {differ}"
        letters = (found.letters - expected.letters) + (expected.letters - found.letters)
        strange = {each: n for each, n in letters.items() if each[0] not in self.unsure}
        assert not strange, f"other letters: {strange}"
        mails = (found.mails - expected.mails) + (expected.mails - found.mails)
        told = {each: n for each, n in mails.items() if each[1].lower() not in self.unsure}
        assert not told, f"other mails: {told}"
        twice = {who: n for who, n in (found.mails - expected.mails).items() if self.plan.public}
        assert not twice, f"more mails: {twice}"
        if self.plan.public:
            more = found.calls - expected.calls
            assert not more, f"more calls on a public list: {more}"

    def retry(self, world: World) -> None:
        """Those whose fate is unknown, sent once more because somebody says so: each once, and all are settled."""
        waiting = {key for key, code in world.letters() if code == "unknown"}
        if not self.plan.retries or not waiting:
            return
        before, left, times = world.ends.calls(), waiting, 0
        while left:  # a call that was not made before a death may lose its answer now
            times += 1
            assert times <= RETRIES, f"still unknown after {RETRIES} retries: {left}"
            for run in [each["run"] for each in world.history() if each["counts"]["unknown"]]:
                (ended,) = world.start(("retry", run, "--unknown", "--json")).end()
                assert ended.code in (*DONE, 2), ended
                assert ended.code != 2 or "left to send again" in ended.out, ended
            left = {key for key, code in world.letters() if code == "unknown"}
        more = world.ends.calls() - before
        assert set(more) <= waiting, f"a retry sent others: {set(more) - waiting}"
        assert all(n <= times for n in more.values()), f"a retry sent more than once: {more}"
        for run in world.history():
            obeys_the_law(run, world.leads(run["run"]))
        assert not world.left_behind(), world.left_behind()
        self.tally.figures["unknown settled by a retry"] += len(waiting)
