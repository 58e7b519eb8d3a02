"""What `validate` found, in the forms that forges read: each finding at its file and line.

The paths are those of the repository that holds the files, with forward slashes, wherever the command was started.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["fault", "test", "note"]

KINDS: Mapping[Kind, str] = {
    "fault": "A fault of a spec, or of a file beside it.",
    "test": "A test of a spec that failed.",
    "note": "The tests of a spec did not run.",
}
_SEVERITY = {"error": "major", "warning": "minor"}
"""Our levels in GitLab's words; `critical` and `blocker` are left to code that runs."""


@dataclass(frozen=True)
class Annotation:
    """One finding at a 1-based place of a file. `subject` is what it is about: a dotted key, or the name of a test."""

    kind: Kind
    file: str
    line: int
    column: int
    subject: str
    message: str

    @property
    def level(self) -> str:
        """`error`, or `warning` for what does not fail the command."""
        return "warning" if self.kind == "note" else "error"

    @property
    def title(self) -> str:
        """A few words to stand above the message."""
        return f"Syncline: {self.subject}" if self.subject else "Syncline"

    @property
    def text(self) -> str:
        """The message with its place before it, for a log where the place would not show."""
        about = f"{self.subject}: " if self.subject and self.kind == "fault" else ""
        return f"{self.file}:{self.line}:{self.column}: {about}{self.message}"


def in_repository(file: str) -> str:
    """The path as the repository has it; outside of one as seen from the current folder, else whole."""
    path = Path(os.path.abspath(file))  # noqa: PTH100 - resolve() would follow links, and forges do not
    roots = [each for each in path.parents if (each / ".git").exists()]
    for root in (*roots[:1], Path.cwd()):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return path.as_posix()


# ------------------------------------------------------------------------------------------------------- lines


def github(found: Iterable[Annotation]) -> Iterator[str]:
    """Workflow commands, as GitHub Actions reads them (and Forgejo's and Gitea's log shows them)."""
    for each in found:
        place = f"file={_property(each.file)},line={each.line},col={each.column},title={_property(each.title)}"
        yield f"::{each.level} {place}::{_data(each.text)}"


def _data(text: str) -> str:
    """Escaped as in @actions/core, so that a message can neither end its command nor start another."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def azure(found: Iterable[Annotation]) -> Iterator[str]:
    """Logging commands, as Azure Pipelines reads them."""
    for each in found:
        place = f"sourcepath={_azure_property(each.file)};linenumber={each.line};columnnumber={each.column}"
        code = _azure_property(f"syncline/{each.kind}")
        yield f"##vso[task.logissue type={each.level};{place};code={code}]{_azure_data(each.text)}"


def _azure_data(text: str) -> str:
    """Escaped as in azure-pipelines-task-lib: there a percent sign has a name of its own."""
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _azure_property(text: str) -> str:
    return _azure_data(text).replace("]", "%5D").replace(";", "%3B")


# --------------------------------------------------------------------------------------------------- documents


def gitlab(found: Sequence[Annotation]) -> list[Json]:
    """A Code Quality report, as GitLab reads it."""
    return [
        {
            "description": f"{each.subject}: {each.message}" if each.subject else each.message,
            "check_name": f"syncline/{each.kind}",
            "fingerprint": fingerprint,
            "severity": _SEVERITY[each.level],
            "location": {"path": each.file, "lines": {"begin": each.line}},
        }
        for each, fingerprint in zip(found, _fingerprints(found), strict=True)
    ]


def sarif(found: Sequence[Annotation], version: str) -> Json:
    """A SARIF 2.1.0 log (OASIS), as GitHub's code scanning, Azure DevOps and Jenkins read it."""
    names = list(KINDS)
    rules = [{"id": name, "shortDescription": {"text": text}} for name, text in KINDS.items()]
    results = [
        {
            "ruleId": each.kind,
            "ruleIndex": names.index(each.kind),
            "level": each.level,
            "message": {"text": f"{each.subject}: {each.message}" if each.subject else each.message},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": _uri(each.file)},
                        "region": {"startLine": each.line, "startColumn": each.column},
                    }
                }
            ],
            "partialFingerprints": {"syncline/v1": fingerprint},
        }
        for each, fingerprint in zip(found, _fingerprints(found), strict=True)
    ]
    driver = {"name": "Syncline", "semanticVersion": version, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _uri(file: str) -> str:
    from urllib.parse import quote

    return f"file://{quote(file)}" if file.startswith("/") else quote(file)


def _fingerprints(found: Iterable[Annotation]) -> Iterator[str]:
    """What tells findings apart and stays when lines move: equal ones of a file are numbered."""
    seen: Counter[tuple[str, ...]] = Counter()
    for each in found:
        what = (each.kind, each.file, each.subject, each.message)
        seen[what] += 1
        yield hashlib.sha256("\0".join((*what, str(seen[what]))).encode()).hexdigest()
