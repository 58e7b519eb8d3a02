"""What `syncline check` finds out about the sink, line by line, without changing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from syncline import Check, SynclineError

from .api import Api
from .codes import EMPTY
from .config import MarketingHubConfig
from .fields import labels, read_fields, unknown_field
from .lists import read_lists, resolve

PROBES = {"keep": (), "unsubscribe": ("listunsubscribe",), "do_not_mail": ("listunsubscribe",)}
"""Calls that need the scope UPDATE; the probe names no list, so whatever it is, it is refused."""


def check_lines(api: Api, config: MarketingHubConfig, mapped: Sequence[str]) -> Iterator[Check]:
    """The list, its people, the scopes, the fields, and the budget: one line each."""
    yield from _list(api, config)
    for endpoint, scope in (("listsubscribe", "CREATE"), *((each, "UPDATE") for each in PROBES[config.on_delete])):
        yield _tried(f"scope {scope}", partial(_probe, api, endpoint))
    yield from _fields(api, config, mapped)
    limit = api.limit("listsubscribe")
    yield Check(
        "call budget", True, f"{limit.calls} calls in {limit.window:g} s for each call, a small reserve left aside"
    )


def _list(api: Api, config: MarketingHubConfig) -> Iterator[Check]:
    try:
        target = resolve(read_lists(api), config.list)
    except SynclineError as error:
        yield _failed("list", error)
        return
    kind = "public: each new lead is mailed and has to confirm" if target.public else "private: leads are in at once"
    yield Check("list", True, f"{target.name!r} ({kind})")

    def read() -> str:
        params = {"listkey": target.key, "status": "active", "resfmt": "JSON", "fromindex": "1", "range": "1"}
        api.read("getleads", params, EMPTY)
        return "its leads can be read"

    yield _tried("leads", read)


def _probe(api: Api, endpoint: str) -> str:
    api.probe(endpoint)
    return "granted"


def _fields(api: Api, config: MarketingHubConfig, mapped: Sequence[str]) -> Iterator[Check]:
    try:
        fields = read_fields(api)
        known, unknown = labels(fields, mapped)
    except SynclineError as error:
        yield _failed("fields", error)
        return
    if known:
        yield Check("fields", True, f"{len(known)} of {len(mapped)} mapped fields are known")
    for name in unknown:
        if config.create_fields:
            yield Check(f"field {name!r}", True, "will be created before the first lead is sent")
        else:
            yield Check(f"field {name!r}", False, "MarketingHub does not have it", unknown_field(name, fields))


def _tried(subject: str, attempt: Callable[[], str]) -> Check:
    try:
        return Check(subject, True, attempt())
    except SynclineError as error:
        return _failed(subject, error)


def _failed(subject: str, error: SynclineError) -> Check:
    why = f" ({error.why})" if error.why else ""
    return Check(subject, False, f"{error.what}{why}", error.mend)
