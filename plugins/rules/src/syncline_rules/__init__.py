"""The transforms and ignore rules that come with Syncline, offered through the same door as a stranger's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncline import Rule, Transform, hookimpl

from .address import EmptyEmail, InvalidPattern
from .condition import Required, SqlRule
from .dates import ParseDate
from .domain import Disposable, Domain
from .duplicate import FileDuplicate
from .group import GroupEmail
from .names import TitleCase
from .phone import FormatPhone
from .pseudonym import Hash
from .reshape import Concat, MapValues, Split
from .status import Bounced, DoNotMail
from .text import Lowercase, Replace, Trim, Uppercase


@hookimpl
def syncline_transforms() -> Sequence[type[Transform[Any]]]:
    """The transforms, in the order in which the README explains them."""
    return [Trim, Lowercase, Uppercase, TitleCase, Replace, MapValues, Concat, Split, ParseDate, FormatPhone, Hash]


@hookimpl
def syncline_rules() -> Sequence[type[Rule[Any]]]:
    """The six default rules in their order (DESIGN 6), then those that a spec names."""
    defaults: list[type[Rule[Any]]] = [EmptyEmail, InvalidPattern, GroupEmail, FileDuplicate, DoNotMail, Bounced]
    return [*defaults, SqlRule, Required, Domain, Disposable]
