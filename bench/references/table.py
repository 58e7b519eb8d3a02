"""The least that a table can do: table.py sqlite|postgresql URL INPUT, an upsert of clean leads by their address."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator

import msgspec
import psycopg

COLUMNS = (
    "lead_id", "first_name", "last_name", "email", "Phone", "Company", "Country", "Added_Time", "modified_at",
)  # fmt: skip
NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
SET = ", ".join(f'"{name}" = excluded."{name}"' for name in COLUMNS if name != "email")
TABLE = ", ".join(f'"{name}" text{" primary key" if name == "email" else ""}' for name in COLUMNS)
CONFLICT = f"ON CONFLICT (email) DO UPDATE SET {SET}"
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
BLOCK = 5000


def rows(path: str) -> Iterator[tuple[str, ...]]:
    """The leads, as they stand in the file."""
    decode = msgspec.json.Decoder(dict[str, str]).decode
    with open(path, "rb", 1 << 20) as file:  # noqa: PTH123 - the floor
        for line in file:
            yield tuple(decode(line).values())


def sqlite(url: str, path: str) -> None:
    """One prepared statement, one transaction."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.execute("PRAGMA cache_size = -200000")
    connection.execute(f"CREATE TABLE IF NOT EXISTS leads ({TABLE})")
    marks = ", ".join("?" * len(COLUMNS))
    connection.executemany(f"INSERT INTO leads ({NAMES}) VALUES ({marks}) {CONFLICT}", rows(path))
    connection.commit()


def postgresql(url: str, path: str) -> None:
    """COPY beside the table, then one statement."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS leads ({TABLE})")
        cursor.execute("CREATE TEMP TABLE stage (LIKE leads) ON COMMIT DROP")
        with cursor.copy(f"COPY stage ({NAMES}) FROM STDIN") as copy:
            block: list[str] = []
            for row in rows(path):
                text = "\t".join(row)
                block.append("\t".join(each.translate(ESCAPES) for each in row) if "\\" in text else text)
                if len(block) == BLOCK:
                    copy.write("\n".join(block) + "\n")
                    block = []
            if block:
                copy.write("\n".join(block) + "\n")
        cursor.execute(f"INSERT INTO leads ({NAMES}) SELECT {NAMES} FROM stage {CONFLICT}")


if __name__ == "__main__":
    {"sqlite": sqlite, "postgresql": postgresql}[sys.argv[1]](*sys.argv[2:])
