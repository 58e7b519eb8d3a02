"""What a spec may say below `sink:` with `type: marketinghub`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta
from syncline import Config

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

Name = Annotated[str, Meta(min_length=1)]
Topic = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+$")]
Duration = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,4}[mhd]$", examples=["12h", "7d"])]


def duration(text: str) -> timedelta:
    """`30m`, `12h` or `7d` as a span of time."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


class MarketingHubConfig(Config, frozen=True, kw_only=True):
    """The options of the sink."""

    list: Annotated[Name, Meta(description="The mailing list to fill: its name, or its list key.")]
    on_duplicate: Annotated[
        Literal["update", "skip"],
        Meta(description="A lead that is already in the list: update its fields, or leave it as it is there."),
    ] = "update"
    on_delete: Annotated[
        Literal["keep", "unsubscribe", "do_not_mail"],
        Meta(
            description="A lead that left the source: keep it, unsubscribe it from the list (the person is told by"
            " mail), or move it to the do-not-mail registry of the whole organisation (no way back by API)."
        ),
    ] = "keep"
    empty_values: Annotated[
        Literal["keep", "clear"],
        Meta(description="A field that is empty in the source: keep the value of the target, or clear it."),
    ] = "keep"
    topics: Annotated[tuple[Topic, ...], Meta(description="IDs of the topics that the leads are subscribed to.")] = ()
    source: Annotated[Name | None, Meta(description="The lead source that MarketingHub shows for these leads.")] = None
    create_fields: Annotated[
        bool, Meta(description="Create mapped fields that MarketingHub does not have, as custom text fields.")
    ] = False
    known_in: Annotated[
        Literal["account", "list"],
        Meta(
            description="Where a lead counts as known, and where opt-outs are looked for: all lists of the account, or"
            " only this one (fewer calls for accounts with many lists)."
        ),
    ] = "account"
    audience_refresh: Annotated[
        Duration, Meta(description="After this time the active leads are read as a whole again: 30m, 12h, 7d.")
    ] = "7d"
    audience_check: Annotated[
        Literal["every_run", "when_sending"],
        Meta(
            description="When to compare what is known with MarketingHub: in every run (one call when nothing changed),"
            " or only when something is to be sent."
        ),
    ] = "every_run"
    page_size: Annotated[
        Annotated[int, Meta(ge=1, le=1000)],
        Meta(description="Leads per page when lists are read; 100 is what is known to work."),
    ] = 100
