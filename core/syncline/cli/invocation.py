"""One command line at work: its options, and what commands need, each made when it is first asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..clock import SYSTEM, Clock
from .options import Options

if TYPE_CHECKING:
    from ..console import Terminal
    from ..executor import Executor
    from ..ledger import Ledger
    from ..registry import Registry
    from ..secrets import Redactor
    from ..spec import Bound, Loaded, Settings
    from ..spec.model import Spec
    from .logs import Names

LEDGER = "sqlite:///.syncline/ledger.db"
CONFIGS = Path("configs")


class Invocation:
    """Lent to every command."""

    def __init__(self, options: Options, clock: Clock = SYSTEM) -> None:
        self.options = options
        self.clock = clock
        self._stack = ExitStack()

    def close(self) -> None:
        """Let go of everything that was opened."""
        self._stack.close()

    @cached_property
    def redactor(self) -> Redactor:
        """Knows the secrets that were resolved in this process."""
        from ..secrets import Redactor

        return Redactor()

    @cached_property
    def terminal(self) -> Terminal:
        """Where everything is said."""
        from ..console import Terminal

        return Terminal(self.redactor, color=False if self.options.no_color else None)

    @cached_property
    def registry(self) -> Registry:
        """The installed plugins."""
        from ..registry import installed

        return installed()

    def logs(self, *, serving: bool = False) -> Names:
        """Start the logs; what comes back makes each line name its run once it is registered as an observer."""
        from .logs import configure

        packages = {offer.plugin.__module__.partition(".")[0] for offer in self.registry.offers()}
        return configure(self.options, self.terminal, sorted(packages - {"syncline"}), serving=serving)

    # ------------------------------------------------------------------------------------------------- specs

    def folder(self) -> Path:
        """Where specs are looked for when none is named: here, or in `configs` if there are none here."""
        from ..folders import spec_files

        here = Path()
        return CONFIGS if not spec_files(here) and CONFIGS.is_dir() else here

    def load(self, paths: Sequence[Path], *, neighbours: bool = False) -> Loaded:
        """Files and folders of specs, with all their faults. See `load_paths`."""
        from ..spec import load_paths

        return load_paths(paths, self.registry, self.options.connections, neighbours=neighbours)

    def bound(self, path: Path) -> Bound:
        """The spec of a file, ready to run. Raises `SpecError` with its faults."""
        loaded = self.load([path])
        return self.bind(loaded.sound(path), loaded)

    def bind(self, spec: Spec, loaded: Loaded) -> Bound:
        """A loaded spec with its references resolved."""
        from ..spec import bind

        return bind(spec, self.registry, loaded.connections[spec.path], self.redactor)

    def unconnected(self, spec: Spec, loaded: Loaded) -> Bound:
        """A loaded spec for what needs neither network nor secrets: its ends have no connections."""
        source, sink = replace(spec.source, connection=None), replace(spec.sink, connection=None)
        return self.bind(replace(spec, source=source, sink=sink), loaded)

    def named(self, sync: str) -> tuple[Spec | None, Loaded]:
        """The spec that a path or a sync's name means; None when the folder has none of that name."""
        if is_path(sync):
            loaded = self.load([Path(sync)])
            return loaded.sound(Path(sync)), loaded
        loaded = self.load([self.folder()])
        return next((spec for spec in loaded.specs if spec.name == sync), None), loaded

    def sync_name(self, sync: str) -> str:
        """The name of the sync that a path or a name means."""
        if not is_path(sync):
            return sync
        return self.load([Path(sync)]).sound(Path(sync)).name

    # ------------------------------------------------------------------------------------------------ ledger

    def ledger(self, *, read_only: bool = True, beside: Path | None = None) -> Ledger:
        """The ledger; closed when the command ends. `beside` is the folder whose syncline.yaml may name it."""
        from ..ledger import Ledger

        url = self.ledger_url(beside)
        detail = read_only or self._keeps_detail(beside)
        return self._stack.enter_context(Ledger.open(url, read_only=read_only, now=self.clock, detail=detail))

    def _keeps_detail(self, beside: Path | None) -> bool:
        """Whether row detail outlives its run; where syncline.yaml has faults, it does."""
        from ..errors import SpecError

        try:
            return beside is None or self.settings(beside).retention > 0
        except SpecError:
            return True

    def ledger_url(self, beside: Path | None = None) -> str:
        """--ledger, else SYNCLINE_LEDGER, else what syncline.yaml says, else the file under the current folder."""
        url = self.options.ledger or os.environ.get("SYNCLINE_LEDGER") or self._configured(beside) or LEDGER
        if password := urlsplit(url).password:
            self.redactor.add(password)
            self.redactor.add(unquote(password))
        return url

    def _configured(self, beside: Path | None) -> str | None:
        settings = self.settings(beside)
        if settings.ledger is None:
            return None
        from ..folders import SETTINGS
        from ..secrets import resolve

        folder = settings.folders["ledger"]
        url = str(resolve(settings.ledger, self.redactor, folder=folder, where=f"{folder / SETTINGS}: ledger"))
        scheme, _, place = url.partition(":///")
        if scheme == "sqlite" and not place.startswith("/"):
            return f"{scheme}:///{folder / place}"
        return url

    def settings(self, beside: Path | None = None) -> Settings:
        """What syncline.yaml says of this installation; the defaults where there is none. Faults are a `SpecError`."""
        from ..errors import SpecError
        from ..folders import SETTINGS, layers
        from ..spec import Settings, checker_of, load_settings

        path = (beside if beside is not None else self.folder()) / SETTINGS
        if not layers(path):
            return Settings()
        settings, faults = load_settings(path, checker_of(self.registry))
        if faults:
            raise SpecError(faults=tuple(faults))
        return settings

    def executor(self, *, read_only: bool = False, beside: Path | None = None) -> Executor:
        """What carries runs out on the ledger; `read_only` for what must write nothing."""
        from ..executor import Executor

        ledger = self.ledger(read_only=read_only, beside=beside)
        return Executor(ledger, self.registry, self.redactor, self.cache_folder(), clock=self.clock)

    def cache_folder(self) -> Path:
        """The folder for access tokens, private to the user."""
        import platformdirs

        folder = platformdirs.user_cache_path("syncline")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder


def is_path(sync: str) -> bool:
    """Whether a SYNC argument is a file rather than a name; no name holds a dot or a slash."""
    return "/" in sync or sync.endswith((".yaml", ".yml")) or os.sep in sync
