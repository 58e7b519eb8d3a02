"""The transform that writes names of people in title case."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from syncline import Transform

from .fields import NamedFields, changed

if TYPE_CHECKING:
    import polars as pl

_PARTICLES = """
af al av bin da de degli dei del della den der des di do dos du el ibn la las le los ten ter van vom von y zu zum zur
"""
PARTICLES = frozenset(_PARTICLES.split())
"""Words inside a name that keep small letters: Ludwig van Beethoven, Maria da Silva."""

_SIMPLE = r"^[A-Za-zÀ-ÖØ-öø-ÿ \-]*$"
_LETTERS = "(?:[^\\W\\d_][\u0300-\u036f]*)+"
_WORDS = re.compile(f"{_LETTERS}(?:['’ʼ]{_LETTERS})*")
_SPECIAL = rf"(?i)\b(?:mc\p{{L}}{{3,}}|{'|'.join(sorted(PARTICLES))})\b"
_ELISION = re.compile(r"(?i)^([dlo])(['’ʼ])(\w{2,})$")
_MC = re.compile(r"(?i)^mc(\w{3,})$")


class TitleCase(Transform[NamedFields]):
    """Writes names of people with capitals: `anne-marie O'BRIEN` becomes `Anne-Marie O'Brien`, `MCDONALD` `McDonald`.

    A word that somebody wrote with care stays as it is (`DiCaprio`, `McDonald`); a particle between two names is small
    (`Ludwig van Beethoven`). Only words in one letter case, or with the shift key reversed (`aNNA`), change.
    """

    name = "title_case"
    Config = NamedFields

    def needs(self) -> Sequence[str]:
        """The fields named."""
        return self.config.fields

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Title-case the fields: the plain majority at once, of the rest each distinct value once."""
        return changed(frame, self.config.fields, _title)


def _title(text: pl.Expr) -> pl.Expr:
    import polars as pl

    return text.map_batches(_titled, return_dtype=pl.String)


def _titled(texts: pl.Series) -> pl.Series:
    import polars as pl

    frame = texts.alias("text").to_frame().with_columns(title=pl.col("text").str.to_titlecase())
    text = pl.col("text")
    one_case = (text == text.str.to_lowercase()) | (text == text.str.to_uppercase()) | (text == pl.col("title"))
    special = text.str.contains(_SPECIAL) | ~text.str.contains(_SIMPLE) | ~one_case
    odd = frame.filter(special)["text"].unique()
    if odd.is_empty():
        return frame["title"].alias(texts.name)
    mended = pl.DataFrame({"text": odd, "mended": [title(each) for each in odd]})
    joined = frame.join(mended, on="text", how="left", maintain_order="left")
    return joined.select(pl.coalesce("mended", "title").alias(texts.name)).to_series()


def title(text: str) -> str:
    """One name in title case."""
    words = list(_WORDS.finditer(text))
    parts: list[str] = []
    end = 0
    for n, word in enumerate(words):
        parts += [text[end : word.start()], _word(word[0], inner=0 < n < len(words) - 1)]
        end = word.end()
    return "".join(parts) + text[end:]


def _word(word: str, *, inner: bool) -> str:
    if inner and word.lower() in PARTICLES and word in (word.lower(), word.upper()):
        return word.lower()
    if word not in (word.lower(), word.upper()) and not (word[0].islower() and word[1:] == word[1:].upper()):
        return word
    if elided := _ELISION.match(word):
        return elided[1].upper() + elided[2] + _capital(elided[3])
    if scottish := _MC.match(word):
        return "Mc" + _capital(scottish[1])
    return _capital(word)


def _capital(word: str) -> str:
    return word[:1].title() + word[1:].lower()
