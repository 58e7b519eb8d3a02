"""Sinks: where leads go, who is there already, and what became of each lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ..batch import texts
from ..errors import Deactivate, Fatal, Lost, Retriable
from .config import C, Check, Choice, Field
from .connection import Plugin

if TYPE_CHECKING:
    import polars as pl


class Status(StrEnum):
    """What the other side says of a person."""

    ACTIVE = "active"
    UNSUBSCRIBED = "unsub"
    BOUNCED = "bounce"
    DO_NOT_MAIL = "do_not_mail"
    INVALID = "invalid_pattern"
    """The other side refused the address itself as not valid."""
    GROUP = "group_email"
    """The other side refused the address as a group's."""


@dataclass(frozen=True)
class Held:
    """What the ledger holds of one list's people of one status: how many, and when (UTC) it was last read."""

    count: int
    read: datetime | None
    whole: datetime | None
    """When it was last read as a whole."""


@dataclass(frozen=True)
class AudiencePart:
    """A part of the answer to `Sink.audience`: people of one `list` (its key) with one `status`.

    `people` has a column `address` (text) and any known fields, named as in the mapping, as text. `whole` on the last
    part of a (list, status) says that all of them were read: whoever is held and was not among them is gone.
    """

    list: str
    status: Status
    people: pl.DataFrame
    whole: bool = False


