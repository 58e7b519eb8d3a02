"""The works that are compared, and who does each of them. The first contestant is the reference."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import checking
import psycopg
from measuring import Contestant

HERE = Path(__file__).parent
SYNCLINE = str(Path(sys.executable).with_name("syncline"))


@dataclass
class Place:
    """The folder of a benchmark: its data, what is written, and what is said."""

    work: Path
    count: int

    @property
    def data(self) -> Path:
        """The generated leads."""
        return self.work / f"data-{self.count}"

    @property
    def source(self) -> Path:
        """The leads as JSON lines."""
        return self.data / "leads.ndjson"

    def whole(self) -> bool:
        """Whether the data is there."""
        return (self.data / "whole").exists()

    def written(self) -> None:
        """The data is there."""
        (self.data / "whole").touch()

    def out(self, name: str) -> Path:
        """A file that is written."""
        folder = self.work / "out"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def peer(self, name: str) -> Path:
        """The interpreter of another tool's environment."""
        return self.work / "peers" / name / "bin" / "python"

    def log(self, scenario: str, name: str) -> Path:
        """What a contestant says."""
        folder = self.work / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{scenario}-{name.replace(' ', '-').replace('/', '-')}.log"


@dataclass
class Scenario:
    """One work; `bars` are the highest ratios to the reference, by contestant."""

    name: str
    title: str
    contestants: list[Contestant]
    bars: Mapping[str, float] = field(default_factory=dict)
    leads: Callable[[int], int] = lambda count: count


def spec(place: Place, name: str, *, settings: str = "", **paths: Path | str) -> Path:
    """A spec of the folder `specs`, with its paths filled in, in a folder of its own, with a ledger that is there."""
    folder = place.work / "specs" / "-".join([name, *re.findall(r"[a-z]+", settings)])
    folder.mkdir(parents=True, exist_ok=True)
    text = (HERE / "specs" / f"{name}.yaml").read_text()
    for key, path in paths.items():
        text = text.replace(f"{{{key}}}", str(path))
    (folder / f"{name}.yaml").write_text(text)
    (folder / "syncline.yaml").write_text(f"ledger: sqlite:///{folder}/ledger.db\n{settings}\n")
    return folder / f"{name}.yaml"


def syncline(name: str, path: Path, check: Callable[[], str]) -> Contestant:
    """Syncline with a spec; before each run its ledger is made anew, without a run in it."""

    def prepare() -> None:
        for file in path.parent.glob("ledger.db*"):
            file.unlink()
        subprocess.run([SYNCLINE, "apply", str(path.parent), "--yes"], check=True, capture_output=True)

    return Contestant(name, [SYNCLINE, "run", str(path), "--json"], check, prepare)


def python(name: str, script: str, *arguments: str | Path, check: Callable[[], str]) -> Contestant:
    """A reference."""
    return Contestant(name, [sys.executable, str(HERE / "references" / script), *map(str, arguments)], check)


def peers(place: Place, scenario: str) -> list[Contestant]:
    """The other tools that `make bench-peers` has installed."""
    found = []
    if (dlt := place.peer("dlt")).exists():
        folder = place.out(f"{scenario.lower()}-dlt")
        command = [str(dlt), str(HERE / "peers" / "with_dlt.py"), scenario, str(place.source), str(folder)]
        tables = ("leads", "rejects") if scenario == "S2" else ("leads",)
        found.append(Contestant("dlt", command, lambda: checking.of_folders(folder / "out" / "d", tables)))
    if (bytewax := place.peer("bytewax")).exists():
        kept, rejects = place.out(f"{scenario.lower()}-bytewax.ndjson"), place.out("s2-bytewax-rejects.ndjson")
        files = [kept, rejects] if scenario == "S2" else [kept]
        command = [str(bytewax), "-m", "bytewax.run", f"{HERE / 'peers' / 'with_bytewax.py'}:flow"]
        given = {"SCENARIO": scenario, "SOURCE": str(place.source), "TARGET": str(kept), "REJECTS": str(rejects)}
        found.append(Contestant("bytewax", command, lambda: checking.of_files(*files), environment=given))
    return found


def s1(place: Place) -> Scenario:
    """Rename and tidy."""

    def files(name: str) -> tuple[Path, Callable[[], str]]:
        path = place.out(f"s1-{name}.ndjson")
        return path, lambda: checking.of_files(path)

    columns, stream, rows, ours, brief = map(files, ("columns", "stream", "rows", "syncline", "brief"))
    plain = spec(place, "s1", source=place.source, target=ours[0])
    counts = spec(place, "s1", settings="retention: 0", source=place.source, target=brief[0])
    return Scenario(
        "S1",
        "NDJSON, five fields renamed, the address trimmed and in small letters, NDJSON",
        [
            python("reference: Polars", "columns.py", "S1", place.source, columns[0], check=columns[1]),
            python("reference: Polars, streaming", "columns.py", "S1-stream", place.source, stream[0], check=stream[1]),
            python("reference: msgspec rows", "rows.py", "S1", place.source, rows[0], check=rows[1]),
            syncline("Syncline", plain, ours[1]),
            syncline("Syncline, no row detail", counts, brief[1]),
            *peers(place, "S1"),
        ],
        {"Syncline": 3.0, "Syncline, no row detail": 2.0},
    )


