"""The work in bytewax: `python -m bytewax.run with_bytewax:flow` with SCENARIO, SOURCE, TARGET and REJECTS in the
environment, in an environment of its own. One worker.
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
from rules import judged, tidied

encode = json.JSONEncoder(ensure_ascii=False).encode


def written(name: str, stream: Any, path: str) -> None:
    """Into a file of JSON lines."""
    lines = op.map(f"{name}_lines", stream, lambda lead: ("0", encode(lead)))
    op.output(name, lines, FileSink(Path(path)))


flow = Dataflow("leads")
records = op.map("records", op.input("source", flow, FileSource(os.environ["SOURCE"], batch_size=1000)), json.loads)
if os.environ["SCENARIO"] == "S2":
    split = op.branch("split", op.map("judged", records, judged), lambda lead: "reason" not in lead)
    written("kept", split.trues, os.environ["TARGET"])
    written("rejects", split.falses, os.environ["REJECTS"])
else:
    written("kept", op.map("tidied", records, tidied), os.environ["TARGET"])
