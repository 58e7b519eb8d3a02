"""The settings of the source `creator`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from syncline import Config
from syncline_zoho import seconds

LinkName = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^/?#\s]+(?!\n)$")]
UNLIMITED = "unlimited"
MOST_LOOKBACK = 30 * 86_400


class CreatorConfig(Config, frozen=True):
    """Which report, and which of its records."""

    owner: Annotated[LinkName, msgspec.Meta(description="the account owner's name, as in Creator's addresses")]
    application: Annotated[LinkName, msgspec.Meta(description="link name of the application")]
    report: Annotated[LinkName, msgspec.Meta(description="link name of the report")]
    criteria: Annotated[
        str | None, msgspec.Meta(description="evaluated by Creator, such as 'Status == \"Confirmed\"'")
    ] = None
    lookback: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^(unlimited|[1-9][0-9]{0,6}[smhd])(?!\n)$",
            description="how far `all` reaches back before the creation of the sync: up to 30d, or unlimited",
        ),
    ] = "30d"
    form: (
        Annotated[LinkName, msgspec.Meta(description="link name of the report's form: gives the fields' types")] | None
    ) = None
    environment: Annotated[Literal["development", "stage"] | None, msgspec.Meta(description="omitted: production")] = (
        None
    )

    def __post_init__(self) -> None:
        if self.lookback != UNLIMITED and seconds(self.lookback) > MOST_LOOKBACK:
            raise ValueError("lookback may be 30d at most (30 days before the creation of the sync), or unlimited")
