"""What a plugin is: Connection, Source, Transform, Rule, Sink, and their row-wise twins.

A plugin class has a `name` (as in the YAML), a typed `Config` (its JSON Schema is derived from it) and a docstring
whose first paragraph is shown to users and, for sources and sinks, states the delivery guarantee.
All methods are called from worker threads; one instance serves one run.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import msgspec

from .batch import frame_of, texts
from .budget import Budgets
from .secrets import Redactor

if TYPE_CHECKING:
    import polars as pl


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
class Check:
    """One line of `syncline check`: the `subject` tested, whether it is `ok`, what was found, and the `mend`."""

    subject: str
    ok: bool
    found: str
    mend: str = ""


@dataclass(frozen=True)
class Runtime:
    """What the process lends to a connection. `cache` is a folder private to the user (0700)."""

    budgets: Budgets
    redactor: Redactor
    cache: Path
    state: Path
    """A folder beside the ledger, for what must stay with it (the embedded sandbox keeps its state there)."""
    stop: threading.Event = field(default_factory=threading.Event)


class Plugin(Generic[C]):
    """Common to all kinds."""

    name: ClassVar[str]
    Config: ClassVar[type[Config]] = Config

    def __init__(self, config: C) -> None:
        self.config = config


class Connection(Plugin[C]):
    """Credentials, HTTP clients and call budgets of one remote account, shared by all who name it."""

    def __init__(self, config: C, runtime: Runtime) -> None:
        super().__init__(config)
        self.runtime = runtime

    @property
    def account(self) -> str:
        """A stable text that is equal exactly for connections to the same remote account; without secrets."""
        return self.name

    def check(self) -> Iterator[Check]:
        """Test the credentials."""
        yield from ()

    def close(self) -> None:
        """Let go of sockets and processes."""


# ---------------------------------------------------------------------------------------------------- sources


@dataclass(frozen=True)
class Window:
    """What one run retrieves. Times are aware, in UTC.

    `fields` are the source fields the mapping needs (dotted parts included; empty: all). `after` is the moment of
    `retrieve: {after: …}`. `watermark` is what the last complete read of this sync returned in its `End`, given for
    `since_last_fetch` only. `created` is the moment the sync was created, `now` the start of the run.
    """

    created: datetime
    now: datetime
    fields: tuple[str, ...] = ()
    after: datetime | None = None
    watermark: str | None = None


@dataclass(frozen=True)
class Partition:
    """A part of a window that can be read on its own. `id` is unique in the window; all fields are plain data."""

    id: str
    window: Window
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """Some records, and the `cursor` from which a later `read` goes on after them (None: only from the start).

    `rows` is a frame (struct columns are flattened to dotted ones by the engine) or a list of dicts.
    """

    rows: pl.DataFrame | Sequence[Mapping[str, Any]]
    cursor: str | None = None


class Ending(StrEnum):
    """How a read ended. Only the first two may ever lead to a removal."""

    COMPLETE = "complete"
    CONFIRMED_EMPTY = "confirmed_empty"
    STOPPED_EARLY = "stopped_early"


@dataclass(frozen=True)
class End:
    """The return value of every `read`; `watermark` is handed to the next `since_last_fetch` window."""

    ending: Ending
    watermark: str | None = None


Pages = Generator[Page, None, End]


class Source(Plugin[C]):
    """Where records come from."""

    connections: ClassVar[tuple[str, ...]] = ()
    """Connection types that `connection:` may name; empty: the source takes no connection."""
    identity: ClassVar[tuple[str, ...]] = ()
    """Config keys that make another sync when they change (DESIGN 8)."""
    id_field: ClassVar[str | None] = None
    """The column that holds the record's ID."""

    def __init__(self, config: C, connection: Any = None) -> None:
        super().__init__(config)
        self.connection = connection

    @property
    def calls(self) -> int:
        """Requests made so far to the product's API, token requests apart."""
        return 0

    def check(self, needed: Sequence[str]) -> Iterator[Check]:
        """Test that the source is there and shows the `needed` fields."""
        yield from ()

    def fields(self) -> Sequence[Field] | None:
        """The fields that can be mapped; None when unknown until data is read. May use the network."""
        return None

    @classmethod
    def known_fields(cls, config: C) -> Sequence[str] | None:
        """Field names known without network and secrets, for `validate`; None: not known."""
        return None

    def partitions(self, window: Window) -> Sequence[Partition]:
        """The parts to read; one, unless the source can be read side by side."""
        return [Partition("all", window)]

    def read(self, partition: Partition, since: str | None) -> Pages:
        """Yield pages from the cursor `since` on (None: from the start) and return how the read ended."""
        raise NotImplementedError(type(self).__name__)

    def fetch_one(self, id: str) -> Mapping[str, Any] | None:
        """One record by its ID, or None when there is none; for `explain`. Optional."""
        return None

    def zone(self) -> str | None:
        """The IANA zone in which people read this source's times; the default of `schedule.timezone`."""
        return None

    def describe(self) -> dict[str, str]:
        """What `show` prints of the source, in order: label → value."""
        return {}


