"""Typed configs, and the plain values that describe fields and checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    pass


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all configs. Field types, defaults and `msgspec.Meta` descriptions become the JSON Schema."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


C = TypeVar("C", bound=Config)


@dataclass(frozen=True)
class Field:
    """A field of a source or a sink: its `name` as used in a mapping, and what is known of it."""

    name: str
    label: str = ""
    type: str = "text"
    required: bool = False
    choices: tuple[str, ...] = ()
    max_length: int | None = None


@dataclass(frozen=True)
class Choice:
    """One value that a config key may take: the `value` as it stands in a spec, the `label` that people know it by,
    and a `detail` that helps to choose. `proposed`: the one to take unless somebody knows better."""

    value: str
    label: str = ""
    detail: str = ""
    proposed: bool = False


@dataclass(frozen=True)
class Check:
    """One line of `syncline check`: the `subject` tested, whether it is `ok`, what was found, and the `mend`."""

    subject: str
    ok: bool
    found: str
    mend: str = ""
