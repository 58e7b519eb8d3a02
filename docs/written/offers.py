"""plugins.md: what the packages of this repository offer."""

from __future__ import annotations

import inspect

from syncline.registry import KINDS, Offer, Registry

from .markdown import listed
from .options import Json, options


def plugins(schema: Json, registry: Registry) -> str:
    """plugins.md: each plugin with its options, and the guarantee of sources and sinks."""
    sections = [
        "# Plugins",
        "What this repository offers. `syncline plugins` lists what is installed with you, and `syncline plugins NAME` "
        "shows the options of one. Connections are in [connections](connections.md).",
    ]
    for kind in KINDS:
        if kind == "connection":
            continue
        sections.append(f"## {kind.capitalize()}s")
        for offer in registry.offers(kind):
            part = schema["$defs"][f"{kind}.{offer.name}"]
            sections += [f"### {offer.name}", f"{described(offer)}\n\nFrom `{offer.package}`."]
            if kind == "rule":
                codes = getattr(offer.plugin, "codes", {})
                sections.append(f"Reason codes: {listed(codes)}.")
            sections.append(options(part, schema["$defs"]) if part.get("properties") else "No options.")
    return "\n\n".join(sections)


def described(offer: Offer) -> str:
    """The whole docstring; that of a source or a sink states the delivery guarantee."""
    return inspect.getdoc(offer.plugin) or ""
