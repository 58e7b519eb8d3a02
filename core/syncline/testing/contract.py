"""What contracts of sinks and of sources share: the plugin under test, its product, its time, and what it says."""

from __future__ import annotations

import logging
import pickle
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar
from unittest import SkipTest

import msgspec

from ..budget import MemoryStore
from ..errors import SynclineError
from ..plugin import Check, Runtime
from ..secrets import Redactor
from . import promises
from .exchange import Product, Reply
from .faults import Fault
from .hours import Hours, Hurry, Till
from .promises import BrokenPromise, Promise
from .remote import Remote

WORD = "kit-mishap"
"""Stands in the local part of the address that the default `mishap` names: no message may repeat it."""


class Contract:
    """What is under test, and how it meets its product. Subclass `SinkContract` or `SourceContract` instead.

    A test class says `plugin` and `config`. Its methods become test functions; each begins with a new product, and
    waits pass at once. If the plugin speaks HTTP, `product` gives the fake it speaks to, and `connection` or `config`
    names `self.url`.
    """

    plugin: ClassVar[type[Any]]
    """The class of the source or sink."""
    config: Mapping[str, Any] = {}
    """Its options, as in the YAML."""
    token_paths: ClassVar[tuple[str, ...]] = ("/oauth/",)
    """How the paths of token requests begin; they are not counted and not disturbed."""
    mishap: ClassVar[Reply] = Reply.of(
        {"status": "error", "code": "4711", "message": f"{WORD}@example.com cannot be saved"}
    )
    """How the product says with HTTP 200 that it did nothing; better in its own words than in these."""
    excused: ClassVar[Mapping[Fault, str]] = {}
    """Faults that nobody could notice with this product, each with the reason; their checks are skipped with it."""

    def product(self) -> Product | None:
        """A new fake of the product; None: the plugin speaks no HTTP, and the faults of a network are skipped."""
        return None

    def connection(self, runtime: Runtime) -> Any:
        """A new connection to `self.url`; None: the plugin takes none."""
        return None

    # ------------------------------------------------------------------------------------------------ one check

    def setup_method(self) -> None:
        """Before each check: a product, a server before it, and a clock."""
        self.hours = Hours()
        self._open = ExitStack()
        self._folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="syncline-kit-")))
        self._heard = _Heard()
        self._open.enter_context(self._heard)
        self.remote: Remote | None = None
        try:
            product = self.product()
            if product is not None:
                made = Remote(product, self.hours, token_paths=self.token_paths, mishap=self.mishap)
                self.remote = self._open.enter_context(made)
        except BaseException:
            self._open.close()
            raise

    def teardown_method(self) -> None:
        """After each check; raises what the product itself broke with."""
        self._open.close()
        if self.remote is not None and self.remote.broken is not None:
            raise self.remote.broken

    @property
    def url(self) -> str:
        """Where the plugin finds its product: a server that plays the faults."""
        if self.remote is None:
            raise LookupError("there is no server: `product` gives None")
        return self.remote.url

    # ------------------------------------------------------------------------------------------- what checks use

    def runtime(self) -> Runtime:
        """What a process lends to a connection: budgets and a stop whose waits pass at once."""
        stop = self.stop = Hurry(self.hours)
        self.till = Till(MemoryStore(), stop=stop, clock=self.hours)
        for name in ("cache", "state"):
            (self._folder / name).mkdir(mode=0o700, exist_ok=True)
        return Runtime(self.till, Redactor(), self._folder / "cache", self._folder / "state", stop, self.hours)

    def made(self) -> Any:
        """A new instance of the plugin, with a connection of its own, as a new process would have."""
        lent = self.runtime()
        connection = self.connection(lent)
        if connection is not None:
            self._open.callback(connection.close)
        if self.remote is not None:
            self.remote.heal()
            self.remote.stop = lent.stop
        return self.plugin(self.options(), connection)

    def fresh(self) -> Any:
        """A new instance, ready for use."""
        return self.made()

    def options(self) -> Any:
        """The config as the engine would read it."""
        return msgspec.convert(dict(self.config), self.plugin.Config)

    def network(self, fault: Fault | None = None) -> Remote:
        """The server; skips the check where there is none, or where this fault is excused."""
        if self.remote is None:
            raise SkipTest("this plugin speaks no HTTP: `product` gives None")
        if fault is not None and fault in self.excused:
            raise SkipTest(f"excused: {self.excused[fault]}")
        return self.remote

    def calls(self) -> int:
        """Calls that arrived, token requests apart."""
        return len(self.network().calls)

    def promised(self, promise: Promise, kept: object, seen: str) -> None:
        """Raise `BrokenPromise` unless it was kept."""
        if not kept:
            raise BrokenPromise(promise, seen)

    def sound(self, error: BaseException, while_: str) -> None:
        """An error is of the tree, can be pickled."""
        told = f"{type(error).__name__} came while {while_}"
        self.promised(promises.IN_THE_TREE, isinstance(error, SynclineError), f"{told}: {error!r}")
        try:
            again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        except Exception as trouble:  # noqa: BLE001 - whatever it is, the error cannot cross a border
            raise BrokenPromise(promises.PICKLABLE, f"{told}, and pickling it ended with {trouble!r}") from None
        same = type(again) is type(error) and str(again) == str(error)
        self.promised(promises.PICKLABLE, same, f"{told}; after pickling it reads {again!r}")

    def discreet(self, texts: Sequence[str], private: Sequence[str]) -> None:
        """None of the private values stands in these texts, in the log, or in the address of a call."""
        for value in private:
            for text in texts:
                self.promised(promises.DISCREET, value not in text, f"a message holds a lead's {value!r}: {text!r}")
            for line in self._heard.lines:
                self.promised(promises.DISCREET, value not in line, f"the log holds a lead's {value!r}: {line!r}")
            for call in self.remote.calls if self.remote else ():
                where = f"{call.method} {call.path}"
                self.promised(promises.DISCREET, not call.shows(value), f"the address of {where} holds {value!r}")

    def asks_for_tokens(self, fault: Fault) -> None:
        """Skips the check of a refused token where the plugin has asked for none."""
        if fault is Fault.TOKEN_REFUSED and not self.network().tokens:
            raise SkipTest("it asks for no token, so there is none to renew")

    def came_later(self, arrived: int, at: int, asked: float, while_: str) -> None:
        """Of the last so many calls, the one number `at` was told to come later: nobody called that path earlier."""
        calls = self.network().calls[-arrived:]
        told = calls[at - 1]
        after = next((call for call in calls[at:] if (call.method, call.path) == (told.method, told.path)), None)
        if after is not None:
            waited = after.at - told.at
            early = f"{while_}; the next call came after {waited:.0f} of {asked} seconds"
            self.promised(promises.PATIENT, waited >= asked - 1, early)

    # ------------------------------------------------------------------------------------------- for every plugin

    def test_it_is_declared(self) -> None:
        """Name, docstring, config and its JSON Schema."""
        plugin = self.plugin
        name = getattr(plugin, "name", None)
        self.promised(promises.DECLARED, isinstance(name, str) and name, f"its name is {name!r}")
        own = (plugin.__doc__ or "").strip()
        inherited = any(own == (each.__doc__ or "").strip() for each in plugin.__mro__[1:])
        self.promised(promises.DECLARED, own and not inherited, "its class has no docstring of its own")
        try:
            msgspec.json.schema(plugin.Config)
        except TypeError as error:
            raise BrokenPromise(promises.DECLARED, f"its Config has no JSON Schema: {error}") from None
        keys = set(plugin.Config.__struct_encode_fields__)
        strange = [key for key in plugin.identity if key not in keys]
        self.promised(promises.DECLARED, not strange, f"`identity` names {strange}, which are no options of it")
        shown = self.fresh().describe()
        texts = isinstance(shown, dict) and all(isinstance(part, str) for line in shown.items() for part in line)
        self.promised(promises.DECLARED, texts, f"`describe` gives {shown!r}, not texts by labels")

    def test_its_check_tells_what_is_well_and_what_is_not(self) -> None:
        """With the product in order all lines are ok; with a broken one there is a line that is not, or an error."""
        lines = self._checked(self.fresh())
        bad = [line for line in lines if not line.ok]
        self.promised(promises.CHECKED, not bad, f"the product is in order, but `check` says {bad}")
        if self.remote is None or not lines:
            return
        before = len(self.remote.calls)
        for at in range(1, before + 1):
            subject = self.fresh()
            self.remote.play(Fault.HTML, at)
            try:
                self._checked(subject)
            except SynclineError as error:
                self.sound(error, f"`check` ran and {Fault.HTML}")

    def _checked(self, subject: Any) -> list[Check]:
        try:
            lines = list(subject.check(self.asked()))
        except SynclineError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, people would see a stack trace
            raise BrokenPromise(promises.CHECKED, f"`check` ended with {error!r}") from None
        self.promised(promises.CHECKED, all(isinstance(line, Check) for line in lines), f"`check` yields {lines!r}")
        return lines

    def asked(self) -> Sequence[str]:
        """The fields that `check` is asked about."""
        raise NotImplementedError


class _Heard(logging.Handler):
    """Everything that is logged in the meantime."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def __enter__(self) -> _Heard:
        root = logging.getLogger()
        self._level = root.level
        root.addHandler(self)
        root.setLevel(logging.INFO)
        return self

    def __exit__(self, *exc: object) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        root.setLevel(self._level)
