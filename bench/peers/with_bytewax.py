"""The work in bytewax: `python -m bytewax.run with_bytewax:flow` with SCENARIO, SOURCE, TARGET and REJECTS in the
environment, in an environment of its own. One worker; the addresses that were seen are a plain set.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "references"))

import bytewax.operators as op
from bytewax.connectors.files import FileSink, FileSource
from bytewax.dataflow import Dataflow
from rules import RENAME, ROLES, is_valid

encode = json.JSONEncoder(ensure_ascii=False).encode
seen: set[str] = set()


def tidied(line: str) -> dict[str, Any]:
    """S1."""
    lead = {RENAME.get(name, name): value for name, value in json.loads(line).items()}
    lead["email"] = (lead["email"] or "").strip().lower()
    return lead


def judged(lead: dict[str, Any]) -> dict[str, Any]:
    """S2."""
    email = lead["email"]
    if not email:
        lead["reason"] = "empty_email"
    elif not is_valid(email):
        lead["reason"] = "invalid_pattern"
    elif email.partition("@")[0] in ROLES:
        lead["reason"] = "group_email"
    elif email in seen:
        lead["reason"] = "file_duplicate"
    else:
        seen.add(email)
    return lead


def written(name: str, stream: Any, path: str) -> None:
    """Into a file of JSON lines."""
    lines = op.map(f"{name}_lines", stream, lambda lead: ("0", encode(lead)))
    op.output(name, lines, FileSink(Path(path)))


flow = Dataflow("leads")
leads = op.map("tidied", op.input("source", flow, FileSource(os.environ["SOURCE"], batch_size=1000)), tidied)
if os.environ["SCENARIO"] == "S2":
    split = op.branch("split", op.map("judged", leads, judged), lambda lead: "reason" not in lead)
    written("kept", split.trues, os.environ["TARGET"])
    written("rejects", split.falses, os.environ["REJECTS"])
else:
    written("kept", leads, os.environ["TARGET"])
