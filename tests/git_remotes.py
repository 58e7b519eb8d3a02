"""Real Git repositories for tests: a checkout that somebody works in, and remotes that are followed."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import pytest


def no_git_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user of the machine has configured plays no part, and neither does a checkout around the tests."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)


def git(folder: Path, *arguments: str, by: str = "Ann", given: str = "", ok: bool = True) -> str:
    """Run git as somebody without any configuration; returns what it wrote."""
    person = {"NAME": by, "EMAIL": "person@example.com"}
    environment = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in person.items()}
    kept = {key: value for key, value in os.environ.items() if key not in ("GIT_DIR", "GIT_INDEX_FILE")}
    kept |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=kept | environment, input=given, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 or not ok, done.stderr
    return done.stdout.rstrip("\n")


class Checkout:
    """A checkout of the branch `main`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, by: str = "Ann", given: str = "", ok: bool = True) -> str:
        return git(self.folder, *arguments, by=by, given=given, ok=ok)

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(self, files: Mapping[str, str], *, by: str = "Ann") -> str:
        """All that was changed, and `files`, as one commit; returns its name."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "-q", "-m", "a change", by=by)
        return self.git("rev-parse", "HEAD")

    def at(self, commit: str) -> datetime:
        return datetime.fromtimestamp(int(self.git("show", "-s", "--format=%ct", commit)), UTC)

    def files(self, under: str = ".") -> list[Path]:
        found = (self.folder / under).rglob("*")
        return sorted(path for path in found if path.is_file() and ".git" not in path.parts)


class Remote:
    """A bare repository, and a checkout that pushes to it."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "remote.git"
        self.bare.mkdir(parents=True)
        git(self.bare, "init", "-q", "--bare", "-b", "main")
        self.work = Checkout(folder / "work")
        self.work.git("remote", "add", "origin", str(self.bare))

    def push(self, files: Mapping[str, str], *, by: str = "Ann", branch: str = "main") -> str:
        """A new commit on the branch; returns its name."""
        commit = self.work.commit(files, by=by)
        self.work.git("push", "-q", "--force", "origin", f"HEAD:refs/heads/{branch}")
        return commit

    def rewrite(self, files: Mapping[str, str]) -> str:
        """The last commit is replaced by another one, as by `git push --force`."""
        self.work.write(files)
        self.work.git("add", "--all")
        self.work.git("commit", "-q", "--amend", "-m", "rewritten")
        self.work.git("push", "-q", "--force", "origin", "HEAD:refs/heads/main")
        return self.work.git("rev-parse", "HEAD")

    def delete(self, branch: str = "main") -> None:
        git(self.bare, "update-ref", "-d", f"refs/heads/{branch}")


class WebServer:
    """Serves a bare repository over HTTP with git's own backend, to those who know user and password.

    `login` None lets everybody in; `plain` serves the files alone, as any web server would.
    """

    def __init__(self, bare: Path, *, login: str | None = None, plain: bool = False) -> None:
        self.seen: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["Content-Length"])))

            def _answer(self, body: bytes) -> None:
                given = self.headers.get("Authorization", "")
                outer.seen.append(given)
                if login is not None and given != "Basic " + base64.b64encode(login.encode()).decode():
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="git"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                path, _, query = self.path.partition("?")
                if plain:
                    self._file(bare.parent / path.lstrip("/"))
                    return
                environment = os.environ | {
                    "GIT_PROJECT_ROOT": str(bare.parent), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
                    "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_ADDR": "127.0.0.1",
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                }  # fmt: skip
                done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True)
                head, _, content = done.stdout.partition(b"\r\n\r\n")
                fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
                self.send_response(int(fields.pop("Status", "200").split()[0]))
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def _file(self, path: Path) -> None:
                content = path.read_bytes() if path.is_file() else None
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, format: str, *values: object) -> None:
                """Nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class SilentServer:
    """Takes connections on 127.0.0.1 and says nothing; `asked` is set when the first one is there."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._peers: list[socket.socket] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def _listen(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            self._peers.append(peer)
            self.asked.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for peer in self._peers:
            peer.close()
