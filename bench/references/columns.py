"""The least that columns can do: columns.py S1|S1-stream|S2 INPUT OUTPUT [REJECTS], with Polars, all in memory.

No ledger, no history, no cursor: what is written here is the floor, and no product.
"""

from __future__ import annotations

import sys

import polars as pl
from rules import COLUMNS, FAST, RENAME, ROLES, SPECIAL, is_valid

scenario, source, target = sys.argv[1:4]
schema = dict.fromkeys(COLUMNS, pl.String)
address = pl.col("email").fill_null("").str.strip_chars().str.to_lowercase()
leads = pl.scan_ndjson(source, schema=schema).rename(RENAME).with_columns(email=address)
if scenario == "S1":
    leads.collect().write_ndjson(target)
elif scenario == "S1-stream":
    leads.sink_ndjson(target)
else:
    frame = leads.collect()
    email = pl.col("email")
    plain = email.str.contains(FAST) & (email.str.len_bytes() <= 100) & (email.str.find("@", literal=True) <= 64)
    for ending in SPECIAL:
        plain = plain & ~email.str.ends_with(ending)
    frame = frame.with_row_index("row").with_columns(plain=plain)
    odd = frame.filter(~pl.col("plain") & (email != ""))["email"].unique()
    sound = pl.Series([each for each in odd if is_valid(each)], dtype=pl.String)
    role = email.str.split_exact("@", 1).struct.field("field_0").is_in(list(ROLES))
    first = (
        pl.when(email == "").then(pl.lit("empty_email"))
        .when(~(pl.col("plain") | email.is_in(sound.implode()))).then(pl.lit("invalid_pattern"))
        .when(role).then(pl.lit("group_email"))
    )  # fmt: skip
    again = pl.col("reason").is_null() & (pl.col("row") != pl.col("row").min().over("email"))
    frame = frame.with_columns(reason=first)
    frame = frame.with_columns(reason=pl.when(again).then(pl.lit("file_duplicate")).otherwise(pl.col("reason")))
    frame = frame.drop("row", "plain")
    frame.filter(pl.col("reason").is_null()).drop("reason").write_ndjson(target)
    frame.filter(pl.col("reason").is_not_null()).write_ndjson(sys.argv[4])
