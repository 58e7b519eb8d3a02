"""cli.md: every command, and the exit codes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping

import click
from syncline.cli import root
from syncline.cli.group import NAMES

from .markdown import table, words

EXITS: Mapping[int, str] = {
    0: "Done.",
    1: "Failed or interrupted. Also: the sync became inactive in this run, or a check found something wrong.",
    2: "Bad usage, a fault in a file, or a spec test that failed.",
    3: "Plugin trouble: missing, broken, doubled, or it broke its contract.",
    4: "Finished, but some leads were rejected or are unknown.",
    5: "Refused: the sync is inactive, paused or completed; an approval was used, a plan is void, a run was undone.",
    6: "Held by a guard: what it holds waits for `approve`.",
    7: "Another process is running this sync.",
}


def command_line() -> str:
    """cli.md: every command with its options and an example, and the exit codes."""
    context = click.Context(root, info_name="syncline")
    shared = [each for each in root.params if isinstance(each, click.Option)]
    sections = [
        "# The command line",
        words((root.help or "").split("\n\n")[0]),
        "## Options of every command",
        "They may stand before or after the command; the later one wins.",
        table(("option", "meaning"), [_option(each) for each in shared if each.name != "version"]),
        "## Exit codes",
        table(("code", "meaning"), [(f"`{code}`", text) for code, text in EXITS.items()]),
    ]
    common = {name for each in shared for name in each.opts}
    for name in NAMES:
        command = root.get_command(context, name)
        if command is not None:
            sections += _command(command, common)
    return "\n\n".join(sections)


def _command(command: click.Command, common: set[str]) -> Iterator[str]:
    context = click.Context(command, info_name=f"syncline {command.name}")
    usage = " ".join(command.collect_usage_pieces(context))
    text, _, example = inspect.cleandoc(command.help or "").partition("\b\n")
    yield f"## {command.name}"
    yield f"`syncline {command.name} {usage}`".replace(" `", "`")
    yield from (words(paragraph) for paragraph in text.strip().split("\n\n"))
    own = [each for each in command.params if isinstance(each, click.Option) and not common & set(each.opts)]
    if own:
        yield table(("option", "meaning"), [_option(each) for each in own])
    lines = [line.strip() for line in example.strip().splitlines()[1:]]
    yield "\n".join(["```sh", *lines, "```"])


def _option(option: click.Option) -> tuple[str, str]:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    if isinstance(option.type, click.Choice):
        names += f" {', '.join(str(each) for each in option.type.choices)}"
    elif not option.is_flag:
        names += f" {option.metavar or option.type.name.upper().split(' ')[0]}"
    default = f" Default: {option.default}." if option.show_default else ""
    return names, f"{words(option.help or '')}{default}"
