"""Finds the installed plugins and knows what each offers; a broken one is listed, and kills nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from threading import RLock
from typing import Any, TypeVar

import pluggy

from . import hooks
from .errors import PluginError
from .plugin import Connection, Plugin, Rule, Sink, Source, Transform

GROUP = "syncline"
KINDS: Mapping[str, type[Plugin[Any]]] = {
    "connection": Connection,
    "source": Source,
    "transform": Transform,
    "rule": Rule,
    "sink": Sink,
}
P = TypeVar("P", bound="Plugin[Any]")


@dataclass(frozen=True)
class Offer:
    """One plugin class, and the package (`name version`) that offers it."""

    kind: str
    name: str
    plugin: type[Plugin[Any]]
    package: str
    version: str

    @property
    def summary(self) -> str:
        """The first paragraph of the docstring."""
        return " ".join((self.plugin.__doc__ or "").strip().split("\n\n")[0].split())


@dataclass(frozen=True)
class Broken:
    """A package whose plugins cannot be used, and why."""

    package: str
    version: str
    entry_point: str
    why: str


class Registry:
    """All offers of all installed packages."""

    def __init__(self, points: Iterable[EntryPoint]) -> None:
        self.broken: list[Broken] = []
        self._offers: dict[tuple[str, str], Offer] = {}
        self._doubled: dict[tuple[str, str], list[str]] = {}
        self._changing = RLock()
        self._told: dict[str, RLock] = {}
        self._manager = pluggy.PluginManager(hooks.PROJECT)
        self._manager.add_hookspecs(hooks)
        for (package, version), point in sorted(
            ((_package(each), each) for each in points), key=lambda each: (each[0][0], each[1].name)
        ):
            self._register(point, package, version)

    @property
    def hook(self) -> Any:
        """pluggy's caller, for telling observers; see `observers.tell`."""
        return self._manager.hook

    def observers(self, hook: str) -> list[tuple[str, Any]]:
        """(package, function) of each implementation of one told hook, in order of registration."""
        caller = getattr(self._manager.hook, hook)
        with self._changing:
            return [(impl.plugin_name, impl) for impl in caller.get_hookimpls()]

    def add_observer(self, name: str, observer: object) -> None:
        """Register an object of this process (progress bars) whose hook functions are told."""
        with self._changing:
            self._manager.register(observer, name)

    @contextmanager
    def observing(self, name: str, observer: object) -> Iterator[None]:
        """Inside, the observer is told; see `add_observer`."""
        self.add_observer(name, observer)
        try:
            yield
        finally:
            with self._changing:
                self._manager.unregister(name=name)

    def telling(self, name: str) -> AbstractContextManager[object]:
        """Held while this observer is told something, so that threads tell it one after the other."""
        with self._changing:
            return self._told.setdefault(name, RLock())

    def offers(self, kind: str | None = None) -> list[Offer]:
        """Usable offers, in order of kind and name."""
        order = list(KINDS)
        found = [offer for offer in self._offers.values() if kind in (None, offer.kind)]
        return sorted(found, key=lambda offer: (order.index(offer.kind), offer.name))

    def names(self, kind: str) -> list[str]:
        """Names of the usable offers of one kind."""
        return [offer.name for offer in self.offers(kind)]

    def offer(self, kind: str, name: str) -> Offer:
        """One offer. Raises `PluginError` that says why there is none: doubled, broken, misspelt or not installed."""
        if owners := self._doubled.get((kind, name)):
            raise PluginError(
                f"{kind} {name!r} is offered by {' and by '.join(owners)}", mend="uninstall all but one of them"
            )
        if found := self._offers.get((kind, name)):
            return found
        names = self.names(kind)
        close = get_close_matches(name, names, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        broken = "".join(f"; {each.package} is broken: {each.why}" for each in self.broken)
        raise PluginError(f"{name!r} is not an installed {kind} ({', '.join(names) or 'none is'}){hint}{broken}")

    def get(self, kind: str, name: str, base: type[P]) -> type[P]:
        """The class of one offer, typed."""
        found = self.offer(kind, name).plugin
        if not issubclass(found, base):
            raise PluginError(f"{kind} {name!r} is not a {base.__name__}")
        return found

    def _register(self, point: EntryPoint, package: str, version: str) -> None:
        label = f"{package}:{point.name}"

        def broken(why: str) -> None:
            self.broken.append(Broken(package, version, point.name, why))

        try:
            module = point.load()
        except BaseException as error:  # a stranger's module may raise anything, even SystemExit
            if isinstance(error, KeyboardInterrupt):
                raise
            broken(f"cannot be imported: {type(error).__name__}: {error}")
            return
        try:
            self._manager.register(module, label)
        except (ValueError, pluggy.PluginValidationError) as error:
            broken(f"cannot be registered: {error}")
            return
        if misspelt := self._misspelt(label):
            self._manager.unregister(name=label)
            broken(misspelt)
            return
        try:
            offers = list(self._offered(label, package, version))
        except Exception as error:  # noqa: BLE001 - a stranger's hook may raise anything
            self._manager.unregister(name=label)
            why = str(error) if isinstance(error, PluginError) else f"its hook raised {type(error).__name__}: {error}"
            broken(why)
            return
        for offer in offers:
            self._add(offer)

    def _misspelt(self, label: str) -> str:
        """A hook that no spec knows would silently never be called: name it, and the nearest that exists."""
        known = {name for name in dir(hooks) if name.startswith("syncline_")}
        module = self._manager.get_plugin(label)
        for name in dir(module):
            if name in known or self._manager.parse_hookimpl_opts(module, name) is None:
                continue
            close = get_close_matches(name, known, 1)
            return f"unknown hook {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            return str(error)
        return ""

    def _offered(self, label: str, package: str, version: str) -> Iterable[Offer]:
        for kind, base in KINDS.items():
            caller = getattr(self._manager.hook, f"syncline_{kind}s")
            for impl in caller.get_hookimpls():
                if impl.plugin_name != label:
                    continue
                for plugin in impl.function():
                    yield _checked(kind, base, plugin, package, version)

    def _add(self, offer: Offer) -> None:
        key = (offer.kind, offer.name)
        if key in self._doubled:
            self._doubled[key].append(offer.package)
        elif earlier := self._offers.pop(key, None):
            self._doubled[key] = [earlier.package, offer.package]
        else:
            self._offers[key] = offer

    @property
    def doubled(self) -> Mapping[tuple[str, str], Sequence[str]]:
        """(kind, name) → the packages that all offer it; such a name can be used by no spec."""
        return self._doubled


def _checked(kind: str, base: type[Plugin[Any]], plugin: Any, package: str, version: str) -> Offer:
    if not (isinstance(plugin, type) and issubclass(plugin, base)):
        raise PluginError(f"its {kind} {plugin!r} is not a class derived from syncline.{base.__name__}")
    name = getattr(plugin, "name", None)
    if not isinstance(name, str) or not name:
        raise PluginError(f"its {kind} {plugin.__name__} has no `name`")
    return Offer(kind, name, plugin, package, version)


def _package(point: EntryPoint) -> tuple[str, str]:
    """Name and version. The metadata of a distribution are parsed anew whenever they are asked for: ask once."""
    if point.dist is None:
        return point.value, ""
    metadata = point.dist.metadata
    return metadata["Name"], metadata["Version"]


@cache
def installed() -> Registry:
    """The registry of what is installed in this environment, found once per process."""
    return Registry(entry_points(group=GROUP))
