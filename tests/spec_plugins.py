"""Small plugins for the tests of specs, offered through fake entry points, and a sound spec that uses them."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, field
from syncline import (
    Config,
    Connection,
    Rule,
    Secret,
    Sink,
    Source,
    SpecError,
    Sql,
    Transform,
    expression,
    hookimpl,
)
from syncline.registry import Registry

SPEC = """\
version: 1
name: webinar-signups
description: Webinar sign-ups
source:
  type: form
  connection: hub
  owner: zylker
retrieve: since_last_fetch
mapping:
  Lead Email: Email
  First Name: Name.first_name
  Company: {field: Company, default: Unknown}
  Full Name: {sql: "concat_ws(' ', \\"Name.first_name\\", \\"Name.last_name\\")"}
  Channel: {value: Webinar}
  Hello: {template: "Dear {Name.first_name}"}
  _country: Country
transforms:
  - trim
  - lowercase: {fields: [Lead Email]}
ignore:
  - defaults
  - file_duplicate: {keep: last}
  - sql: {when: "_country = 'Atlantis'", reason: embargo}
sink:
  type: list
  connection: hub
  list: Webinar leads
schedule:
  frequency: daily
  time: "09:30"
  timezone: Asia/Kolkata
tests:
  - name: a typo domain is ignored
    given: {Email: john@example.com}
    expect: {ignored: invalid_pattern}
"""
CONNECTIONS = """\
connections:
  hub: {type: hub, token: "${env:HUB_TOKEN}"}
  other: {type: other}
