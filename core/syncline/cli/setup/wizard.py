"""The conversation from top to bottom: ends, mapping, times, samples, file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click

from ...errors import Fatal, SpecError, SynclineError
from ...folders import RESERVED, spec_files
from ...sampling import Samples, samples, shown_fields
from ...schedule import upcoming
from ...spec import Bound, Loaded, bind, load_paths, spec_text
from ...spec.keys import NAME
from ..invocation import Invocation
from .accounts import Accounts
from .answers import Answers
from .asking import STOPPED, Asker
from .drafting import Said, draft_of
from .ends import End, Ends, plugin_of
from .mapping import Pairs, agreed, applied
from .showing import show_samples
from .timing import retrieval, scheduled

LONGEST_NAME = 100
RESERVED_STEMS = frozenset(Path(name).stem for name in RESERVED)


@dataclass(frozen=True)
class Made:
    """What came out: the spec, and what it is to stand in. `connections` is the text of a new connections.yaml."""

    path: Path
    text: str
    bound: Bound
    samples: Samples | None
    connections_path: Path
    connections: str | None
    first_run: datetime | None

    @property
    def next(self) -> list[str]:
        """The commands that come next."""
        words = f'"{self.path}"' if " " in str(self.path) else self.path
        return [f"syncline {command} {words}" for command in ("check", "preview", "run")]


class Wizard:
    """Asks, and writes nothing."""

    def __init__(self, invocation: Invocation, answers: Answers) -> None:
        self._invocation = invocation
        self._answers = answers
        self.asker = Asker(invocation.terminal, yes=answers.yes)
        self._folder = answers.path.parent if answers.path else invocation.folder()

    def run(self) -> Made:
        """The whole conversation. Raises `click.Abort` when somebody breaks it off."""
        asker, answers = self.asker, self._answers
        with Accounts(self._invocation, asker, answers, self._folder) as accounts:
            if answers.path is not None:
                self._free(_spec_file(answers.path))
            self._accounts(accounts)
            ends = Ends(self._invocation, asker, accounts, self._folder)
            both = answers.connection.get("name")
            source = ends.asked("source", answers.source, both)
            sink = ends.asked("sink", answers.sink, both)
            name = self._name(source)
            path = answers.path or self._folder / f"{name}.yaml"
            described = answers.description
            if described is None:
                described = asker.text("What is it for?", flag="--description", optional=True)
            origin, target = ends.made(source), ends.made(sink)
            now = accounts.now
            pairs = self._pairs(origin, target, now)
            zone = origin.zone()
            schedule = scheduled(asker, answers, zone)
            recurring = schedule is not None and schedule["frequency"] != "once"
            retrieve = retrieval(asker, answers, recurring=recurring, zone=zone, now=now)
            said = Said(name, described, source, sink, pairs, retrieve, schedule, zone)
            while True:
                text = spec_text(draft_of(said, self._invocation.registry.names("transform")))
                bound = self._bound(path, text, accounts)
                found = self._samples(bound, accounts, now)
                answer = self._approved(path)
                if answer == "write":
                    break
                agreed(asker, pairs)
            first = self._first(schedule, zone, now)
            return Made(path, text, bound, found, accounts.path, accounts.text, first)

    # ------------------------------------------------------------------------------------------------ one by one

    def _accounts(self, accounts: Accounts) -> None:
        """There must be a connection, unless neither end needs one."""
        registry, answers = self._invocation.registry, self._answers
        chosen = {kind: keys.get("type") for kind, keys in (("source", answers.source), ("sink", answers.sink))}
        needed = [
            plugin.connections
            for kind, name in chosen.items()
            for offer in registry.offers(kind)
            for plugin in [plugin_of(registry, kind, offer.name)]
            if name == offer.name or (name is None and plugin.offered)
        ]
        if all(needed):
            accounts.need(tuple(sorted({name for names in needed for name in names})))

    def _free(self, path: Path) -> None:
        if path.exists() and not self._answers.force:
            raise Fatal(
                f"{path} is there already", mend="choose another --name or --output, or overwrite it by --force"
            )

    def _name(self, source: End) -> str:
        answers = self._answers
        owners = {spec.name: spec.path for spec in self._invocation.load([*spec_files(self._folder)]).specs}

        def fault(answer: str) -> str:
            if not re.fullmatch(NAME, answer) or len(answer) > LONGEST_NAME:
                return "a name is made of small letters, digits and single hyphens, like webinar-signups"
            path = answers.path or self._folder / f"{answer}.yaml"
            if path.stem in RESERVED_STEMS:
                return f"{path.name} is the name of another file; choose another name"
            if answer in owners and owners[answer] != path:
                return f"{owners[answer]} has the name {answer!r} already; choose another"
            if path.exists() and not (answers.force or answers.printed):
                return f"{path} is there already; choose another name, or overwrite it by --force"
            return ""

        if answers.name is None:
            taken = set() if answers.path or answers.force else {path.stem for path in spec_files(self._folder)}
            identity = plugin_of(self._invocation.registry, "source", source.type).identity
            proposed = _slug(source, identity, taken | owners.keys() | RESERVED_STEMS)
            return self.asker.text("Name of the sync", flag="--name", proposed=proposed, check=fault)
        if why := fault(answers.name):
            raise click.UsageError(f"--name: {why}")
        return answers.name

    def _pairs(self, origin: Any, target: Any, now: datetime) -> Pairs:
        fields = shown_fields(origin, now)
        if fields is None:
            self.asker.warn("the source shows no record yet, so its fields are not known: nothing can be proposed")
        key_field = type(target).address_field(target.config)
        pairs = Pairs(fields, target.fields(), key_field, creates=target.creates_fields())
        applied(pairs, self._answers.maps)
        agreed(self.asker, pairs)
        return pairs

    def _bound(self, path: Path, text: str, accounts: Accounts) -> Bound:
        """The spec as it will be read from the file, and nothing is in it that `validate` would not take."""
        texts = {path: text} | ({} if accounts.text is None else {accounts.path: accounts.text})
        others = [each for each in spec_files(path.parent) if each != path] if path.parent.is_dir() else []
        registry, given = self._invocation.registry, self._invocation.options.connections
        loaded: Loaded = load_paths([*others, path], registry, given, texts=texts)
        return bind(loaded.sound(path), registry, loaded.connections[path], self._invocation.redactor)

    def _samples(self, bound: Bound, accounts: Accounts, now: datetime) -> Samples | None:
        try:
            found = samples(bound, accounts.runtime, now=now)
        except SpecError:
            raise
        except SynclineError as error:
            self.asker.warn(f"no samples can be shown, and a run would fail now: {error}")
            return None
        if not found.read:
            self.asker.warn("no samples can be shown: the source has no record for the first run")
        show_samples(self.asker, found)
        return found

    def _approved(self, path: Path) -> str:
        if not self.asker.asks:
            return "write"
        where = "standard output" if self._answers.printed else path
        while True:
            typed = self.asker.line(f"Write it to {where}? [Y/n, or m to change the mapping] ").casefold()
            if typed in ("", "y", "yes"):
                return "write"
            if typed in ("m", "mapping"):
                return "mapping"
            if typed in ("n", "no"):
                raise click.Abort(STOPPED)

    def _first(self, schedule: Mapping[str, Any] | None, zone: str | None, now: datetime) -> datetime | None:
        if schedule is None:
            return None
        return next(islice(upcoming(schedule, now, zone or "UTC"), 1), None)


def _spec_file(path: Path) -> Path:
    """The path, if a spec may be called so."""
    if path.suffix not in (".yaml", ".yml") or path.name in RESERVED or path.is_dir():
        raise click.UsageError(f"--output: {path} cannot be a spec: it takes a file NAME.yaml of its own, or -")
    return path


def _slug(source: End, identity: Sequence[str], taken: set[str]) -> str:
    """A name made of the last thing that tells this source from others."""
    chosen = [str(source.keys[key]) for key in identity if key in source.keys]
    slug = re.sub(r"[^a-z0-9]+", "-", (chosen or [source.type])[-1].casefold())[:LONGEST_NAME].strip("-")
    slug = slug or re.sub(r"[^a-z0-9]+", "-", source.type.casefold()).strip("-") or "sync"
    names = (slug if n == 1 else f"{slug}-{n}" for n in range(1, len(taken) + 3))
    return next(name for name in names if name not in taken)
