"""A server that means harm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hostile import Hostile


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    """A server that may answer anything."""
    with Hostile() as made:
        yield made
