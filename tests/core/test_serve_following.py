"""What is served: a folder that is edited, what was applied, a branch that is followed; and what probes are told."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from git_remotes import Remote
from serving import Desk, free_port

Start = Callable[..., Desk]
DAILY = {"frequency": "daily", "time": "09:30", "timezone": "UTC"}


def asked(port: int, path: str) -> tuple[int, str]:
    """Status and text that a process answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def reasons(port: int, path: str = "/readyz") -> list[str]:
    found: list[str] = json.loads(asked(port, path)[1])["reasons"]
    return found


def test_what_is_edited_while_it_is_served_runs_as_it_is_now_and_faults_change_nothing(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    path = desk.spec("daily", schedule=DAILY)
    desk.serving("specs")
    desk.spec("daily", schedule=DAILY | {"time": "10:00"}, mapping={"Email": "Email"})
    desk.eventually(lambda: desk.says("info: revision 2 is applied (sync=daily)"))
    sound = path.read_text()
    desk.write(path, sound.replace("type: table", "type: tabel"))
    desk.eventually(lambda: desk.says("did you mean 'table'?"))
    desk.clock.move_to("2026-11-02T09:45:00")
    assert desk.runs("daily") == []
    desk.clock.move_to("2026-11-02T10:00:00")
    desk.eventually(lambda: desk.ended("daily", 1))
    (person,) = desk.people("daily").values()
    assert person["fields"] == {"Email": "daily@example.com"}
    desk.write(path, sound.replace("daily.json", "other.json"))
    desk.eventually(lambda: desk.says("the identity of this sync cannot change"))
    desk.clock.move_to("2026-11-03T10:00:00")
    desk.eventually(lambda: desk.ended("daily", 2))
    path.unlink()
    desk.eventually(lambda: desk.says("is gone: its sync is not run here any more"))
    desk.clock.move_to("2026-11-04T10:30:00")
    desk.spec("other", schedule=DAILY | {"time": "10:31"})
    desk.eventually(lambda: desk.says("created (sync=other)"))
    desk.clock.move_to("2026-11-04T10:31:00")
    desk.eventually(lambda: desk.ended("other", 1))
    assert len(desk.runs("daily")) == 2
    assert desk.said().count("did you mean 'table'?") == 1


def test_a_process_that_starts_with_a_faulty_file_runs_what_the_ledger_knows(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    path = desk.spec("daily", schedule=DAILY)
    desk.syncline("run", str(path))
    desk.write(path, path.read_text() + "colour: blue\n")
    desk.serving("specs")
    desk.clock.move_to("2026-11-02T09:30:00")
    runs = desk.eventually(lambda: desk.ended("daily", 2))
    assert [run["trigger"] for run in runs] == ["manual", "schedule"]
    assert desk.says("not applied, what ran before goes on: specs/daily.yaml:")


def test_without_a_folder_what_was_applied_is_served(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    path = desk.spec("daily", schedule=DAILY)
    desk.syncline("run", str(path))
    path.unlink()
    served = desk.serving()
    assert desk.says("serving what was applied to the ledger")
    desk.clock.move_to("2026-11-02T09:30:00")
    desk.eventually(lambda: desk.ended("daily", 2))
    desk.spec("new", schedule=DAILY | {"time": "09:40"})
    desk.syncline("run", "specs/new.yaml")
    desk.syncline("pause", "daily")
    desk.clock.move_to("2026-11-03T09:40:00")
    desk.eventually(lambda: desk.ended("new", 2))
    assert len(desk.runs("daily")) == 2
    assert desk.end(served) == 0


def test_the_zone_of_the_source_is_asked_for_with_patience_and_remembered(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T03:00:00")
    zone = desk.folder / "zone"
    desk.spec("daily", source={"zone": str(zone)}, schedule={"frequency": "daily", "time": "09:30"})
    served = desk.serving("specs")
    desk.eventually(lambda: desk.says("its zone is not known, so it is not planned: the table does not answer"))
    desk.eventually(lambda: desk.says("is asked for its zone again at 2026-11-02T03:01:"))
    zone.write_text("Middle/Earth")
    desk.clock.move_to("2026-11-02T03:02:00")
    desk.eventually(lambda: desk.says("says that its time zone is 'Middle/Earth', which is not known here"))
    desk.eventually(lambda: desk.said().count("is asked for its zone again") == 2)
    zone.write_text("Asia/Kolkata")
    desk.clock.move_to("2026-11-02T03:05:00")
    desk.eventually(lambda: desk.sync("daily").zone == "Asia/Kolkata")
    desk.clock.move_to("2026-11-02T04:00:00")
    assert desk.eventually(lambda: desk.ended("daily", 1))[0]["due"] == "2026-11-02T04:00:00.000Z"
    zone.write_text("Asia/Dubai")  # it is changed there, and the run of the next day, by the old one, finds out
    desk.clock.move_to("2026-11-03T04:00:00")
    desk.eventually(lambda: desk.sync("daily").zone == "Asia/Dubai")
    assert desk.end(served) == 0
    zone.unlink()
    desk.serving("specs")
    desk.clock.move_to("2026-11-04T05:30:00")
    assert desk.eventually(lambda: desk.ended("daily", 3))[-1]["due"] == "2026-11-04T05:30:00.000Z"
    assert not desk.says("zone")


def metric(port: int, name: str) -> float:
    lines = [line for line in asked(port, "/metrics")[1].splitlines() if line.startswith(name)]
    return float(lines[0].rpartition(" ")[2]) if lines else 0.0


def test_a_branch_is_followed_and_its_last_good_commit_stays_whatever_becomes_of_the_remote(desk_at: Start) -> None:
    desk = desk_at("2026-11-02T09:00:00")
    remote = Remote(desk.folder / "git")
    away = remote.bare.rename(desk.folder / "away")
    port = free_port()
    words = ("configs", "--git", str(remote.bare), "--listen", f"127.0.0.1:{port}", "--interval", "60s")
    desk.serve(*words)
    desk.eventually(lambda: asked(port, "/readyz")[0] == 503)
    desk.eventually(lambda: len(reasons(port)) == 2)
    assert reasons(port)[-1] == "no commit was read yet"
    assert asked(port, "/healthz")[0] == 200
    away.rename(remote.bare)

    def files(**keys: Any) -> dict[str, str]:
        return {f"configs/{name}.yaml": desk.spec(name, **each).read_text() for name, each in keys.items()}

    first = remote.push(
        {"configs/syncline.yaml": "retention: 30\n"} | files(a={"schedule": DAILY}, b={"schedule": DAILY})
    )
    desk.clock.move_to("2026-11-02T09:05:00")
    desk.eventually(lambda: asked(port, "/readyz")[0] == 200)
    assert desk.says(f"commit {first[:12]} by Ann is served now")
    desk.clock.move_to("2026-11-02T09:30:00")
    desk.eventually(lambda: desk.ended("a", 1) and desk.ended("b", 1))
    assert metric(port, 'syncline_runs_total{status="succeeded",sync="a",trigger="schedule"}') == 1
    assert metric(port, "syncline_firing_lateness_seconds_count") == 2
    assert desk.document("show", "a")["revisions"][0]["commit"] == first

    remote.push({"configs/a.yaml": "name: a\nsource: {type: tabel}\n"}, by="Ben")
    desk.clock.move_to("2026-11-02T10:00:00")
    desk.eventually(lambda: desk.says("not served, and the last good commit stays: "))
    desk.clock.move_to("2026-11-03T09:30:00")
    desk.eventually(lambda: desk.ended("a", 2) and desk.ended("b", 2))

    (remote.work.folder / "configs" / "b.yaml").unlink()
    third = remote.push(files(a={"schedule": DAILY, "description": "mended"}), by="Ben")
    desk.clock.move_to("2026-11-03T10:00:00")
    desk.eventually(lambda: desk.says(f"commit {third[:12]} by Ben is served now"))
    desk.eventually(lambda: desk.sync("a").revision == 2)
    desk.eventually(lambda: desk.says("its sync is not run here any more (sync=b)"))

    remote.bare.rename(away)
    desk.clock.move_to("2026-11-03T11:00:00")
    desk.eventually(lambda: desk.says("the branch could not be read, and what is served stays"))
    assert desk.end(desk.processes[0]) == 0
    port = free_port()
    desk.serve(*words[:-3], f"127.0.0.1:{port}")
    desk.eventually(lambda: asked(port, "/readyz")[0] == 200)
    assert desk.says(f"commit {third[:12]} by Ben is served now")
    desk.clock.move_to("2026-11-04T09:30:00")
    desk.eventually(lambda: desk.ended("a", 3))
    assert len(desk.runs("b")) == 2
    assert "Traceback" not in desk.said(0) + desk.said(1)
