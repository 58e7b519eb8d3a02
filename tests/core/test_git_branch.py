"""Following a branch: real git, bare repositories, and servers on 127.0.0.1."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from git_remotes import Checkout, Remote, SilentServer, WebServer, git, no_git_configuration
from syncline.errors import Fatal, Retriable, SpecError
from syncline.git import Branch, Origin, Revision, origin_of
from syncline.secrets import MASK, Redactor

Follow = Callable[..., Branch]
PASSWORD = "s3cret/p@ss word"


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_git_configuration(tmp_path, monkeypatch)


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return Remote(tmp_path)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state" / "place"


@pytest.fixture
def follow(remote: Remote, place: Path) -> Iterator[Follow]:
    opened = []

    def make(url: str | Path | None = None, branch: str = "main", **more: object) -> Branch:
        redactor = more.pop("redactor", Redactor())
        found = Branch(str(url or remote.bare), branch, more.pop("place", place), redactor, **more)  # type: ignore[arg-type]  # whatever a test gives
        opened.append(found)
        return found

    yield make
    for each in opened:
        each.close()


def pulled(branch: Branch) -> Revision:
    revision = branch.pull()
    assert revision is not None
    return revision


def checkouts(place: Path) -> set[str]:
    return {path.name for path in place.iterdir()} - {"repository.git", "lock", "source"}


# ------------------------------------------------------------------------------------------------- what is followed


def test_the_first_pull_checks_out_the_branch_whole(remote: Remote, follow: Follow, place: Path) -> None:
    commit = remote.push({"configs/a.yaml": "1", "deep/er/b.yaml": "2"}, by="Zoë")
    revision = pulled(follow())
    assert revision == Revision(commit, "Zoë", remote.work.at(commit), place / commit)
    assert (revision.folder / "configs/a.yaml").read_text() == "1"
    assert (revision.folder / "deep/er/b.yaml").read_text() == "2"
    assert place.stat().st_mode & 0o777 == 0o700


def test_a_branch_that_did_not_change_is_none(remote: Remote, follow: Follow) -> None:
    remote.push({"a.yaml": "1"})
    branch = follow()
    pulled(branch)
    assert branch.pull() is None
    remote.push({"a.yaml": "2"}, branch="other")
    assert branch.pull() is None


def test_a_new_commit_is_a_new_folder(remote: Remote, follow: Follow) -> None:
    remote.push({"a.yaml": "1", "gone.yaml": "1"})
    branch = follow()
    first = pulled(branch)
    branch.keep(first.commit)
    (remote.work.folder / "gone.yaml").unlink()
    second = remote.push({"a.yaml": "2"}, by="Bob")
    revision = pulled(branch)
    assert (revision.commit, revision.author) == (second, "Bob")
    assert [path.name for path in sorted(revision.folder.glob("*.yaml"))] == ["a.yaml"]
    assert (first.folder / "a.yaml").read_text() == "1"
    assert (origin_of(revision.folder / "a.yaml"), origin_of(first.folder / "a.yaml")) == (
        Origin(second, "Bob", remote.work.at(second), dirty=False),
        Origin(first.commit, "Ann", first.at, dirty=False),
    )


def test_a_rewritten_history_is_followed(remote: Remote, follow: Follow) -> None:
    first = remote.push({"a.yaml": "1"})
    branch = follow()
    pulled(branch)
    rewritten = remote.rewrite({"a.yaml": "rewritten"})
    revision = pulled(branch)
    assert revision.commit == rewritten != first
    assert (revision.folder / "a.yaml").read_text() == "rewritten"
    remote.work.git("push", "-q", "--force", "origin", f"{first}:refs/heads/main")
    assert (pulled(branch).folder / "a.yaml").read_text() == "1"


def test_the_folder_of_a_revision_knows_who_changed_its_files(remote: Remote, follow: Follow) -> None:
    first = remote.push({"a.yaml": "1", "b.yaml": "1"}, by="Ann")
    remote.work.git("checkout", "-q", "-b", "side")
    side = remote.work.commit({"b.yaml": "2"}, by="Bob")
    remote.work.git("checkout", "-q", "main")
    remote.work.git("merge", "-q", "--no-ff", "-m", "a merge", "side", by="Eve")
    remote.work.git("push", "-q", "origin", "main")
    folder = pulled(follow()).folder
    found = [origin_of(folder / name) for name in ("a.yaml", "b.yaml")]
    assert [(each.commit, each.author, each.dirty) for each in found if each] == [
        (first, "Ann", False),
        (side, "Bob", False),
    ]
    assert origin_of(folder) is not None


def test_a_branch_that_was_deleted_is_missed_and_found_again(remote: Remote, follow: Follow) -> None:
    commit = remote.push({"a.yaml": "1"})
    branch = follow()
    revision = pulled(branch)
    remote.delete()
    with pytest.raises(Retriable, match=r"remote\.git, branch main: there is no branch main .*deleted.*; push it"):
        branch.pull()
    assert (revision.folder / "a.yaml").exists()
    second = remote.push({"a.yaml": "2"})
    assert pulled(branch).commit == second != commit


def test_a_name_that_only_ends_like_the_branch_is_another(remote: Remote, follow: Follow) -> None:
    remote.push({"a.yaml": "1"}, branch="x/refs/heads/release")
    remote.push({"a.yaml": "2"}, branch="release/1")
    with pytest.raises(Retriable, match="no branch release"):
        follow(branch="release").pull()
    assert (pulled(follow(branch="release/1", place=remote.bare.parent / "two")).folder / "a.yaml").read_text() == "2"


def test_files_are_what_was_committed_byte_by_byte(
    remote: Remote, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = Path(os.environ["HOME"]) / "ran"
    config = Path(os.environ["HOME"]) / "config"
    config.write_text(
        f'[filter "lfs"]\nsmudge = touch {ran}; cat\nrequired = true\nclean = cat\n'
        "[core]\nautocrlf = true\nsymlinks = false\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    (remote.work.folder / "link.yaml").symlink_to("a.yaml")
    remote.push(
        {".gitattributes": "*.yaml text eol=crlf ident\n*.csv filter=lfs\n", "a.yaml": "$Id$\n", "b.csv": "x\n"}
    )
    folder = pulled(follow()).folder
    assert (folder / "a.yaml").read_bytes() == b"$Id$\n"
    assert (folder / "b.csv").read_bytes() == b"x\n"
    assert (folder / "link.yaml").is_symlink()
    assert not ran.exists()
    found = origin_of(folder)
    assert found is not None
    assert not found.dirty


def test_submodules_stay_empty(remote: Remote, follow: Follow, tmp_path: Path) -> None:
    other = Checkout(tmp_path / "other")
    other.commit({"secret.yaml": "1"})
    remote.work.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other.folder), "module")
    remote.push({"a.yaml": "1"})
    folder = pulled(follow()).folder
    assert list((folder / "module").iterdir()) == []


def test_names_of_commits_may_be_long_ones(tmp_path: Path, follow: Follow) -> None:
    work = Checkout(tmp_path / "long")
    git(work.folder, "init", "-q", "-b", "main", "--object-format=sha256", "../long2")
    long = tmp_path / "long2"
    (long / "a.yaml").write_text("1")
    git(long, "add", "--all")
    git(long, "commit", "-q", "-m", "x")
    commit = git(long, "rev-parse", "HEAD")
    branch = follow(long)
    assert (pulled(branch).commit, len(commit)) == (commit, 64)
    assert branch.pull() is None


# ----------------------------------------------------------------------------------------------------- what is kept


def test_what_is_in_use_stays_and_the_rest_goes(remote: Remote, follow: Follow, place: Path) -> None:
    branch = follow()
    commits = []
    for n in range(4):
        commits.append(remote.push({"a.yaml": str(n)}))
        pulled(branch)
        if n == 0:
            branch.keep(commits[0])
    assert checkouts(place) == {commits[0], commits[3]}
    branch.keep(commits[0])  # the newer one is not sound, say; it stays for whoever looks at it
    assert checkouts(place) == {commits[0], commits[3]}
    branch.keep(commits[3])
    assert checkouts(place) == {commits[3]}
    assert len(list((place / "repository.git" / "worktrees").iterdir())) < 4


def test_a_later_process_begins_with_what_was_kept(remote: Remote, follow: Follow) -> None:
    remote.push({"a.yaml": "1"})
    branch = follow()
    assert branch.kept() is None
    revision = pulled(branch)
    branch.keep(revision.commit)
    branch.close()
    remote.bare.rename(remote.bare.with_name("away"))
    later = follow()
    assert later.kept() == revision
    with pytest.raises(Retriable):
        later.pull()
    assert (revision.folder / "a.yaml").read_text() == "1"


def test_a_later_process_is_told_of_the_branch_anew(remote: Remote, follow: Follow) -> None:
    remote.push({"a.yaml": "1"})
    branch = follow()
    revision = pulled(branch)
    made = revision.folder.stat().st_ino
    branch.close()
    again = pulled(follow())
    assert again == revision
    assert again.folder.stat().st_ino == made


@pytest.mark.parametrize("harm", ["emptied", "added", "gone"])
def test_a_checkout_that_was_tampered_with_is_made_anew(remote: Remote, follow: Follow, harm: str) -> None:
    remote.push({"a.yaml": "1", ".gitignore": "*.tmp"})
    branch = follow()
    revision = pulled(branch)
    branch.keep(revision.commit)
    branch.close()
    file = revision.folder / ("x.tmp" if harm == "added" else "a.yaml")
    file.unlink() if harm == "gone" else file.write_text("")
    branch = follow()
    assert branch.kept() is None
    assert (pulled(branch).folder / "a.yaml").read_text() == "1"
    assert not (revision.folder / "x.tmp").exists()


def test_what_was_half_done_is_tidied_and_never_shown(remote: Remote, follow: Follow, place: Path) -> None:
    commit = remote.push({"a.yaml": "1"})
    branch = follow()
    pulled(branch)
    branch.close()
    second = remote.push({"a.yaml": "2"})
    half = place / "half-done" / second
    half.mkdir(parents=True)
    (half / "a.yaml").write_text("hal")
    (place / "repository.git" / "shallow.lock").write_text("")
    branch = follow()
    assert checkouts(place) == {commit}
    assert (pulled(branch).folder / "a.yaml").read_text() == "2"
    assert checkouts(place) == {second}


def test_a_process_that_was_killed_at_any_step_is_followed_by_one_that_goes_on(remote: Remote, place: Path) -> None:
    remote.push({f"{n}.yaml": str(n) for n in range(50)})
    for step in range(1, 9):
        commit = remote.push({"0.yaml": f"step {step}"})
        child = subprocess.run([sys.executable, "-c", KILLED, str(remote.bare), str(place), str(step)])
        assert child.returncode == -signal.SIGKILL
        for name in checkouts(place) - {"half-done"}:
            assert len(list((place / name).glob("*.yaml"))) == 50
        with Branch(str(remote.bare), "main", place, Redactor()) as branch:
            revision = pulled(branch)
            assert revision.commit == commit
            assert (revision.folder / "0.yaml").read_text() == f"step {step}"
            branch.keep(commit)
        assert checkouts(place) == {commit}


KILLED = """
import os, signal, sys
from pathlib import Path
from syncline.git import Branch, branch
from syncline.secrets import Redactor
left, real = int(sys.argv[3]), branch.run
def run(*given, **named):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given, **named)
with Branch(sys.argv[1], "main", Path(sys.argv[2]), Redactor()) as followed:
    branch.run = run
    revision = followed.pull()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_damaged_repository_is_fetched_anew(remote: Remote, follow: Follow, place: Path) -> None:
    remote.push({"a.yaml": "1"})
    branch = follow()
    pulled(branch)
    for path in (place / "repository.git" / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(b"rubbish")
    remote.push({"a.yaml": "2"})
    assert (pulled(branch).folder / "a.yaml").read_text() == "2"


def test_a_place_of_another_branch_is_emptied(remote: Remote, follow: Follow, place: Path) -> None:
    first = remote.push({"a.yaml": "1"})
    second = remote.push({"a.yaml": "2"}, branch="other")
    branch = follow()
    branch.keep(pulled(branch).commit)
    branch.close()
    branch = follow(branch="other")
    assert branch.kept() is None
    assert checkouts(place) == set()
    assert pulled(branch).commit == second != first


def test_a_place_belongs_to_one_process(remote: Remote, follow: Follow) -> None:
    remote.push({"a.yaml": "1"})
    first = follow()
    with pytest.raises(Fatal, match="a branch is followed in this folder already"):
        follow()
    first.close()
    follow()


# ------------------------------------------------------------------------------------------------------ what is safe


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside.yaml", "detour/../../outside.yaml", "chain"])
def test_a_link_that_leaves_the_repository_is_not_followed(
    remote: Remote, follow: Follow, place: Path, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    place.mkdir(parents=True)
    (place.parent / "outside.yaml").write_text("foreign")
    (place / "outside.yaml").write_text("foreign")
    work = remote.work.folder
    (work / "sub").mkdir()
    (work / "sub" / "real.yaml").write_text("1")
    (work / "detour").symlink_to("sub")
    (work / "chain").symlink_to("sub/../..")
    (work / "a.yaml").symlink_to(target if target != "chain" else "chain/outside.yaml")
    (work / "inside.yaml").symlink_to("sub/real.yaml")
    remote.push({})
    branch = follow()
    revision = pulled(branch)
    link = revision.folder / "a.yaml"
    assert not link.is_symlink()
    assert link.read_text() == (target if target != "chain" else "chain/outside.yaml")
    assert (revision.folder / "inside.yaml").read_text() == "1"
    assert "the link a.yaml of commit" in caplog.text
    branch.keep(revision.commit)
    branch.close()
    assert follow().kept() == revision


@pytest.mark.parametrize(
    "url",
    ["-upload-pack=touch x", "--help", "ext::sh -c touch% x", "fd::17", "ext::x://y", "ftp://example.com/x", "",
     "https://-x/y", "ssh://-oProxyCommand=x/y", "ssh://-x@example.com/y", "-x@example.com:y", "user@-x:y", "https://",
     "https://host/a\nb", "file://host.example.com/x", "https://example.com/x?token=abcdefgh", "transport-x::y",
     "https://user:se/cret@example.com/x", "user:secret@example.com:x"],
)  # fmt: skip
def test_an_address_that_git_must_not_be_given_is_refused(follow: Follow, url: str, place: Path) -> None:
    with pytest.raises(SpecError, match=r"--git: this is no address") as caught:
        follow(url) if url else Branch("", "main", place, Redactor())
    assert "secret" not in str(caught.value)
    assert "se/cret" not in str(caught.value)


@pytest.mark.parametrize("branch", ["-x", "--upload-pack=x", "a b", "a..b", "a^", "*", "", "a:b", "x.lock", "a\nb"])
def test_a_name_that_is_no_branch_is_refused(follow: Follow, branch: str) -> None:
    with pytest.raises(SpecError, match=r"is no name of a branch"):
        follow(branch=branch)


def test_hooks_of_the_user_are_not_run(
    remote: Remote, follow: Follow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (hooks / name).chmod(0o700)
    (tmp_path / "config").write_text(f"[core]\nhooksPath = {hooks}\n[init]\ntemplateDir = {hooks}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    remote.push({"a.yaml": "1"})
    pulled(follow())
    assert not (tmp_path / "ran").exists()


def test_a_rewriting_of_addresses_cannot_start_a_program(
    remote: Remote, follow: Follow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(
        f'[url "ext::touch {tmp_path}/ran "]\ninsteadOf = https://example.com/\n[protocol]\nallow = always\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    with pytest.raises(Retriable, match="transport 'ext' not allowed"):
        follow("https://example.com/x").pull()
    assert not (tmp_path / "ran").exists()


def test_without_git_nothing_is_followed(follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Fatal, match=r"the program git is missing .*; install git"):
        follow()


# ------------------------------------------------------------------------------------------------- what goes wrong


def test_a_remote_that_is_not_there_says_so(follow: Follow, tmp_path: Path) -> None:
    with pytest.raises(Retriable, match=r"nowhere\.git, branch main: there is no such Git repository"):
        follow(tmp_path / "nowhere.git").pull()


def test_a_server_that_is_not_there_says_so(follow: Follow) -> None:
    with SilentServer() as server:
        gone = server.host
    with pytest.raises(Retriable, match=rf"git://{gone}/x, branch main: the Git server cannot be reached"):
        follow(f"git://{gone}/x").pull()


@pytest.mark.parametrize("scheme", ["git", "http"])
def test_a_server_that_stays_silent_is_given_up(follow: Follow, scheme: str) -> None:
    with SilentServer() as server, pytest.raises(Retriable, match=r"does not answer .*ended after 0\.3 seconds"):
        follow(f"{scheme}://{server.host}/x", limit=0.3).pull()
    assert children() == []


def test_a_stop_ends_a_pull_at_once(follow: Follow) -> None:
    stop = threading.Event()
    with SilentServer() as server:
        branch = follow(f"git://{server.host}/x", stop=stop)
        threading.Thread(target=lambda: (server.asked.wait(), stop.set())).start()
        assert branch.pull() is None
    assert children() == []


def children() -> list[str]:
    shown = subprocess.run(["ps", "-A", "-o", "ppid=,args="], capture_output=True, text=True).stdout.splitlines()
    return [line for line in shown if line.split()[0] == str(os.getpid()) and "git" in line.split()[1]]


# ------------------------------------------------------------------------------------------------------ credentials


def processes() -> str:
    return subprocess.run(["ps", "-A", "-o", "args=", "-ww"], capture_output=True, text=True).stdout


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLLOW_USER", "deploy-user")
    monkeypatch.setenv("FOLLOW_PASSWORD", PASSWORD)


@pytest.mark.parametrize(
    "written",
    ["${env:FOLLOW_USER}:${env:FOLLOW_PASSWORD}", "deploy-user:${env:FOLLOW_PASSWORD}", "${env:FOLLOW_BOTH}",
     "deploy-user:s3cret%2Fp%40ss%20word"],
)  # fmt: skip
@pytest.mark.usefixtures("login")
def test_a_login_reaches_the_server(
    remote: Remote, follow: Follow, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLLOW_BOTH", f"deploy-user:{PASSWORD}")
    remote.push({"a.yaml": "1"})
    with WebServer(remote.bare, login=f"deploy-user:{PASSWORD}") as server:
        branch = follow(f"http://{written}@{server.host}/remote.git")
        assert (pulled(branch).folder / "a.yaml").read_text() == "1"
        remote.push({"a.yaml": "2"})
        assert (pulled(branch).folder / "a.yaml").read_text() == "2"


@pytest.mark.usefixtures("login")
def test_a_secret_that_is_replaced_is_read_anew(remote: Remote, follow: Follow, tmp_path: Path) -> None:
    remote.push({"a.yaml": "1"})
    (tmp_path / "token").write_text("old-token\n")
    with WebServer(remote.bare, login="x:new-token") as server:
        branch = follow(f"http://x:${{file:token}}@{server.host}/remote.git", folder=tmp_path)
        with pytest.raises(Retriable, match="refused the login"):
            branch.pull()
        (tmp_path / "token").unlink()
        with pytest.raises(Retriable, match="token} cannot be read"):
            branch.pull()
        (tmp_path / "token").write_text("new-token\n")
        pulled(branch)


@pytest.mark.usefixtures("login")
def test_a_refused_login_is_named_and_not_shown(
    remote: Remote, follow: Follow, caplog: pytest.LogCaptureFixture, place: Path
) -> None:
    caplog.set_level(logging.DEBUG, "syncline")
    redactor = Redactor()
    with WebServer(remote.bare, login="somebody:else") as server:
        branch = follow(
            f"http://${{env:FOLLOW_USER}}:${{env:FOLLOW_PASSWORD}}@{server.host}/remote.git", redactor=redactor
        )
        with pytest.raises(Retriable, match="the Git server refused the login") as caught:
            branch.pull()
        assert server.seen[-1].startswith("Basic ")
    said = str(caught.value) + caplog.text + branch.shown + repr(branch._address())
    assert "deploy-user" not in said
    assert "s3cret" not in said
    assert redactor.clean(f"it is {PASSWORD}") == f"it is {MASK}"
    for path in place.rglob("*"):
        if path.is_file():
            assert b"s3cret" not in path.read_bytes()
            assert b"deploy-user" not in path.read_bytes()


@pytest.mark.parametrize("written", ["deploy-user:s3cret%2Fp%40ss%20word", "${env:FOLLOW_BOTH}"])
def test_a_password_is_masked_wherever_it_comes_from(
    follow: Follow, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLLOW_BOTH", f"deploy-user:{PASSWORD}")
    redactor = Redactor()
    follow(f"https://{written}@host.example.com/x", redactor=redactor)
    assert redactor.clean(f"it is {PASSWORD}") == f"it is {MASK}"


@pytest.mark.parametrize("written", ["${env:FOLLOW_USER}:${env:FOLLOW_PASSWORD}", "deploy-user"])
@pytest.mark.usefixtures("login")
def test_no_process_list_shows_a_login(follow: Follow, written: str) -> None:
    stop = threading.Event()
    shown = []
    with SilentServer() as server:
        branch = follow(f"http://{written}@{server.host}/remote.git", stop=stop)

        def look() -> None:
            server.asked.wait()
            shown.append(processes())
            stop.set()

        looker = threading.Thread(target=look)
        looker.start()
        assert branch.pull() is None
        looker.join()
        assert f"http://{server.host}/remote.git" in shown[0]
    assert "deploy-user" not in shown[0]
    assert "s3cret" not in shown[0]


@pytest.mark.usefixtures("login")
def test_a_login_is_not_given_to_another_host(remote: Remote, follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    remote.push({"a.yaml": "1"})
    with WebServer(remote.bare, login=f"deploy-user:{PASSWORD}") as other, SilentServer() as silent:
        config = Path(os.environ["HOME"]) / "config"
        config.write_text(f'[url "http://{other.host}/"]\ninsteadOf = http://{silent.host}/\n')
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
        with pytest.raises(Retriable, match="refused the login"):
            follow(f"http://${{env:FOLLOW_USER}}:${{env:FOLLOW_PASSWORD}}@{silent.host}/remote.git").pull()
        assert set(other.seen) == {""}


@pytest.mark.usefixtures("login")
def test_the_users_own_helper_serves_and_is_not_told_of_our_password(
    remote: Remote, follow: Follow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.push({"a.yaml": "1"})
    config, store = tmp_path / "config", tmp_path / "store"
    config.write_text(f"[credential]\nhelper = store --file {store}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    with WebServer(remote.bare, login=f"deploy-user:{PASSWORD}") as server:
        first = follow(f"http://deploy-user:${{env:FOLLOW_PASSWORD}}@{server.host}/remote.git")
        pulled(first)
        first.close()
        assert not store.exists()
        store.write_text(f"http://another:x@{server.host}\nhttp://deploy-user:s3cret%2Fp%40ss%20word@{server.host}\n")
        pulled(follow(f"http://deploy-user@{server.host}/remote.git", place=tmp_path / "two"))


@pytest.mark.parametrize("form", ["ssh://deploy-user@host.example.com{}", "deploy-user@host.example.com:{}"])
def test_an_ssh_address_goes_to_the_users_own_ssh(
    remote: Remote, follow: Follow, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.push({"a.yaml": "1"})
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nfor last; do :; done\neval "$last"\n')
    ssh.chmod(0o700)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    branch = follow(form.format(remote.bare))
    assert (pulled(branch).folder / "a.yaml").read_text() == "1"
    assert "deploy-user@host.example.com git-upload-pack" in (tmp_path / "asked").read_text()
    assert branch.shown == form.format(remote.bare).replace("deploy-user@", "")
    ssh.write_text("#!/bin/sh\necho 'deploy-user@host.example.com: Permission denied (publickey).' >&2\nexit 255\n")
    with pytest.raises(Retriable, match=r"the Git server refused the login; .* or the ssh key"):
        branch.pull()


def test_a_password_in_an_ssh_address_is_refused(follow: Follow) -> None:
    with pytest.raises(SpecError, match="an address with ssh:// takes no password") as caught:
        follow("ssh://user:secret@example.com/x")
    assert "secret" not in str(caught.value)


@pytest.mark.usefixtures("login")
def test_a_login_with_a_line_break_is_refused(follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLLOW_PASSWORD", "one\nhost=evil.example.com")
    with pytest.raises(SpecError, match="holds a control character"):
        follow("https://x:${env:FOLLOW_PASSWORD}@host.example.com/x")


def test_a_plain_web_server_is_followed_as_well(remote: Remote, follow: Follow) -> None:
    remote.push({"a.yaml": "1"})
    git(remote.bare, "update-server-info")
    with WebServer(remote.bare, plain=True) as server:
        branch = follow(f"http://{server.host}/remote.git")
        assert (pulled(branch).folder / "a.yaml").read_text() == "1"
        with pytest.raises(Retriable, match="no such Git repository"):
            follow(f"http://{server.host}/nothing.git", place=remote.bare.parent / "two").pull()
