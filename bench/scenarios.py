"""The works that are compared, and who does each of them. The first contestant is the reference."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import checking
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


def spec(place: Place, name: str, *, settings: str = "", **paths: Path) -> Path:
    """A spec of the folder `specs`, with its paths filled in, in a folder of its own, with a ledger that is there."""
    folder = place.work / "specs" / (name + ("-" + settings.partition(":")[0] if settings else ""))
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


def s1(place: Place) -> Scenario:
    """Rename and tidy."""

    def files(name: str) -> tuple[Path, Callable[[], str]]:
        path = place.out(f"s1-{name}.ndjson")
        return path, lambda: checking.of_files(path)

    columns, stream, rows, ours = map(files, ("columns", "stream", "rows", "syncline"))
    plain = spec(place, "s1", source=place.source, target=ours[0])
    return Scenario(
        "S1",
        "NDJSON, five fields renamed, the address trimmed and in small letters, NDJSON",
        [
            python("reference: Polars", "columns.py", "S1", place.source, columns[0], check=columns[1]),
            python("reference: Polars, streaming", "columns.py", "S1-stream", place.source, stream[0], check=stream[1]),
            python("reference: msgspec rows", "rows.py", "S1", place.source, rows[0], check=rows[1]),
            syncline("Syncline", plain, ours[1]),
        ],
        {"Syncline": 3.0},
    )


def s2(place: Place) -> Scenario:
    """The same with rules."""

    def files(name: str) -> tuple[Path, Path, Callable[[], str]]:
        kept, rejects = place.out(f"s2-{name}.ndjson"), place.out(f"s2-{name}-rejects.ndjson")
        return kept, rejects, lambda: checking.of_files(kept, rejects)

    columns, rows, ours = map(files, ("columns", "rows", "syncline"))
    plain = spec(place, "s2", source=place.source, target=ours[0], rejects=ours[1])
    return Scenario(
        "S2",
        "S1, and four rules: empty, invalid, role, duplicate; the rejects with their reason in a second file",
        [
            python("reference: Polars", "columns.py", "S2", place.source, *columns[:2], check=columns[2]),
            python("reference: msgspec rows", "rows.py", "S2", place.source, *rows[:2], check=rows[2]),
            syncline("Syncline", plain, ours[2]),
        ],
        {"Syncline": 2.0},
    )


SCENARIOS: dict[str, Callable[[Place], Scenario]] = {"S1": s1, "S2": s2}
