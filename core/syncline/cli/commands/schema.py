"""`syncline schema`: the JSON Schema for editors and CI."""

from __future__ import annotations

from pathlib import Path

import click

from ..ending import FAILED
from ..invocation import Invocation
from ..options import command


@command()
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@click.option(
    "--check",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write nothing; exit 1 if this file is not the schema of the installed plugins.",
)
def schema(invocation: Invocation, output: Path | None, check: Path | None) -> int:
    """Print the JSON Schema of specs, composed from the installed plugins.

    Editors complete and check a spec whose first line names the file:
    # yaml-language-server: $schema=sync.schema.json

    \b
    Example:
      syncline schema --output configs/sync.schema.json
    """
    import msgspec

    from ...spec import schema as compose

    text = msgspec.json.format(msgspec.json.encode(compose(invocation.registry)), indent=2).decode() + "\n"
    if check is not None:
        same = check.exists() and check.read_text(encoding="utf-8") == text
        _tell(invocation, check, "is current" if same else "is not current; run: syncline schema --output", same)
        return 0 if same else FAILED
    if output is None:
        invocation.terminal.text(text)
        return 0
    output.write_text(text, encoding="utf-8")
    _tell(invocation, output, "written", True)
    return 0


def _tell(invocation: Invocation, path: Path, words: str, ok: bool) -> None:
    if invocation.options.as_json:
        invocation.terminal.document({"file": str(path), "current": ok})
    else:
        suffix = "" if ok else f" {path}"
        invocation.terminal.say(invocation.terminal.clean(f"{path}: {words}{suffix}"))
