"""Writes plain values as YAML, the same text for the same values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml


def written(documents: Iterable[Any]) -> str:
    """The documents as one stream: keys in their given order, texts of several lines as blocks."""
    made: str = yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, explicit_start=True
    )
    return made


class _Dumper(yaml.SafeDumper):
    """Without aliases, which people and diffs stumble over."""

    def ignore_aliases(self, data: Any) -> bool:
        """Always."""
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
