"""Specs that come back out of the ledger, where revisions keep them as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import SpecError
from .building import spec_of
from .checker import Checker
from .checks import Checks
from .connections import Connections
from .document import Document, Place
from .model import Spec


def spec_of_raw(raw: Mapping[str, Any], path: Path, checker: Checker, connections: Connections) -> Spec:
    """The spec that `raw` says, checked anew: the plugins and the connections may have changed since it was applied.

    `path` is where its file would be: references to files are resolved from there, and faults name it. Raises
    `SpecError` with all faults.
    """
    document = Document(str(path), dict(raw), values={(): Place(str(path), 1, 1)})
    faults = checker.spec(document)
    checks = Checks(checker, document, connections, faults)
    checks.run()
    if faults:
        raise SpecError(faults=tuple(dict.fromkeys(sorted(faults))))
    return spec_of(path, document, checks.identity)
