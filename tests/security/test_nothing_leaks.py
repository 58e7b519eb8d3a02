"""What leaves the process: notices that cannot be bent, messages of bounded length, code that reads no pickles."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from fault_place import Place
from hostile import Hostile, say

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("core/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")])
BENT = "x\r\nX-Evil: 1\r\nBcc: everybody@example.com"


def notify(place: Place, channel: str, monkeypatch: pytest.MonkeyPatch, code: int | None = 1) -> str:
    """What `notify` says of one channel; `BENT` and `HOOK` are set."""
    (place.folder / "syncline.yaml").write_text(f"notifications:\n  - {channel}\n")
    said = place.syncline("notify", code=code)
    assert "should not have happened" not in said.err + said.out
    assert "a defect" not in said.err + said.out
    return said.err + said.out


@pytest.mark.parametrize(
    "channel",
    [
        '{webhook: {url: "${env:HOOK}", headers: {X-Key: "${env:BENT}"}}}',
        '{webhook: {url: "${env:HOOK}", headers: {"X-Key\\r\\nX-Evil": "${env:KEY}"}}}',
        '{webhook: {url: "${env:BENT}"}}',
        '{email: {to: ["${env:BENT}"], from: a@example.com, host: 127.0.0.1, port: 1}}',
        '{email: {to: [a@example.com], from: "${env:BENT}", host: 127.0.0.1, port: 1}}',
        '{email: {to: ["a@example.com\\r\\nBcc: b@example.com"], from: a@example.com, host: 127.0.0.1, port: 1}}',
        '{email: {to: [a@example.com], from: a@example.com, host: "${env:BENT}", port: 1}}',
    ],
)
def test_no_receiver_can_be_given_a_header_of_somebody_else(
    place: Place, hostile: Hostile, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENT", BENT)
    monkeypatch.setenv("KEY", "a-key-for-the-hook")
    monkeypatch.setenv("HOOK", f"{hostile.url}/hook")
    notify(place, channel, monkeypatch, code=None)
    assert not any("x-evil" in headers for _, headers in hostile.requests)


def test_a_receiver_gets_what_it_should(place: Place, hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", f"{hostile.url}/hook")
    notify(place, '{webhook: {url: "${env:HOOK}"}}', monkeypatch, code=0)
    assert [path for path, _ in hostile.requests] == ["/hook"]


@pytest.mark.parametrize("words", ["x" * 1_000_000, "\x1b[2J\x1b]0;owned\x07\u202e" * 5000], ids=["long", "steering"])
def test_words_of_the_other_side_are_short_and_steer_nothing(place: Place, words: str) -> None:
    place.box.faults.add("code", "creator.records", code="9999", body=words)
    for form in ("people", "json"):
        said = place.syncline("--log-format", form, "run", place.spec.name, code=1)
        assert len(said.out + said.err) < 5_000
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", said.out + said.err)
    assert len(place.runs()[-1]["message"]) < 2_000


def test_an_answer_with_endless_names_makes_no_endless_message(place: Place, hostile: Hostile) -> None:
    body = {"code": "0", **{"n" * 1000 + str(n): n for n in range(1000)}}
    hostile.answer = lambda handler: say(handler, json.dumps(body).encode())
    hosts = {name: url for name, url in place.box.hosts.items() if name != "recruit"}
    place.connect(hosts=hosts | {"marketinghub": hostile.url})
    place.sign_up("ann")
    assert len(place.run(code=1)["message"]) < 2_000


def test_no_module_reads_what_could_run_code() -> None:
    """Pickles and their like; the kit for authors of plugins reads back what it wrote itself, in one line."""
    forbidden = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "xmlrpc", "code", "codeop"}
    found = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if not re.search(r"\b(" + "|".join(forbidden) + r"|eval|exec|compile|__import__)\b", text):
            continue  # so that few are parsed
        for node in ast.walk(ast.parse(text)):
            names = [each.name for each in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            module = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            if forbidden & {each.partition(".")[0] for each in [*names, *module]}:
                found.append(path.relative_to(ROOT).as_posix())
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name) and called.id in {"eval", "exec", "compile", "__import__"}:
                found.append(path.relative_to(ROOT).as_posix())
    assert found == ["core/syncline/testing/contract.py"]


def test_every_exception_from_the_security_lint_says_why() -> None:
    bare = []
    for path in SOURCES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(r"# noqa: .*\bS\d{3}\b\s*$", line):
                bare.append(f"{path}:{number}")
    assert bare == []
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '"S",' in settings
    assert all("S:" in line for line in settings.splitlines() if re.search(r'/\*\*" = \["S"', line))
