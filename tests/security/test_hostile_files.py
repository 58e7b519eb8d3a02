"""Files that mean harm, met by the command line: specs, secrets, saved plans."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from fault_place import Place

ENDLESS = "/dev/zero"


def laughs() -> str:
    """Nine aliases in each of nine levels: 9**9 values in half a kilobyte."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    return "\n".join(lines + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (laughs(), "aliases repeat more than"),
        ("name: &x [*x]", "inside its own anchor"),
        ("[" * 100_000, "nested deeper than 50 levels"),
        ("{a: " * 100_000, "nested deeper than 50 levels"),
        ("- " * 400_000, "nested deeper than 50 levels"),
        ("name: !!python/object/apply:os.system ['touch pwned']", "YAML tags are not allowed"),
        ("name: !!python/object/new:subprocess.Popen [[touch, pwned]]", "YAML tags are not allowed"),
        ("name: !!binary aGk=", "this value carries a tag"),
        ("x" * 2_000_000, "larger than 1 MB"),
        ("a: 1\n---\na: 2\n", "a second document"),
        ("name: '${file:/etc/passwd}'", "name"),
        ("- 1\n" * 200_000, "sign-ups.yaml:1:1"),
        ("? " * 100_000, "nested deeper than 50 levels"),
        ("a: " + "9" * 900_000 + ".0", "sign-ups.yaml"),
    ],
    ids=lambda text: str(text)[:24].replace("\n", " "),
)
def test_a_spec_that_would_explode_is_a_fault(place: Place, text: str, told: str) -> None:
    place.spec.write_text(text)
    said = place.syncline("validate", place.spec.name, code=2)
    assert told in said.err
    assert len(said.err) < 20_000
    assert not (place.folder / "pwned").exists()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


SPECIAL: dict[str, Callable[[Path], None]] = {
    "a pipe": pipe,
    "a socket": listening,
    "a folder": Path.mkdir,
    "an endless device": lambda path: path.symlink_to(ENDLESS),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.parametrize("kind", list(SPECIAL))
@pytest.mark.parametrize("file", ["sign-ups.yaml", "connections.yaml", "defaults.yaml", "syncline.yaml"])
def test_what_is_no_file_ends_in_a_fault_and_keeps_nobody_waiting(
    place: Place, file: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.folder)
    (place.folder / file).unlink(missing_ok=True)
    SPECIAL[kind](place.folder / file)
    said = place.syncline("validate", "sign-ups.yaml", code=None)
    allowed = (0, 2) if file in ("defaults.yaml", "syncline.yaml") or kind == "a folder" else (2,)
    assert said.code in allowed, said


def reaching(place: Place, reference: str) -> str:
    """What a run says whose client secret stands there."""
    place.connect(client_secret=reference)
    return str(place.document("run", place.spec.name, code=2)["error"]["message"])


@pytest.mark.parametrize("kind", list(SPECIAL))
def test_a_secret_that_is_no_file_is_named_and_keeps_nobody_waiting(
    place: Place, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.folder)
    SPECIAL[kind](place.folder / "secret")
    said = reaching(place, "${file:secret}")
    assert "${file:secret} cannot be read" in said
    assert "check the path and its permissions" in said


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("big", "larger than 64 KiB"),
        ("binary", "UnicodeDecodeError"),
        ("empty", "is empty"),
        ("~nobody-of-this-name/secret", "RuntimeError"),
        ("nul\0l", "ValueError"),
        ("../../../../../../../../../../dev/zero", "it is no plain file"),
        ("/proc/self/mem", ""),
        ("x" * 5000, "OSError"),
    ],
)
def test_a_path_of_a_secret_that_leads_nowhere_good_is_named(place: Place, path: str, why: str) -> None:
    (place.folder / "big").write_bytes(b"x" * 65_537)
    (place.folder / "binary").write_bytes(b"\xff\xfe\x00secret")
    (place.folder / "empty").write_bytes(b"\n\n")
    assert why in reaching(place, f"${{file:{path}}}")


def test_a_secret_may_lie_behind_links_and_above_the_folder_as_clusters_mount_them(place: Place) -> None:
    inner = place.folder / "inner"
    (inner / "..data").mkdir(parents=True)
    (inner / "..data" / "secret").write_text(f"{place.box.client_secret}\n")
    (place.folder / "link").symlink_to(inner / "..data" / "secret")
    place.connect(client_secret="${file:inner/../link}")
    place.run()