class ResultKind(StrEnum):
    """What became of one delivered lead."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    RETRYABLE = "retryable"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Result:
    """The answer for one lead. `code` is the other side's own code, as text; `message` one short clause without
    personal data. `ignored` names the ignore reason under which a refusal counts (DESIGN 5: 2004 invalid_pattern).
    `awaiting` marks an accepted lead that cannot be seen until the person confirms. `heals` marks a refusal that may
    pass though the lead stays as it is (the account was busy, a field is made meanwhile): it returns by itself, with
    back-off; so does RETRYABLE when all its attempts are spent. Any other refusal waits for `syncline retry`.
    `already`, of a sink that does not remember: an accepted lead was there before, and counts as a duplicate."""

    kind: ResultKind
    code: str = ""
    message: str = ""
    ignored: str | None = None
    awaiting: bool = False
    heals: bool = False
    already: Literal["", "updated", "unchanged"] = ""


ACCEPTED = Result(ResultKind.ACCEPTED)


class Sink(Plugin[C]):
    """Where leads go."""

    connections: ClassVar[tuple[str, ...]] = ()
    identity: ClassVar[tuple[str, ...]] = ()
    removals: ClassVar[tuple[str, ...]] = ()
    """Values of the config key `on_delete` by which `remove` takes out, the mildest first: `undo` chooses one."""
    key_field: str
    """The mapped field that identifies a person; mandatory in the mapping."""
    batch_size: int = 1
    """Most leads in one `deliver`."""
    concurrency: int = 1
    """Most `deliver` calls at once."""
    repeatable: bool = False
    """Sending a lead a second time changes nothing and tells nobody; may be decided in `prepare`."""

    def __init__(self, config: C, connection: Any = None) -> None:
        super().__init__(config)
        self.connection = connection

    @property
    def calls(self) -> int:
        """Requests made so far to the product's API, token requests apart."""
        return 0

    @property
    def target(self) -> str:
        """The key of the list that this sync fills; people of other lists are known too. May use the network."""
        return ""

    def check(self, mapped: Sequence[str]) -> Iterator[Check]:
        """Test that the target is there and takes the `mapped` fields."""
        yield from ()

    def fields(self) -> Sequence[Field] | None:
        """The fields that can be mapped to; None: any. May use the network."""
        return None

    @classmethod
    def choices(cls, key: str, given: Mapping[str, Any], connection: Any) -> Sequence[Choice] | None:
        """For `syncline init`: what the config `key` may be, read from the account of `connection`, best first.

        `given` holds the keys answered so far, in the order of the config. None: the key is not one to choose. A key
        without a default is asked for in any case, one with a default only if it has choices. May use the network.
        """
        return None

    @classmethod
    def known_fields(cls, config: C) -> Sequence[str] | None:
        """Field names known without network and secrets, for `validate`; None: any may exist."""
        return None

    @classmethod
    def address_field(cls, config: C) -> str:
        """The mapped field that identifies a person; override it where the config decides."""
        return cls.key_field

    def creates_fields(self) -> bool:
        """True: a mapped field that is not among `fields()` is made before the first `deliver`."""
        return False

    def prepare(self, mapped: Sequence[str]) -> None:
        """Once in a run, before `encode` and all that follows. Uses no network and writes nothing (see `provide`)."""

    def provide(self, mapped: Sequence[str]) -> None:
        """Once in a run, before the first `deliver`: create what is missing and may be created (fields)."""

    def provision(self, mapped: Sequence[str]) -> int:
        """How many calls that write `provide` would make, for `preview`: reads, raises as it would, writes nothing."""
        return 0

    def encode(self, frame: pl.DataFrame, mapped: Sequence[str]) -> pl.DataFrame:
        """The `mapped` columns as they will be sent, all text; null: not sent."""
        raise NotImplementedError(type(self).__name__)

    def traits(self) -> str:
        """What besides the fields makes a delivery differ (topics, source label): part of each fingerprint."""
        return ""

    def updates(self) -> bool:
        """False: a lead that is already in the target stays as it is there (`on_duplicate: skip`)."""
        return True

    def remembers(self) -> bool:
        """True: the sink is a place that keeps people, so the ledger remembers what was delivered (fingerprints)."""
        return True

    def audience(self, held: Mapping[tuple[str, Status], Held], sending: bool) -> Iterator[AudiencePart]:
        """Bring the snapshot up to date. `sending`: something is to be sent, so opt-outs must be read anew."""
        yield from ()

    def cost(self, leads: int) -> int:
        """Calls that delivering so many leads takes."""
        return -(-leads // self.batch_size)

    def cost_of_removal(self, leads: int) -> int:
        """Calls that taking so many people out takes, for `preview`."""
        return self.cost(leads)

    def estimate(self, calls: int) -> float:
        """Seconds that so many delivery calls take at least, by the call budget."""
        return 0.0

    def begin(self, run: str, *, resumed: bool, retry: bool) -> None:
        """Once in a run, after `prepare` and before anything is told to `kept_out`, `deliver` or `confirm`: its id.

        `resumed`: the run was broken off, and goes on. `retry`: some leads of an earlier run come again.
        """

    def end(self, *, whole: bool) -> None:
        """Once in a run that has begun, after all else. `whole`: everything was read, sent and is on record; else the
        run ended early. Not called after a crash: then the run goes on, by another process, with `begin`."""

    def keeps_out(self) -> bool:
        """True: the sink wants to be told of leads that are not sent to it (see `kept_out`)."""
        return False

    def kept_out(self, leads: pl.DataFrame) -> None:
        """Leads of one batch that were ignored, or rejected by the engine itself: the encoded mapped fields, and
        `#row`, `outcome`, `reason` and `detail`. Called in the order read, before the batch is on record: after a crash
        the same leads come again, first of all."""

    def reserve(self, leads: int) -> None:
        """Block until the account's budget allows a `deliver` of so many leads. The intent is recorded after this."""

    def deliver(self, leads: pl.DataFrame) -> Sequence[Result] | Result:
        """Send the encoded leads (columns: the mapped fields, `#key` and `#row`); one result per row, in order, or one
        `Result` that holds for all of them.

        Personal data goes into the body of a call: never into its address, a message or the log.

        Called after `reserve`. Raises `Fatal` or `Deactivate` when the run cannot go on, and `Retriable` when the same
        call may succeed later: with these three, nothing of this batch was carried out. Raises `Lost` when that is
        not known; whatever else is raised counts as a lost answer, too.
        """
        raise NotImplementedError(type(self).__name__)

    def confirm(self, leads: pl.DataFrame) -> Sequence[Result]:
        """Read back which of these leads arrived: ACCEPTED, RETRYABLE (surely not there) or UNKNOWN for each."""
        return [Result(ResultKind.UNKNOWN)] * leads.height

    def remove(self, leads: pl.DataFrame) -> Sequence[Result]:
        """Take people out (column `#key` and `#address`), as the config's `on_delete` says; one result per row."""
        return [Result(ResultKind.REFUSED, "unsupported", "this sink cannot remove people")] * leads.height

    def removal(self) -> str | None:
        """How people who left the source are removed (a reason code of `deleted`); None: they are kept."""
        return None

    def describe(self) -> dict[str, str]:
        """What `show` prints of the sink, in order: label → value."""
        return {}


class RowSink(Sink[C]):
    """The row-wise twin: send one lead. The column of the address is the config's or class's `key_field`."""

    def encode(self, frame: pl.DataFrame, mapped: Sequence[str]) -> pl.DataFrame:
        """All mapped columns as text."""
        return texts(frame, mapped)

    def row(self, lead: Mapping[str, str | None]) -> Result:
        """Send one lead and say what became of it."""
        raise NotImplementedError(type(self).__name__)

    def deliver(self, leads: pl.DataFrame) -> Sequence[Result]:
        """Send each lead by `row`, which raises what `Sink.deliver` may, of its one lead.

        When one lead of several ends the call (`Fatal`, `Deactivate`, `Retriable`), those before it keep their results,
        and it and the rest are asked for again: the error is raised by a call that carried nothing out.
        """
        own = [name for name in leads.columns if name.startswith("#")]
        results: list[Result] = []
        for lead in leads.drop(own).to_dicts():
            try:
                results.append(self.row(lead))
            except Lost:
                if leads.height == 1:
                    raise
                results.append(_LOST)
            except (Fatal, Deactivate, Retriable):
                if not results:
                    raise
                return results + [_NOT_SENT] * (leads.height - len(results))
        return results


_LOST = Result(ResultKind.UNKNOWN, "answer_lost", "sent, but the answer was lost")
_NOT_SENT = Result(ResultKind.RETRYABLE, "not_sent", "an earlier lead of the call could not be sent")
