"""The run loop, through the command line: real processes, a real ledger, a clock that the test moves."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from serving import Desk
from syncline.schedule import jittered

Start = Callable[..., Desk]
DAILY = {"frequency": "daily", "time": "09:30", "timezone": "UTC"}
EVERY_MINUTE = {"frequency": "cron", "cron": "* * * * *", "timezone": "UTC"}


def dues(desk: Desk, name: str) -> list[str | None]:
    """When the runs of a sync were due, oldest first."""
    return [run.get("due") for run in desk.runs(name)]


def messages(desk: Desk, name: str) -> list[str]:
    return [each["message"] for each in desk.firings(name)]


def test_a_due_sync_runs_once_at_its_time(desk_at: Start, ledger_url: str) -> None:
    desk = desk_at("2026-11-02T09:00:00", ledger_url)
    desk.spec("daily", schedule=DAILY)
    served = desk.serving("specs")
    assert desk.runs("daily") == []
    desk.clock.move_to("2026-11-02T09:30:00")
    desk.eventually(lambda: desk.ended("daily", 1))
    desk.clock.move_to("2026-11-03T09:30:00")
    runs = desk.eventually(lambda: desk.ended("daily", 2))
    assert [(run["status"], run["trigger"], run["due"]) for run in runs] == [
        ("succeeded", "schedule", "2026-11-02T09:30:00.000Z"),
        ("succeeded", "schedule", "2026-11-03T09:30:00.000Z"),
    ]
    assert desk.end(served) == 0
    assert desk.states("daily") == [("done", 1)] * 2


def test_at_most_so_many_runs_go_at_once_and_the_rest_follows(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    names = ("a", "b", "c")
    gates = [desk.held_up(name) for name in names]
    for name in names:
        desk.spec(name, schedule=DAILY)
    desk.serving("specs", "--runs", "2")
    desk.clock.move_to("2026-11-02T09:30:00")
    desk.eventually(lambda: desk.running(*names) == ["a", "b"])
    desk.walk_to("2026-11-02T09:31:00")
    assert desk.runs("c") == []
    for gate in gates:
        gate.touch()
    for name in names:
        assert desk.eventually(lambda name=name: desk.ended(name, 1))[0]["status"] == "succeeded"
        assert dues(desk, name) == ["2026-11-02T09:30:00.000Z"]


def test_after_days_of_downtime_a_sync_runs_once_or_not_at_all_as_it_says(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    desk.spec("one", schedule=DAILY)
    desk.spec("none", schedule=DAILY | {"catch_up": "none"})
    desk.spec("tick", schedule=EVERY_MINUTE)
    assert desk.end(desk.serving("specs")) == 0
    desk.clock.move_to("2026-11-06T12:00:00")
    desk.serving("specs")
    assert desk.eventually(lambda: desk.ended("one", 1))[0]["due"] == "2026-11-06T09:30:00.000Z"
    desk.eventually(lambda: desk.firings("none"))
    assert desk.states("one") == [("skipped", 0)] * 4 + [("done", 1)]
    assert set(messages(desk, "one")[:4]) == {"the run of 2026-11-06T09:30:00.000Z does for this one too"}
    assert desk.states("none") == [("skipped", 0)]
    assert messages(desk, "none") == ["missed while nothing served; catch_up is none"]
    desk.clock.move_to("2026-11-07T09:29:10")
    desk.eventually(lambda: "2026-11-07T09:29:00.000Z" in dues(desk, "tick"))
    desk.clock.move_to("2026-11-07T09:30:00")
    for name, n in (("one", 2), ("none", 1)):
        assert desk.eventually(lambda name=name, n=n: desk.ended(name, n))[-1]["due"] == "2026-11-07T09:30:00.000Z"


def test_what_others_could_have_served_is_not_missed(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:28:00")
    gate = desk.held_up("busy")
    desk.spec("busy", schedule=DAILY | {"time": "09:29"})
    desk.spec("none", schedule=DAILY | {"catch_up": "none"})
    desk.serving("specs", "--runs", "1")
    desk.clock.move_to("2026-11-02T09:29:00")
    desk.eventually(lambda: desk.running("busy"))
    desk.clock.move_to("2026-11-02T09:30:20")
    desk.serving("specs")
    assert desk.eventually(lambda: desk.ended("none", 1))[0]["due"] == "2026-11-02T09:30:00.000Z"
    gate.touch()


def test_jitter_delays_a_run_by_its_own_part(desk_at: Start) -> None:
    schedule = DAILY | {"jitter": "10m"}
    due = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    start = jittered(schedule, "daily", due)
    assert timedelta(minutes=1) < start - due < timedelta(minutes=10)
    desk = desk_at("2026-11-02T09:00:00")
    desk.spec("daily", schedule=schedule)
    desk.serving("specs")
    early = start - timedelta(seconds=30)
    desk.clock.move_to(early.replace(tzinfo=None).isoformat())
    (run,) = desk.eventually(lambda: desk.ended("daily", 1))
    assert datetime.fromisoformat(run["started_at"]) >= start
    assert run["due"] == "2026-11-02T09:30:00.000Z"


def test_a_run_that_is_longer_than_its_interval_is_followed_by_one_that_does_for_all(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:29:02")
    gate = desk.held_up("often")
    spec = desk.spec("often", schedule=EVERY_MINUTE)
    desk.serving("specs")
    desk.clock.move_to("2026-11-02T09:30:00")
    desk.eventually(lambda: desk.running("often"))
    desk.walk_to("2026-11-02T09:34:10")
    assert "another process is running sync often" in desk.syncline("run", str(spec), code=7).stderr
    assert len(desk.runs("often")) == 1
    gate.touch()
    runs = desk.eventually(lambda: desk.ended("often", 2))
    assert dues(desk, "often")[0] == "2026-11-02T09:30:00.000Z"
    assert runs[0]["finished_at"] <= runs[1]["started_at"]
    done = dues(desk, "often")[1]
    assert str(done) >= "2026-11-02T09:34:00"
    assert desk.states("often")[:5] == [("done", 1), *[("skipped", 0)] * 3, ("done", 1)]
    assert messages(desk, "often")[1] == f"the run of {done} does for this one too"


def test_a_firing_waits_for_a_run_by_hand_and_is_then_carried_out(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:25:00")
    gate = desk.held_up("daily")
    spec = desk.spec("daily", schedule=DAILY)
    desk.serving("specs")
    words = desk.command("run", str(spec), "--json")
    by_hand = subprocess.Popen(words, cwd=desk.folder, env=desk.environment, stdout=subprocess.DEVNULL)
    desk.eventually(lambda: desk.running("daily"))
    desk.walk_to("2026-11-02T09:30:05")
    assert desk.firings("daily") == []
    gate.touch()
    assert by_hand.wait(60) == 0
    runs = desk.eventually(lambda: desk.ended("daily", 2))
    assert [run["trigger"] for run in runs] == ["manual", "schedule"]
    assert runs[0]["finished_at"] <= runs[1]["started_at"]
    assert runs[1]["due"] == "2026-11-02T09:30:00.000Z"


def test_a_sync_that_is_to_run_once_does_and_is_woken_by_an_edited_schedule_alone(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    spec = desk.spec("once", schedule=DAILY | {"frequency": "once"})
    desk.spec("at-once", schedule={"frequency": "once", "timezone": "UTC"})
    desk.serving("specs")
    desk.eventually(lambda: desk.sync("at-once").state == "completed")
    assert desk.runs("once") == []
    desk.clock.move_to("2026-11-02T09:30:00")
    desk.eventually(lambda: desk.sync("once").state == "completed")
    refused = desk.document("run", str(spec), code=5)
    reason = "frequency is once, and its run is done"
    assert refused == {"sync": "once", "status": "refused", "state": "completed", "reason": reason}
    assert (
        "edit its schedule, or create a new sync with `replaces: once`"
        in desk.syncline("resume", "once", code=5).stderr
    )
    desk.clock.move_to("2026-11-05T09:31:00")
    desk.spec("once", schedule=DAILY | {"frequency": "once", "time": "10:00"})
    desk.eventually(lambda: desk.sync("once").state == "active")
    desk.clock.move_to("2026-11-05T10:00:00")
    desk.eventually(lambda: desk.sync("once").state == "completed")
    assert dues(desk, "once") == ["2026-11-02T09:30:00.000Z", "2026-11-05T10:00:00.000Z"]
    told = desk.document("show", "once")["events"]
    assert [(each["state"], each["reason"]) for each in told] == [
        ("active", "created"),
        ("completed", reason),
        ("active", "its schedule was edited"),
        ("completed", reason),
    ]


def test_a_sync_whose_source_is_gone_is_inactive_for_good_and_says_what_to_do(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    spec = desk.spec("daily", schedule=DAILY)
    desk.serving("specs")
    desk.records("daily", "gone")
    desk.clock.move_to("2026-11-02T09:30:00")
    desk.eventually(lambda: desk.sync("daily").state == "inactive")
    assert [run["status"] for run in desk.runs("daily")] == ["inactive"]
    assert desk.eventually(lambda: desk.says("now inactive: the table was renamed"))
    for command in (("run", str(spec)), ("resume", "daily"), ("pause", "daily")):
        told = desk.syncline(*command, code=5).stderr
        assert "the table was renamed" in told
        assert "create a sync with a new name; it may say `replaces: daily`" in told
    desk.records("daily", [])
    desk.spec("daily", schedule=DAILY | {"time": "09:40"}, description="edited")
    desk.spec("heir", schedule=DAILY, replaces="daily")
    desk.eventually(lambda: desk.says("created (sync=heir)"))
    desk.clock.move_to("2026-11-04T09:45:00")
    desk.eventually(lambda: desk.ended("heir", 1))
    assert len(desk.runs("daily")) == 1
    assert desk.document("show", "daily")["events"][-1]["reason"] == "the table was renamed"


def test_a_sync_can_be_paused_and_resumed_while_it_is_served(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    desk.spec("daily", schedule=DAILY)
    desk.serving("specs")
    said = desk.syncline("pause", "daily", "--reason", "holidays").stdout
    assert said.strip() == "daily is paused now: holidays"
    desk.clock.move_to("2026-11-03T12:00:00")
    assert desk.document("resume", "daily")["state"] == "active"
    desk.clock.move_to("2026-11-04T09:30:00")
    runs = desk.eventually(lambda: desk.ended("daily", 1))
    assert [run["due"] for run in runs] == ["2026-11-04T09:30:00.000Z"]
    events = desk.document("show", "daily")["events"]
    assert [each["state"] for each in events] == ["active", "paused", "active"]
    assert events[1]["reason"] == "holidays"


def failing_of(desk: Desk, name: str) -> tuple[int, Any]:
    sync = desk.sync(name)
    return sync.failures, sync.retry_at


def test_a_sync_that_fails_rests_longer_each_time_and_says_when_it_tries_again(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    spec = desk.spec("daily", schedule=DAILY)
    good = [{"ID": "1", "Email": "ann@example.com", "Name": "Ann"}]
    desk.records("daily", [{"ID": "1", "fault": True}])
    desk.serving("specs")
    desk.clock.move_to("2026-11-02T09:30:00")
    for failures, minutes in enumerate((1, 2, 4), 1):
        (ended, retry_at) = desk.eventually(
            lambda n=failures: (desk.ended("daily", n), failing_of(desk, "daily")[1]) if desk.ended("daily", n) else ()
        )
        rest = (retry_at - datetime.fromisoformat(ended[-1]["finished_at"])).total_seconds()
        assert 60 * minutes <= rest < 60 * minutes + 1
        times = "once" if failures == 1 else f"{failures} times in a row"
        until = retry_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        words = f"failed {times}, tries again at {until}: the table tore"
        desk.eventually(lambda words=words: desk.says(words))
        (told,) = desk.document("status", "specs")["syncs"]
        assert (told["failures"], told["retry_at"]) == (failures, until)
        if failures < 3:
            desk.clock.move_to(retry_at.replace(tzinfo=None).isoformat())
    assert "failed 3 times in a row, tries again at 2026-11-02" in " ".join(
        desk.syncline("status", "specs").stdout.split()
    )
    shown = desk.document("show", "daily")
    assert (shown["failures"], shown["firings"][0]["state"], shown["firings"][0]["attempts"]) == (3, "waiting", 3)
    assert "the table tore" in shown["firings"][0]["message"]
    desk.records("daily", good)
    desk.syncline("run", str(spec))
    assert failing_of(desk, "daily") == (0, None)
    assert desk.states("daily") == [("done", 3)]
    desk.records("daily", [{"ID": "1", "fault": True}])
    desk.clock.move_to("2026-11-03T09:30:00")
    desk.eventually(lambda: failing_of(desk, "daily")[0] == 1)
    desk.records("daily", good)
    desk.clock.move_to("2026-11-03T09:32:00")
    desk.eventually(lambda: failing_of(desk, "daily") == (0, None))
    assert [run["status"] for run in desk.runs("daily")] == ["failed"] * 3 + ["succeeded", "failed", "succeeded"]


def test_edited_connections_end_the_rest_of_what_failed(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    connections = desk.specs / "connections.yaml"
    desk.write(connections, "connections: {hut: {type: hut, key: brass}}\n")
    desk.spec("daily", schedule=DAILY, source={"type": "hut_table", "connection": "hut"})
    desk.records("daily", [{"ID": "1", "fault": True}])
    desk.serving("specs")
    desk.clock.move_to("2026-11-02T09:30:00")
    for failures in (1, 2, 3):  # after the third it rests for 4 minutes
        retry_at = desk.eventually(lambda n=failures: desk.ended("daily", n) and failing_of(desk, "daily")[1])
        if failures < 3:
            desk.clock.move_to(retry_at.replace(tzinfo=None).isoformat())
    desk.records("daily", [{"ID": "1", "Email": "ann@example.com", "Name": "Ann"}])
    desk.write(connections, "connections: {hut: {type: hut, key: iron}}\n")
    ended = desk.eventually(lambda: desk.ended("daily", 4))
    assert [run["status"] for run in ended] == ["failed"] * 3 + ["succeeded"]
    assert ended[-1]["started_at"] < retry_at.isoformat()
    assert desk.says("the connections were edited: what rests after a failure is tried at once (1)")
