"""What a sink says of the people whom its target holds, and what of it is true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest import SkipTest

from ..batch import ADDRESS, KEY, key_of
from ..errors import SynclineError
from ..plugin import AudiencePart, Sink, Status
from . import promises
from .delivering import Delivering
from .faults import LISTINGS, places


class Audience(Delivering):
    """A sink that is asked for its audience; see `SinkContract`."""

    def opt_out(self, address: str) -> None:
        """Do in the product what a person does to unsubscribe. Optional: without it no opt-out is checked."""
        raise SkipTest("`opt_out` is not there to unsubscribe somebody")

    def test_an_audience_that_says_it_is_whole_is_whole(self) -> None:
        """Everybody in the target, and nobody else, in parts of text columns."""
        sink = self.fresh()
        self.accepted(sink, self.leads(sink))
        self._hold(sink, self._listed(sink), "all was well")

    def test_a_broken_listing_is_never_whole(self) -> None:
        """Each fault on each call of the listing."""
        remote = self.network()
        sink = self.fresh()
        self.accepted(sink, self.leads(sink))
        before = self.calls()
        if not self._listed(sink):
            raise SkipTest("it shows no audience")
        several = self.calls() - before
        for fault in LISTINGS:
            for at in places(several) if fault not in self.excused else ():
                again = self.fresh()
                remote.play(fault, at)
                while_ = f"at call {at} of {several} {fault}"
                try:
                    parts = self._listed(again)
                except SynclineError as error:
                    self.sound(error, f"{while_} and the audience was read")
                    self.discreet([str(error)], list(self.people()))
                    continue
                except Exception as error:  # noqa: BLE001 - what it is, is told
                    self.sound(error, f"{while_} and the audience was read")
                self._hold(again, parts, while_)

    def test_an_opt_out_is_seen_before_anything_is_sent(self) -> None:
        """Somebody unsubscribes after the audience was read; before the next sending it is known."""
        sink = self.fresh()
        leads = self.leads(sink)
        self.accepted(sink, leads)
        self._listed(sink)
        self.opt_out(leads[ADDRESS][0])
        key = leads[KEY][0]
        said = [part.status for part in self._listed(self.fresh()) if key in map(key_of, part.people["address"])]
        out = bool(said) and said[-1] in (Status.UNSUBSCRIBED, Status.DO_NOT_MAIL)
        seen = f"somebody unsubscribed; the audience calls that person {said or 'unknown'}"
        self.promised(promises.OPT_OUTS, out, seen)

    def _listed(self, sink: Sink[Any]) -> list[AudiencePart]:
        return list(sink.audience({}, True))

    def _hold(self, sink: Sink[Any], parts: Sequence[AudiencePart], while_: str) -> None:
        import polars as pl

        seen: set[str] = set()
        whole = False
        for part in parts:
            right = isinstance(part, AudiencePart) and isinstance(part.status, Status)
            self.promised(promises.PARTS, right, f"{while_}; a part is {part!r}")
            texts = "address" in part.people.columns and all(kind == pl.String for kind in part.people.dtypes)
            self.promised(promises.PARTS, texts, f"{while_}; a part has the columns {part.people.schema}")
            if (part.list, part.status) == (sink.target, Status.ACTIVE):
                seen.update(key_of(each) for each in part.people["address"])
                whole |= part.whole
        held = {key_of(each) for each in self.active()}
        strange = f"{while_}; the audience holds {len(seen - held)} who are not in the target"
        self.promised(promises.WHOLE, seen <= held, strange)
        missing = f"{while_}; an audience that says it is whole lacks {len(held - seen)} of {len(held)}"
        self.promised(promises.WHOLE, not whole or held <= seen, missing)

    def active(self) -> Sequence[str]:
        """The addresses of `people` that a listing shows: all, unless some still have to confirm."""
        return list(self.people())