def s2(place: Place) -> Scenario:
    """The same with rules."""

    def files(name: str) -> tuple[Path, Path, Callable[[], str]]:
        kept, rejects = place.out(f"s2-{name}.ndjson"), place.out(f"s2-{name}-rejects.ndjson")
        return kept, rejects, lambda: checking.of_files(kept, rejects)

    columns, rows, ours, brief = map(files, ("columns", "rows", "syncline", "brief"))
    plain = spec(place, "s2", source=place.source, target=ours[0], rejects=ours[1])
    counts = spec(place, "s2", settings="retention: 0", source=place.source, target=brief[0], rejects=brief[1])
    return Scenario(
        "S2",
        "S1, and four rules: empty, invalid, role, duplicate; the rejects with their reason in a second file",
        [
            python("reference: Polars", "columns.py", "S2", place.source, *columns[:2], check=columns[2]),
            python("reference: msgspec rows", "rows.py", "S2", place.source, *rows[:2], check=rows[2]),
            syncline("Syncline", plain, ours[2]),
            syncline("Syncline, no row detail", counts, brief[2]),
            *peers(place, "S2"),
        ],
        {"Syncline": 2.0, "Syncline, no row detail": 1.4},
    )


def kept(place: Place) -> Path:
    """The leads that S2 lets pass: what is put into tables."""
    path = place.data / "kept.ndjson"
    if not path.exists():
        script = [sys.executable, str(HERE / "references" / "columns.py"), "S2"]
        subprocess.run([*script, str(place.source), str(path), str(place.out("rejects.ndjson"))], check=True)
    return path


def _both(one: Callable[[], None], other: Callable[[], None]) -> None:
    one()
    other()


def s3_sqlite(place: Place, *, again: bool) -> Scenario:
    """Into an empty table of SQLite, or the same again."""
    both = [_into_sqlite(place, kept(place), who, again=again) for who in ("reference", "syncline")]
    title = f"clean leads into a table of SQLite by their address, {'the same again' if again else 'an empty one'}"
    return Scenario(f"S3-SQLite-{'again' if again else 'new'}", title, both, {both[1].name: 1.5})


def _into_sqlite(place: Place, source: Path, who: str, *, again: bool) -> Contestant:
    path = place.data / f"again-{who}.db" if again else place.out(f"s3-{who}.db")  # the same again is of these leads
    url = f"sqlite:///{path}"
    label = "again" if again else "new"

    def emptied() -> None:
        if not again:
            path.unlink(missing_ok=True)

    def check() -> str:
        connection = sqlite3.connect(path)
        try:
            return checking.of_table(connection.execute(f"SELECT {', '.join(checking.FIELDS)} FROM leads"))
        finally:
            connection.close()

    if who == "reference":
        one = python(f"reference: executemany, {label}", "table.py", "sqlite", url, source, check=check)
        one.prepare = emptied
        return one
    ours = syncline(f"Syncline, {label}", spec(place, "s3", settings=f"# {label}", source=source, url=url), check)
    own = ours.prepare
    ours.prepare = partial(_both, own, emptied)
    return ours


def s3_postgresql(place: Place, *, again: bool) -> Scenario:
    """The same into PostgreSQL, whose URL is in BENCH_POSTGRESQL."""
    server = os.environ["BENCH_POSTGRESQL"]
    both = [_into_postgresql(place, kept(place), server, who, again=again) for who in ("reference", "syncline")]
    title = f"the same into PostgreSQL, {'the same again' if again else 'an empty table'}"
    return Scenario(f"S3-PostgreSQL-{'again' if again else 'new'}", title, both, {both[1].name: 1.3})


def _into_postgresql(place: Place, source: Path, server: str, who: str, *, again: bool) -> Contestant:
    label = "again" if again else "new"
    schema = f"bench_{who}_{label}_{place.count}"
    url = f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{schema}"

    def emptied() -> None:
        with psycopg.connect(server, autocommit=True) as connection:
            if not again:
                connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")

    def check() -> str:
        with psycopg.connect(url) as connection:
            return checking.of_table(connection.execute(f"SELECT {', '.join(checking.NAMES)} FROM leads"))

    if who == "reference":
        one = python(f"reference: COPY, {label}", "table.py", "postgresql", url, source, check=check)
        one.prepare = emptied
        return one
    ours = syncline(f"Syncline, {label}", spec(place, "s3", settings=f"# pg {label}", source=source, url=url), check)
    own = ours.prepare
    ours.prepare = partial(_both, own, emptied)
    return ours


SCENARIOS: dict[str, Callable[[Place], Scenario]] = {
    "S1": s1,
    "S2": s2,
    "S3-SQLite-new": partial(s3_sqlite, again=False),
    "S3-SQLite-again": partial(s3_sqlite, again=True),
}
if "BENCH_POSTGRESQL" in os.environ:
    SCENARIOS["S3-PostgreSQL-new"] = partial(s3_postgresql, again=False)
    SCENARIOS["S3-PostgreSQL-again"] = partial(s3_postgresql, again=True)