def test_a_secret_that_others_may_read_is_told_by_doctor_and_never_shown(place: Place) -> None:
    (place.folder / "token.txt").chmod(0o644)
    said = place.syncline("doctor", code=None)
    assert "token.txt can be read, by others too" in said.out
    assert "chmod 600" in said.out
    (place.folder / "token.txt").chmod(0o600)
    assert "by others too" not in place.syncline("doctor", code=None).out


NAMES = ["../evil", "/etc/evil", "a/b", "..", "a\0b", "A", "a b", "-x", "a" * 300, "${env:HOME}"]


@pytest.mark.parametrize(("key", "name"), [*(("name", each) for each in NAMES), ("replaces", "../evil")])
def test_a_name_of_a_sync_is_never_a_path(place: Place, key: str, name: str) -> None:
    place.write(**{key: name})
    assert f"{key}" in place.syncline("validate", place.spec.name, code=2).err


# ---------------------------------------------------------------------------------------------------- saved plans


def forged(path: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Rewrite a saved plan, with a checksum that fits."""
    document = json.loads(path.read_text())
    del document["checksum"]
    change(document)
    body = json.dumps(document, separators=(",", ":")).encode()[:-1]
    path.write_bytes(body + b',"checksum":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n')


@pytest.fixture
def saved(place: Place) -> Path:
    """A saved plan that creates the sync."""
    path = place.folder / "the.plan"
    place.syncline("plan", ".", "--out", str(path), code=None)
    return path


def other_spec(document: dict[str, object]) -> None:
    document["plan"]["actions"][0]["spec"]["sink"]["list"] = "Everybody"  # type: ignore[index]  # plain JSON


def other_sync(document: dict[str, object]) -> None:
    document["plan"]["actions"][0]["sync"] = "../../etc/evil"  # type: ignore[index]  # plain JSON


def other_folder(document: dict[str, object]) -> None:
    document["plan"]["folder"] = "/proc/self"  # type: ignore[index]  # plain JSON


def other_files(document: dict[str, object]) -> None:
    document["files"] = {"../../../../etc/passwd": "0" * 64}


def other_types(document: dict[str, object]) -> None:
    document["plan"] = {"folder": 7, "actions": "all"}


def no_version(document: dict[str, object]) -> None:
    del document["version"]


@pytest.mark.parametrize("change", [other_spec, other_sync, other_folder, other_files, other_types, no_version])
def test_a_forged_plan_with_the_right_checksum_is_refused_and_does_nothing(
    place: Place, saved: Path, change: Callable[[dict[str, object]], None]
) -> None:
    forged(saved, change)
    said = place.syncline("apply", str(saved), code=1)
    assert "refused" in said.err
    assert "should not have happened" not in said.err
    assert not place.ledger.exists() or place.document("status")["syncs"] == []


@pytest.mark.parametrize("content", [b"", b"\x80\x04\x95.", b"{" * 100_000, b'{"version":1,"checksum":"x"}\n'])
def test_a_file_that_is_no_plan_is_refused(place: Place, content: bytes) -> None:
    (place.folder / "the.plan").write_bytes(content)
    assert "refused" in place.syncline("apply", "the.plan", code=1).err


# ------------------------------------------------------------------------------------------------------ modes


def test_nothing_that_is_written_can_be_read_by_others_whatever_the_umask(place: Place) -> None:
    place.sign_up("ann", "bob")
    place.ledger.parent.mkdir()
    place.ledger.parent.chmod(0o755)
    before = set(place.folder.rglob("*"))
    place.folder.chmod(0o755)
    former = os.umask(0)
    try:
        place.run()
        place.syncline("plan", ".", "--out", "the.plan", code=None)
        place.syncline("leads", "last", "--csv", "leads.csv")
    finally:
        os.umask(former)
    made = [path for path in place.folder.rglob("*") if path not in before]
    assert {path.name for path in made} >= {"ledger.db", "the.plan", "leads.csv"}
    exposed = [path for path in made if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    hidden = [path for path in exposed if private(path.parent, place.folder)]
    assert sorted(set(exposed) - set(hidden)) == []


def private(folder: Path, top: Path) -> bool:
    """Whether a folder, or one above it, lets nobody else in."""
    return any(
        not stat.S_IMODE(each.stat().st_mode) & 0o077 for each in (folder, *folder.parents) if each.is_relative_to(top)
    )
