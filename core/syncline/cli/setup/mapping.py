"""The mapping: what is proposed, what flags say of it, and a table that somebody can change row by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click

from ...console.tables import table
from ...plugin import Choice, Field
from ...proposal import mappable, propose
from ...spec import inline, value_of
from .asking import Asker
from .choosing import SHOWN, found, nearest

HELP = """Enter takes the table as it is. Otherwise:
  SINK FIELD = SOURCE FIELD   maps one more, or changes one; a number or a part of a name will do
  SINK FIELD = "text"         the same for every lead; or as in a spec: {field: Company, default: Unknown}
  -NUMBER                     leaves one out
  ?                           what is left to map; with a part of a name: ?phone"""
ORIGINS = ("field", "sql", "value", "template", "default")


class Pairs:
    """The rows of a mapping on their way. `source` and `sink` are None where any field may exist."""

    def __init__(
        self, source: Sequence[Field] | None, sink: Sequence[Field] | None, key_field: str, *, creates: bool
    ) -> None:
        self.source = source
        self.sink = sink
        self.key_field = key_field
        self._creates = creates
        self.origins: dict[str, Any] = {}
        self.why: dict[str, str] = {}
        self._targets = [each for each in sink or [Field(key_field, required=True)] if mappable(each.name)]
        for each in propose(source or (), self._targets, key_field):
            self.origins[each.target] = each.source
            self.why[each.target] = each.why

    @property
    def missing(self) -> list[str]:
        """Required sink fields without an origin."""
        wanted = [self.key_field, *(each.name for each in self._targets if each.required)]
        return [name for name in dict.fromkeys(wanted) if name not in self.origins]

    @property
    def unmapped(self) -> list[str]:
        """Sink fields without an origin."""
        return [each.name for each in self._targets if each.name not in self.origins]

    @property
    def unused(self) -> list[str]:
        """Source fields that no row takes as a whole."""
        used = [each for each in self.origins.values() if isinstance(each, str)]
        return [each.name for each in self.source or () if each.name not in used]

    @property
    def mapping(self) -> dict[str, Any]:
        """The rows: required ones first, then as the sink lists its fields."""
        order = {name: n for n, name in enumerate([self.key_field, *(each.name for each in self._targets)])}
        return dict(sorted(self.origins.items(), key=lambda row: order.get(row[0], len(order))))

    def put(self, target: str, origin: Any) -> None:
        """Map one; an empty origin leaves it out."""
        self.why.pop(target, None)
        if origin == "":
            self.origins.pop(target, None)
        else:
            self.origins[target] = origin

    def targets(self) -> list[Choice]:
        """The sink fields to choose from, those of the table with their numbers first."""
        names = [*self.mapping, *self.unmapped]
        labels = {each.name: each.label for each in self._targets}
        return [Choice(name, labels.get(name, "")) for name in names]

    def target(self, typed: str, *, exactly: bool) -> str:
        """The sink field that is meant. Raises ValueError with what to say."""
        known = self.targets()
        if typed.startswith("_") or any(each.value == typed for each in known):
            return typed
        places = [] if exactly else found(known, typed)
        if self.sink is None or self._creates:  # a part of a name may well be a new name
            names = {name.casefold() for n in places for name in (known[n].value, known[n].label)}
            if not (typed.isdigit() or typed.casefold() in names):
                if mappable(typed):
                    return typed
                raise ValueError(f"{typed!r} cannot be the name of a sink field")
        if len(places) == 1:
            return known[places[0]].value
        if places:
            raise ValueError(f"{typed!r} may be {', '.join(repr(known[n].value) for n in places[:5])}: say more of it")
        raise ValueError(f"{typed!r} is not a field of the sink{nearest(known, typed)}")

    def origin(self, typed: str, *, exactly: bool) -> Any:
        """What a row says on its right side, as it will stand in the spec. Raises ValueError with what to say."""
        if typed.startswith("{"):
            return self._written(typed)
        if len(typed) > 1 and typed[0] == typed[-1] and typed[0] in "'\"":
            return {"value": typed[1:-1]}
        if not typed or self.source is None:
            return typed
        known = [Choice(each.name, each.label) for each in self.source]
        if any(typed == each.value or typed.startswith(f"{each.value}.") for each in known):
            return typed
        places = [] if exactly else found(known, typed)
        if len(places) == 1:
            return known[places[0]].value
        if places:
            raise ValueError(f"{typed!r} may be {', '.join(repr(known[n].value) for n in places[:5])}: say more of it")
        raise ValueError(f"{typed!r} is not a field of the source{nearest(known, typed)}")

    def _written(self, typed: str) -> Any:
        """An origin as in a spec: `{field: Company, default: Unknown}`."""
        value = value_of(typed)
        if not isinstance(value, dict) or not value or not set(value) <= set(ORIGINS):
            raise ValueError(f"{{…}} holds {', '.join(ORIGINS)}, as in a spec")
        if isinstance(value.get("field"), str):
            value["field"] = self.origin(value["field"], exactly=True)
        return value


def applied(pairs: Pairs, maps: Iterable[str]) -> None:
    """What --map says: `SINK FIELD=SOURCE FIELD`. Raises `click.UsageError`."""
    for each in maps:
        names = [choice.value for choice in pairs.targets() if each.startswith(f"{choice.value}=")]
        target = max(names, key=len) if names else each.partition("=")[0].strip()
        rest = each[len(target) :] if names else each[len(each.partition("=")[0]) :]
        if not rest.startswith("=") or not target:
            raise click.UsageError(f"--map takes 'SINK FIELD=SOURCE FIELD', not {each!r}")
        try:
            pairs.put(pairs.target(target, exactly=True), pairs.origin(rest[1:].strip(), exactly=True))
        except ValueError as error:
            raise click.UsageError(f"--map: {error}") from None


def agreed(asker: Asker, pairs: Pairs) -> None:
    """Show the table until it is taken. Where nobody can be asked, a required field without origin is a usage error."""
    if not asker.asks and not (asker.interactive and pairs.missing):
        if pairs.missing:
            raise click.UsageError(
                f"--map '{pairs.missing[0]}=SOURCE FIELD' is needed: nothing fits it by name and type"
            )
        show(asker, pairs)
        return
    asker.note(f"\n{HELP}")
    show(asker, pairs)
    while True:
        typed = asker.line("mapping [take it]: ")
        if not typed and not pairs.missing:
            return
        try:
            said = changed(pairs, typed)
        except ValueError as error:
            asker.note(f"  {error}")
            continue
        if said:
            asker.note(said)
        else:
            show(asker, pairs)


def changed(pairs: Pairs, typed: str) -> str:
    """Do what a line says; what is to be told instead of the table. Raises ValueError for what cannot be done."""
    if not typed:
        raise ValueError(f"{pairs.missing[0]!r} is required: {pairs.missing[0]} = SOURCE FIELD")
    if typed.startswith("?"):
        return fields(pairs, typed[1:].strip())
    if typed.startswith("-") and "=" not in typed:
        rows = [Choice(name) for name in pairs.mapping]
        places = found(rows, typed[1:].strip())
        if len(places) != 1:
            raise ValueError(f"no single row is meant by {typed[1:].strip()!r}")
        pairs.put(rows[places[0]].value, "")
        return ""
    left, equals, right = typed.partition(" = ") if " = " in typed else typed.partition("=")
    if not equals or not left.strip() or not right.strip():
        raise ValueError("that is not SINK FIELD = SOURCE FIELD, -NUMBER or ?")
    target = pairs.target(left.strip(), exactly=False)
    pairs.put(target, pairs.origin(right.strip(), exactly=False))
    return ""


def fields(pairs: Pairs, part: str = "") -> str:
    """What could still be mapped; with a `part` only the fields that hold it."""

    def listed(names: Sequence[str]) -> str:
        some = [name for name in names if part.casefold() in name.casefold()]
        more = f" and {len(some) - SHOWN} more (? and a part of the name)" if len(some) > SHOWN else ""
        return f"{', '.join(some[:SHOWN]) or 'none'}{more}"

    ours = "any" if pairs.source is None else listed(pairs.unused)
    return f"sink fields left: {listed(pairs.unmapped)}\nsource fields left: {ours}"


def show(asker: Asker, pairs: Pairs) -> None:
    """The table, and what it lacks."""
    rows = [
        (str(n), target, origin if isinstance(origin, str) else inline(origin), pairs.why.get(target, ""))
        for n, (target, origin) in enumerate(pairs.mapping.items(), 1)
    ]
    asker.terminal.tell(table(asker.terminal, ("", "sink field", "comes from", "because"), rows))
    for name in pairs.missing:
        asker.note(f"  {name} is required, and has no source field yet")
