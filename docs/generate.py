"""Writes docs/reference from the code: schemas, plugins, reason codes, the command line, hooks, and the face.

The example of README.md is brought up to date as well. `make reference` runs it; a test holds the pages equal to what
it would write.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from syncline.registry import GROUP, Registry
from syncline.spec.schema import compose
from written import authors, commands, documents, files, offers, reasons

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "reference"
README = ROOT / "README.md"
NOTE = "<!-- Written by docs/generate.py: change the code it reads, then `make reference`. -->"


def main() -> None:
    """Write every page that differs, and take away what is no page any more."""
    made = pages()
    for path, text in ({PAGES / name: text for name, text in made.items()} | {README: readme()}).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    for path in PAGES.glob("*.md"):
        if path.name not in made:
            path.unlink()


def pages() -> dict[str, str]:
    """Each page of the reference: file name → text. Only plugins of this repository are described."""
    registry = ours()
    schema = compose(registry).schema
    made = {
        "spec.md": files.spec(schema),
        "connections.md": files.connections(schema, registry),
        "plugins.md": offers.plugins(schema, registry),
        "reason-codes.md": reasons.reason_codes(registry),
        "cli.md": commands.command_line(),
        "json.md": documents.json_page(),
        "hooks.md": authors.hook_page(),
        "python-face.md": authors.face(),
    }
    return {name: f"{NOTE}\n\n{text.strip()}\n" for name, text in made.items()}


def ours() -> Registry:
    """The plugins of this repository; others that are installed are left out."""
    names = {project(path)["name"] for path in (ROOT / "plugins").glob("*/pyproject.toml")}
    return Registry(point for point in entry_points(group=GROUP) if point.dist and point.dist.name in names)


def readme() -> str:
    """README.md with the spec that it shows as it is now."""
    spec = (ROOT / "configs" / "webinar-signups.yaml").read_text(encoding="utf-8")
    shown = re.compile(r"(<!-- configs/webinar-signups\.yaml -->\n```yaml spec\n).*?(```\n)", re.DOTALL)
    return shown.sub(lambda found: found[1] + spec + found[2], README.read_text(encoding="utf-8"), count=1)


def project(path: Path) -> dict[str, Any]:
    """The `project` table of a pyproject.toml."""
    found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    return found


if __name__ == "__main__":
    main()
