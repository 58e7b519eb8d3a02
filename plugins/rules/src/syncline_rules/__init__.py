"""The transforms and ignore rules that come with Syncline, offered through the same door as a stranger's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncline import Rule, Transform, hookimpl

from .address import EmptyEmail, InvalidPattern
from .duplicate import FileDuplicate
from .group import GroupEmail
from .status import Bounced, DoNotMail
from .text import Lowercase, Trim, Uppercase


@hookimpl
def syncline_transforms() -> Sequence[type[Transform[Any]]]:
    """The transforms, in the order in which the README explains them."""
    return [Trim, Lowercase, Uppercase]


@hookimpl
def syncline_rules() -> Sequence[type[Rule[Any]]]:
    """The six default rules in their order (DESIGN 6)."""
    return [EmptyEmail, InvalidPattern, GroupEmail, FileDuplicate, DoNotMail, Bounced]
