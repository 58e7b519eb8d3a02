"""Makes the model out of a document that is without faults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .document import Document, Path_
from .entries import entries_of
from .guards import guards_of
from .model import Mapped, Part, Retrieve, Schedule, Spec, SpecTest, Use


def spec_of(path: Path, document: Document, identity: Mapping[str, Any], deployment: str | None = None) -> Spec:
    """The spec that the document says."""
    mapping = tuple(_mapped(document, target) for target in document.value["mapping"])
    raw: Mapping[str, Any] = document.value | {"mapping": _mapping_as_text(document, mapping)}
    return Spec(
        path=path,
        name=raw["name"],
        description=raw.get("description", ""),
        source=_part(raw["source"]),
        retrieve=_retrieve(raw["retrieve"]),
        mapping=mapping,
        transforms=tuple(Use(entry.name, entry.config) for entry in entries_of(raw, "transforms")),
        ignore=tuple(Use(entry.name, entry.config) for entry in entries_of(raw, "ignore")),
        sink=_part(raw["sink"]),
        guards=guards_of(raw.get("guards")),
        schedule=_schedule(raw.get("schedule")),
        replaces=raw.get("replaces"),
        enabled=raw.get("enabled", True),
        protect=raw.get("protect", False),
        tests=tuple(_test(document, n) for n in range(len(raw.get("tests", ())))),
        identity=identity,
        raw=raw,
        document=document,
        deployment=deployment,
    )


def _part(section: Mapping[str, Any]) -> Part:
    config = {key: value for key, value in section.items() if key not in ("type", "connection")}
    return Part(section["type"], section.get("connection"), config)


def _retrieve(written: Any) -> Retrieve:
    return Retrieve("after", written["after"]) if isinstance(written, dict) else Retrieve(written)


def _mapped(document: Document, target: str) -> Mapped:
    origin = document.value["mapping"][target]
    if isinstance(origin, str):
        return Mapped(target, field=origin)
    texts = {key: _text(document, ("mapping", target, key)) for key in origin}
    return Mapped(target, **texts)


def _text(document: Document, path: Path_) -> str:
    """The scalar as it is written: `1.50` and `007` stay what they are."""
    written = document.written.get(path)
    return str(document.at(path)) if written is None else written


def _mapping_as_text(document: Document, mapping: tuple[Mapped, ...]) -> dict[str, Any]:
    """The mapping for revisions: constants as the texts that are sent, so that 1.5 and 1.50 differ."""
    written = document.value["mapping"]
    return {
        each.target: {key: getattr(each, key) for key in written[each.target]}
        if isinstance(written[each.target], dict)
        else written[each.target]
        for each in mapping
    }


def _schedule(written: Mapping[str, Any] | None) -> Schedule | None:
    if written is None:
        return None
    return Schedule(**{**written, "on": tuple(written.get("on", ()))})


def _test(document: Document, n: int) -> SpecTest:
    written = document.value["tests"][n]
    expect = dict(written["expect"])
    if "lead" in expect:
        path: Path_ = ("tests", n, "expect", "lead")
        expect["lead"] = {
            key: value if value is None or isinstance(value, dict | list) else _text(document, (*path, key))
            for key, value in expect["lead"].items()
        }
    return SpecTest(written["name"], written["given"], expect, document.place(("tests", n)).line)