"""


class HubConfig(Config, frozen=True):
    """What a hub needs."""

    token: Annotated[Secret, Meta(description="The token.")]
    region: Annotated[Literal["eu", "us"], Meta(description="The region.")] = "eu"
    spare: Annotated[Secret | None, Meta(description="The spare token.")] = None


class Hub(Connection[HubConfig]):
    """An account of the hub."""

    name = "hub"
    Config = HubConfig


class Other(Connection[Config]):
    """Another kind of account."""

    name = "other"


class FormConfig(Config, frozen=True):
    """What a form needs."""

    owner: Annotated[str, Meta(description="Who owns it.", min_length=1, examples=["zylker"])]
    kind: Annotated[Literal["web", "paper"], Meta(description="Of which kind it is.")] = "web"
    page: Annotated[Annotated[int, Meta(ge=1, le=1000)], Meta(description="Records in a page.")] = 200
    lookback: Annotated[Annotated[str, Meta(pattern="^[0-9]+d$")], Meta(description="How far back.")] = "30d"
    fields: Annotated[list[str], Meta(description="Which fields.")] = field(default_factory=list)
    even: Annotated[int, Meta(description="An even number.")] = 0

    def __post_init__(self) -> None:
        if self.even % 2:
            raise ValueError("even must be even")


class Form(Source[FormConfig]):
    """Reads a form.

    Every record is read at least once.
    """

    name = "form"
    Config = FormConfig
    connections: ClassVar[tuple[str, ...]] = ("hub",)
    identity: ClassVar[tuple[str, ...]] = ("owner", "kind")

    @classmethod
    def known_fields(cls, config: FormConfig) -> Sequence[str]:
        """The fields of every form."""
        return ["Email", "Name", "Company", "Country", "Age"]


class Anything(Source[Config]):
    """Reads records of which nothing is known before."""

    name = "anything"


class Limits(Config, frozen=True):
    """The limits of a list."""

    size: Annotated[int, Meta(description="Most leads.", ge=1)] = 100


class ListConfig(Config, frozen=True):
    """What a list needs."""

    list: Annotated[str, Meta(description="Its name or key.", min_length=1)]
    on_duplicate: Annotated[Literal["update", "skip"], Meta(description="When a lead is there.")] = "update"
    tags: Annotated[tuple[str, ...], Meta(description="Tags for each lead.", max_length=2)] = ()
    limits: Annotated[Limits | None, Meta(description="Limits.")] = None
    notify: Annotated[bool, Meta(description="Tell the owner.")] = False


class MailingList(Sink[ListConfig]):
    """Fills a list; a lead may be sent twice."""

    name = "list"
    Config = ListConfig
    connections: ClassVar[tuple[str, ...]] = ("hub",)
    identity: ClassVar[tuple[str, ...]] = ("list",)
    key_field = "Lead Email"

    @classmethod
    def known_fields(cls, config: ListConfig) -> Sequence[str]:
        """The fields of every list."""
        return ["Lead Email", "First Name", "Company", "Full Name", "Channel", "Hello"]


class FileConfig(Config, frozen=True):
    """What a file needs."""

    key: Annotated[str, Meta(description="The field that names a person.")]


class File(Sink[FileConfig]):
    """Writes a file."""

    name = "file"
    Config = FileConfig

    @classmethod
    def address_field(cls, config: FileConfig) -> str:
        """The config names it."""
        return config.key


class SomeFields(Config, frozen=True):
    """Which fields."""

    fields: Annotated[list[str] | None, Meta(description="The fields; omitted: all.")] = None


class NamedFields(Config, frozen=True):
    """Which fields."""

    fields: Annotated[list[str], Meta(description="The fields.")]


class Trim(Transform[SomeFields]):
    """Takes blanks away."""

    name = "trim"
    Config = SomeFields

    def needs(self) -> Sequence[str]:
        """The fields named."""
        return self.config.fields or ()


class Lowercase(Transform[NamedFields]):
    """Writes small letters."""

    name = "lowercase"
    Config = NamedFields

    def needs(self) -> Sequence[str]:
        """The fields named."""
        return self.config.fields


class Score(Transform[Config]):
    """Adds a field `Score`."""

    name = "score"

    def adds(self) -> Sequence[str]:
        """The score."""
        return ["Score"]


class Exploding(Transform[Config]):
    """Cannot be made."""

    name = "exploding"

    def __init__(self, config: Config) -> None:
        raise RuntimeError("no fuse")


class Keep(Config, frozen=True):
    """Which one is kept."""

    keep: Annotated[Literal["first", "last"], Meta(description="Which one is kept.")] = "first"


class SqlConfig(Config, frozen=True):
    """A condition."""

    when: Annotated[Sql, Meta(description="Where this is true, the lead is ignored.")]
    reason: Annotated[str, Meta(description="The reason code.")] = "sql"


class SqlRule(Rule[SqlConfig]):
    """Ignores by a condition."""

    name = "sql"
    Config = SqlConfig

    def __init__(self, config: SqlConfig) -> None:
        super().__init__(config)
        try:
            expression(config.when)
        except ValueError as error:
            raise SpecError(str(error)) from None

    def declared(self) -> Mapping[str, str]:
        """The reason that the config names."""
        return {self.config.reason: "a condition"}


def _default(code: str, config: type[Config] = Config) -> type[Rule[Any]]:
    body = {"__doc__": f"Ignores for {code}.", "name": code, "Config": config, "codes": {code: code}}
    return type(code.title().replace("_", ""), (Rule,), body)


DEFAULTS = [
    _default("empty_email"),
    _default("invalid_pattern"),
    _default("group_email"),
    _default("file_duplicate", Keep),
    _default("do_not_mail"),
    _default("bounced"),
]
OFFERS: dict[str, list[type[Any]]] = {
    "connections": [Hub, Other],
    "sources": [Form, Anything],
    "transforms": [Trim, Lowercase, Score, Exploding],
    "rules": [*DEFAULTS, SqlRule],
    "sinks": [MailingList, File],
}


def package(name: str, **offers: list[type[Any]]) -> EntryPoint:
    """An entry point whose module offers these classes."""
    module = types.ModuleType(f"spec_plugins_{name}")
    for kind, classes in offers.items():
        setattr(module, f"syncline_{kind}", hookimpl(_hook(classes)))
    sys.modules[module.__name__] = module
    return EntryPoint(name, module.__name__, "syncline")


def _hook(classes: list[type[Any]]) -> Callable[[], list[type[Any]]]:
    def offered() -> list[type[Any]]:
        return classes

    return offered


def registry(*more: EntryPoint) -> Registry:
    """A registry of the plugins above, and of `more`."""
    return Registry([package("own", **OFFERS), *more])
