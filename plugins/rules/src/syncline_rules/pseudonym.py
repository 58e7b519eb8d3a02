"""The transform that puts a hash in the place of a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from syncline import Config, Secret, Transform, texts

from .fields import Names

if TYPE_CHECKING:
    import polars as pl


class HashConfig(Config, frozen=True, kw_only=True):
    """What is hashed, and how."""

    fields: Annotated[Names, msgspec.Meta(description="The mapped fields to change.")]
    algorithm: Annotated[Literal["sha256", "sha384", "sha512"], msgspec.Meta(description="The hash function.")] = (
        "sha256"
    )
    salt: Annotated[
        Secret | None,
        msgspec.Meta(description="A secret key (`${env:NAME}`); with it the hash is an HMAC, and guessing is in vain."),
    ] = None


class Hash(Transform[HashConfig]):
    """Puts a hash (hexadecimal) in the place of a value, so that records can be told apart but not read.

    Equal values have equal hashes; a missing value stays missing. Without `salt`, whoever knows an address can find
    its hash. Values are hashed as they are: `trim` and `lowercase` go before.
    """

    name = "hash"
    Config = HashConfig

    def needs(self) -> Sequence[str]:
        """The fields named."""
        return self.config.fields

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Hash the fields, each distinct value once."""
        frame = texts(frame, self.config.fields)
        return frame.with_columns(_hashed(frame[name], self._digest) for name in self.config.fields)

    def _digest(self, text: str) -> str:
        import hashlib
        import hmac

        data = text.encode("utf-8", "surrogatepass")
        if self.config.salt:
            return hmac.new(self.config.salt.encode(), data, self.config.algorithm).hexdigest()
        return hashlib.new(self.config.algorithm, data).hexdigest()


def _hashed(values: pl.Series, digest: Callable[[str], str]) -> pl.Series:
    import polars as pl

    distinct = values.drop_nulls().unique()
    hashes = pl.Series([digest(each) for each in distinct], dtype=pl.String)
    return values.replace_strict(distinct, hashes, default=None, return_dtype=pl.String)
