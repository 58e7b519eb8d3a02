"""State, processes and the control calls of the sandbox."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import syncline_zoho_sandbox
from syncline_zoho_sandbox import Control, ControlError, Sandbox, Settings

SIGNUPS = "/creator/v2.1/data/zylker/events/report/all_signups"


def client(box: Control, token: str) -> httpx.Client:
    headers = {"authorization": f"Zoho-oauthtoken {token}", "accept": "application/json"}
    return httpx.Client(base_url=box.url, headers=headers, trust_env=False, verify=False)


def gone(pid: int) -> bool:
    """Whether a process that is not our child has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_state_survives_a_restart(tmp_path: Path) -> None:
    with Sandbox(tmp_path, leads=30, in_process=True) as box:
        token = box.access_token()
        box.insert_records({"Email": "kept@example.com"})
        box.clock.advance(60)
        box.settings(max_range=7)
        moment = box.clock.now()
    with Sandbox(tmp_path, in_process=True) as again, client(again, token) as http:
        assert "kept@example.com" in http.get(SIGNUPS).text  # with the token of before
        assert len(http.get(SIGNUPS).json()["data"]) == 31
        assert again.settings()["max_range"] == 7
        assert 0 <= again.clock.now() - moment < 30


def test_two_servers_share_state_limits_faults_and_clock(tmp_path: Path) -> None:
    with Sandbox(tmp_path, leads=30) as one, Sandbox(tmp_path) as two:
        token = one.access_token()
        with client(one, token) as first, client(two, token) as second:
            one.settings(lead_calls=4)
            codes = [http.get("/api/v1/getmailinglists").json()["code"] for _ in range(3) for http in (first, second)]
            assert codes == ["0"] * 4 + ["2008"] * 2
            two.faults.add("status", "creator.records", status=500, nth=2)
            assert [http.get(SIGNUPS).status_code for http in (first, second, first)] == [200, 500, 200]
            two.clock.advance(3601)
            assert first.get(SIGNUPS).status_code == 401
            assert one.calls().counts == two.calls().counts
            two.reset()
            assert one.settings()["lead_calls"] == Settings().lead_calls


