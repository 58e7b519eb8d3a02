"""The options of the sink, as they stand in a spec."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta
from syncline import Config

URL = r"^(sqlite:///.+|postgres(ql)?://([^:@/]*@)?[^@]*)$"
"""Without a password: that is what a reference is for."""


class SqlConfig(Config, frozen=True, kw_only=True):
    """Which table, and what becomes of rows that are there."""

    url: Annotated[
        str,
        Meta(
            description="sqlite:///PATH (a relative one starts where the spec lies) or postgresql://…; one with a "
            "password is given as a reference, ${env:NAME} or ${file:PATH}.",
            extra_json_schema={"pattern": URL},
        ),
    ]
    table: Annotated[
        str,
        Meta(
            pattern=r"^[^.\x00]+(\.[^.\x00]+)?$",
            description="The table, or schema.table. It is made, with columns of text, if it is not there.",
        ),
    ]
    key: Annotated[str, Meta(description="The mapped field that holds the address: the key of the table.")] = "email"
    on_duplicate: Annotated[
        Literal["update", "skip"], Meta(description="Whether a row that is there is brought up to date, or left alone.")
    ] = "update"
