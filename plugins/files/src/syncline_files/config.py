"""The options of the sources and of the sink, as they stand in a spec."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from syncline import Config

Kind = Literal["text", "integer", "number", "boolean"]
Path = Annotated[str, Meta(min_length=1, description="The file; a relative path starts where the spec lies.")]
Id = Annotated[
    str | None,
    Meta(description="The field that tells a record from all others: `leads` and `explain` name records by it."),
]


class NdjsonConfig(Config, frozen=True, kw_only=True):
    """Which file of JSON lines, and which of its fields are no text."""

    path: Path
    id: Id = None
    types: Annotated[
        dict[str, Kind | Literal["list"]],
        Meta(description="Fields that are no text: `Age: integer`. All others are text, whatever they hold."),
    ] = msgspec.field(default_factory=dict)


class CsvConfig(Config, frozen=True, kw_only=True):
    """Which file, and how its lines are written."""

    path: Path
    id: Id = None
    types: Annotated[
        dict[str, Kind], Meta(description="Fields that are no text: `Age: integer`. All others are text.")
    ] = msgspec.field(default_factory=dict)
    delimiter: Annotated[
        str, Meta(min_length=1, max_length=1, pattern=r"^[\x01-\x7f]$", description='What parts the fields: `";"`.')
    ] = ","
    quote: Annotated[
        str,
        Meta(max_length=1, pattern=r"^[\x01-\x7f]?$", description="What stands around a field; empty: nothing does."),
    ] = '"'
    header: Annotated[
        bool | tuple[str, ...],
        Meta(description="true: the first line names the fields. A list names them where no line does."),
    ] = True
    skip_lines: Annotated[int, Meta(ge=0, description="Lines before the header (or the first record).")] = 0
    nulls: Annotated[
        tuple[str, ...], Meta(description="Texts that mean that there is no value, besides the empty one.")
    ] = ()
    encoding: Annotated[
        str, Meta(description="How the letters are written: utf-8 (with or without a BOM), cp1252, utf-16, …")
    ] = "utf-8"

    def __post_init__(self) -> None:
        """Raises `ValueError` for what cannot be."""
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            raise ValueError(f"encoding: {self.encoding!r} is not known; say utf-8, cp1252, utf-16, …") from None
        if self.delimiter == self.quote or "\n" in (self.delimiter, self.quote):
            raise ValueError("delimiter: must differ from quote, and neither can be the end of a line")
        if self.header is False:
            raise ValueError("header: name the fields: `header: [Email, Name]`")


class NdjsonSinkConfig(Config, frozen=True, kw_only=True):
    """Where the leads go, and whether the file is written anew."""

    path: Path
    rejects: Annotated[
        str | None, Meta(description="A second file: the leads that a rule kept out, each with `reason`.")
    ] = None
    write: Annotated[
        Literal["replace", "append"],
        Meta(description="replace: each run makes the file anew, at its end and at once. append: leads are added."),
    ] = "replace"
    key: Annotated[str, Meta(description="The mapped field that holds the address.")] = "email"
    """The default is what most files call it."""
