"""The work in dlt: with_dlt.py S1|S2 INPUT FOLDER, in an environment of its own.

Records in pieces of 10,000 through `add_map`, into files of JSON lines without compression. dlt adds two columns of its
own to each row and writes names in small letters. The rules of S2 are the map; email-validator sees every address.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "references"))
SCENARIO, SOURCE, FOLDER = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "DLT_DATA_DIR": str(FOLDER / "home"),
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
    "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
}

import dlt  # noqa: E402 - it reads the environment when it is imported
import orjson  # noqa: E402 - as above
from rules import COLUMNS, RENAME, judged, tidied  # noqa: E402 - the path comes first

PIECE = 10_000


def records() -> Iterator[list[dict[str, Any]]]:
    """Pieces of the input."""
    piece = []
    with SOURCE.open("rb", 1 << 20) as lines:
        for line in lines:
            piece.append(orjson.loads(line))
            if len(piece) == PIECE:
                yield piece
                piece = []
    if piece:
        yield piece


if __name__ == "__main__":
    shutil.rmtree(FOLDER, ignore_errors=True)
    columns = {RENAME.get(name, name): {"data_type": "text"} for name in COLUMNS}
    tables = {"table_name": lambda lead: "rejects" if "reason" in lead else "leads"} if SCENARIO == "S2" else {}
    resource = dlt.resource(records(), name="leads", columns=columns, **tables)
    resource.add_map(judged if SCENARIO == "S2" else tidied)
    target = dlt.destinations.filesystem(f"file://{FOLDER / 'out'}")
    pipeline = dlt.pipeline("bench", destination=target, dataset_name="d", pipelines_dir=str(FOLDER / "pipelines"))
    print(pipeline.run(resource, loader_file_format="jsonl", write_disposition="replace"))