class RowSource(Source[C]):
    """The row-wise twin: `rows` yields dicts; the engine pages them. A read that ends normally is complete."""

    page_rows: ClassVar[int] = 1000

    def rows(self, window: Window) -> Iterable[Mapping[str, Any]]:
        """All records of the window."""
        raise NotImplementedError(type(self).__name__)

    def read(self, partition: Partition, since: str | None) -> Pages:
        """Page what `rows` yields."""
        page: list[Mapping[str, Any]] = []
        for row in self.rows(partition.window):
            page.append(row)
            if len(page) >= self.page_rows:
                yield Page(page)
                page = []
        if page:
            yield Page(page)
        return End(Ending.COMPLETE)


# ------------------------------------------------------------------------------------------------- transforms


class Transform(Plugin[C]):
    """Changes mapped fields. Columns whose name starts with `#` belong to the engine and must stay as they are."""

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with the same rows in the same order."""
        raise NotImplementedError(type(self).__name__)

    def needs(self) -> Sequence[str]:
        """The mapped fields this transform names, so that a misspelt one is a fault."""
        return ()

    def adds(self) -> Sequence[str]:
        """Fields that it adds beyond the mapped ones."""
        return ()


class RowTransform(Transform[C]):
    """The row-wise twin: one dict in, one dict out."""

    def row(self, lead: dict[str, Any]) -> dict[str, Any]:
        """The changed lead."""
        raise NotImplementedError(type(self).__name__)

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Apply `row` to each row."""
        own = [name for name in frame.columns if name.startswith("#")]
        rows = [self.row(lead) for lead in frame.drop(own).to_dicts()]
        return frame.select(own).hstack(frame_of(rows)) if rows else frame


# ------------------------------------------------------------------------------------------------------ rules


class Rule(Plugin[C]):
    """Keeps leads out, with a reason. It sees the mapped fields after the transforms, and the engine's columns
    `#id`, `#row`, `#address`, `#key` and `#status` (see `syncline.batch`)."""

    codes: ClassVar[Mapping[str, str]] = {}
    """The reasons it can give: code → text."""
    whole_fetch: bool = False
    """True: every batch of the fetch is shown to `observe` before the first call of `reasons`."""
    judges_status: ClassVar[bool] = False
    """True: the verdict depends on `#status`, which is brought up to date before the rule is asked."""

    def declared(self) -> Mapping[str, str]:
        """The reasons this instance can give; differs from `codes` where the config names a reason."""
        return self.codes

    def needs(self) -> Sequence[str]:
        """The mapped fields this rule names, so that a misspelt one is a fault."""
        return ()

    def observe(self, frame: pl.DataFrame) -> None:
        """Told of leads before they are judged: all batches when `whole_fetch`, and, when a run is taken up again,
        what that run has already recorded (then only the columns `#id`, `#row`, `#address` and `#key`)."""

    def reasons(self, frame: pl.DataFrame) -> pl.Series | pl.Expr:
        """The reason code, or null, for each row. Batches come in the order read, each once."""
        raise NotImplementedError(type(self).__name__)

    def details(self, ignored: pl.DataFrame) -> Sequence[str | None]:
        """A helpful word for each of the rows that this rule alone kept out; called right after `reasons`."""
        return [None] * ignored.height


class RowRule(Rule[C]):
    """The row-wise twin: judge one lead."""

    def reason(self, lead: Mapping[str, Any]) -> str | None:
        """The reason code, or None to let the lead pass."""
        raise NotImplementedError(type(self).__name__)

    def reasons(self, frame: pl.DataFrame) -> pl.Series:
        """Judge each row."""
        import polars as pl

        return pl.Series("reason", [self.reason(lead) for lead in frame.to_dicts()], dtype=pl.String)


# ------------------------------------------------------------------------------------------------------ sinks


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
    `awaiting` marks an accepted lead that cannot be seen until the person confirms."""

    kind: ResultKind
    code: str = ""
    message: str = ""
    ignored: str | None = None
    awaiting: bool = False


ACCEPTED = Result(ResultKind.ACCEPTED)


class Sink(Plugin[C]):
    """Where leads go."""

    connections: ClassVar[tuple[str, ...]] = ()
    identity: ClassVar[tuple[str, ...]] = ()
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
    def known_fields(cls, config: C) -> Sequence[str] | None:
        """Field names known without network and secrets, for `validate`; None: any may exist."""
        return None

    @classmethod
    def address_field(cls, config: C) -> str:
        """The mapped field that identifies a person; override it where the config decides."""
        return cls.key_field

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

    def estimate(self, calls: int) -> float:
        """Seconds that so many delivery calls take at least, by the call budget."""
        return 0.0

    def reserve(self, leads: int) -> None:
        """Block until the account's budget allows a `deliver` of so many leads. The intent is recorded after this."""

    def deliver(self, leads: pl.DataFrame) -> Sequence[Result]:
        """Send the encoded leads (columns: the mapped fields, and `#key`); one result per row, in order.

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
        """Send each lead by `row`."""
        own = [name for name in leads.columns if name.startswith("#")]
        return [self.row(lead) for lead in leads.drop(own).to_dicts()]