def test_the_server_process_ends_with_the_block_and_with_its_parent(tmp_path: Path) -> None:
    program = f"""
import os
from syncline_zoho_sandbox import Sandbox
box = Sandbox({str(tmp_path)!r}, leads=5)
print(box._running.pid, flush=True)
os._exit(1)
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    pid = int(answer.stdout)
    deadline = time.monotonic() + 20
    while not gone(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(pid)


def test_the_command_prints_what_a_client_needs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "syncline_zoho_sandbox", "serve", "--state", str(tmp_path), "--leads", "5"]
    command += ["--settings", '{"lead_calls": 500}']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        lines = dict(server.stdout.readline().strip().split(": ", 1) for _ in range(4))
        assert set(lines) == {"url", "client_id", "client_secret", "refresh_token"}
        control = Control(lines["url"])
        assert control.settings()["lead_calls"] == 500
        assert control.access_token().startswith("1000.")
        assert set(control.hosts) == {"accounts", "creator", "marketinghub", "recruit"}
        assert set(control.hosts.values()) == {lines["url"]}
        server.terminate()


def test_a_server_that_cannot_start_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no setting 'max_rage'; lead_calls must be a whole number, not 'x'"):
        Sandbox(tmp_path, max_rage=1, lead_calls="x")
    (tmp_path / "file").write_text("")
    with pytest.raises(RuntimeError, match="did not start"):
        Sandbox(tmp_path / "file")


def test_a_setting_has_a_type_and_a_name() -> None:
    for wrong in ({"no_records": "maybe"}, {"lead_limit": "x"}, {"single_field": 1}, {"token_limit": -1}):
        with pytest.raises(ValueError, match="must be"):
            Settings().changed(wrong)
    assert Settings().changed({"lead_limit": None, "single_field": True}).single_field


def test_the_log_counts_calls_and_holds_nothing_of_a_person(tmp_path: Path) -> None:
    with Sandbox(tmp_path, leads=30, in_process=True) as box, client(box, box.access_token()) as http:
        info = json.dumps({"Lead Email": "secret@new.example.com"})
        http.post("/api/v1/json/listsubscribe", data={"listkey": box.lists()["Partners"], "leadinfo": info})
        http.get(SIGNUPS, params={"criteria": 'Email == "secret@new.example.com"'})
        log = box.calls()
        assert log.counts == {"accounts.token": 1, "marketinghub.listsubscribe": 1, "creator.records": 1}
        assert log.count("marketinghub.") == 1
        assert log.count() == 3
        second = log.calls[1]
        assert (second.endpoint, second.status, second.code) == ("marketinghub.listsubscribe", 200, "0")
        assert "secret" not in json.dumps(box.ask("GET", "calls"))
        assert len(box.calls(last=1).calls) == 1
        box.reset_calls()
        assert box.calls().counts == {}


def test_records_are_inserted_updated_and_deleted(tmp_path: Path) -> None:
    with Sandbox(tmp_path, leads=10, in_process=True) as box, client(box, box.access_token()) as http:
        (one, two) = box.insert_records({"Email": "one@example.com"}, {"Email": "two@example.com"})
        added = http.get(f"{SIGNUPS}/{one}").json()["data"]["Added_Time"]
        box.clock.advance(120)
        box.update_records({"ID": one, "Company": "Zylker"})
        record = http.get(f"{SIGNUPS}/{one}").json()["data"]
        assert (record["Email"], record["Company"], record["Added_Time"]) == ("one@example.com", "Zylker", added)
        assert record["Modified_Time"] > added
        box.delete_records(two)
        assert http.get(f"{SIGNUPS}/{two}").json()["code"] == 3100
        with pytest.raises(ControlError, match="has no Emial"):
            box.insert_records({"Emial": "x"})
        with pytest.raises(ControlError, match="no record"):
            box.delete_records(two)
        with pytest.raises(ControlError, match="no application"):
            box.insert_records({}, application="nothing")


def test_leads_are_changed_outside_the_api(tmp_path: Path) -> None:
    with Sandbox(tmp_path, leads=100, in_process=True) as box, client(box, box.access_token()) as http:

        def status(email: str) -> str | None:
            lead = box.lead("Webinar leads", email)
            return None if lead is None else lead.status

        def subscribe(email: str) -> str:
            data = {"listkey": box.lists()["Webinar leads"], "leadinfo": json.dumps({"Lead Email": email})}
            return str(http.post("/api/v1/json/listsubscribe", data=data).json()["code"])

        email = "ann@new.example.com"
        assert box.change_lead("activate", email, fields={"First Name": "Ann"})
        assert status(email) == "active"
        assert box.change_lead("unsubscribe", email)
        assert status(email) == "unsub"
        assert box.change_lead("bounce", email)
        assert status(email) == "bounce"
        assert box.change_lead("delete", email)
        assert status(email) is None
        assert not box.change_lead("delete", email)
        assert box.change_lead("donotmail", email)
        assert subscribe(email) == "2006"
        assert box.change_lead("mail_again", email)
        assert subscribe(email) == "0"
        assert box.change_lead("refuse", email, code="2005")
        assert subscribe(email) == "2005"
        with pytest.raises(ControlError, match="no list"):
            box.leads("Nothing")
        with pytest.raises(ControlError):
            box.change_lead("embrace", email)


def test_the_clock_is_set_and_advanced(tmp_path: Path) -> None:
    with Sandbox(tmp_path, leads=1, in_process=True) as box:
        assert abs(box.clock.set(2_000_000_000) - 2_000_000_000) < 5
        assert abs(box.clock.advance(-100) - 1_999_999_900) < 5


def test_reset_goes_back_to_the_seed_and_keeps_the_credentials(tmp_path: Path) -> None:
    with Sandbox(tmp_path, leads=20, in_process=True, lead_calls=3) as box:
        token, truth = box.refresh_token, box.truth()
        box.insert_records({"Email": "x@example.com"})
        box.rename_report("all_signups", "other")
        box.faults.add("html")
        box.clock.advance(10_000)
        box.reset()
        assert box.truth() == truth
        assert box.ask("GET", "")["refresh_token"] == token
        assert box.faults() == ()
        assert box.settings() == Settings().plain()
        assert abs(box.clock.now() - time.time()) < 30
        with client(box, box.access_token()) as http:
            assert len(http.get(SIGNUPS).json()["data"]) == 20


def test_a_state_of_another_version_is_refused(tmp_path: Path) -> None:
    with Sandbox(tmp_path, leads=1, in_process=True):
        pass
    from syncline_zoho_sandbox.store import Store

    store = Store(tmp_path)
    store.execute("UPDATE state SET version = 99")
    store.close()
    with pytest.raises(RuntimeError, match="another version"):
        Sandbox(tmp_path, in_process=True)


def test_an_unknown_control_call_lists_the_known_ones(tmp_path: Path) -> None:
    with Sandbox(tmp_path, leads=1, in_process=True) as box:
        answer = httpx.get(f"{box.url}/_sandbox/nothing", trust_env=False, verify=False)
        assert answer.status_code == 404
        assert "POST faults" in answer.json()["calls"]


def test_the_face_is_complete_and_sorted_and_imports_nothing_of_the_engine() -> None:
    assert sorted(syncline_zoho_sandbox.__all__) == syncline_zoho_sandbox.__all__
    program = (
        "import sys, syncline_zoho_sandbox; print([name for name in sys.modules if f'{name}.'.startswith('syncline.')])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert answer.stdout.strip() == "[]"
