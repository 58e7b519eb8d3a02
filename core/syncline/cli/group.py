"""The commands by name; the module of each is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

import click

NAMES = (
    "init",
    "validate",
    "schema",
    "plugins",
    "check",
    "preview",
    "run",
    "plan",
    "apply",
    "status",
    "show",
    "schedule",
    "serve",
    "pause",
    "resume",
    "history",
    "leads",
    "explain",
    "retry",
    "approve",
    "undo",
    "forget",
    "render",
    "doctor",
    "notify",
    "completion",
)
"""Every command, in the order in which people meet them. Each is the object NAME in `commands/NAME.py`."""


class Commands(click.Group):
    """A group that imports a command's module when it is asked for, and not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of `NAMES`."""
        return list(NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        if cmd_name not in NAMES:
            return None
        found: click.Command = getattr(import_module(f".commands.{cmd_name}", __package__), cmd_name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each command with the whole first sentence of its help."""
        with formatter.section("Commands"):
            commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
            formatter.write_dl([(name, found.get_short_help_str(limit=200)) for name, found in commands if found])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name suggested for one that does not exist."""
        from difflib import get_close_matches

        name = args[0]
        if name not in NAMES and not name.startswith("-") and not ctx.resilient_parsing:
            close = get_close_matches(name, NAMES, 1)
            hint = f"did you mean {close[0]!r}?" if close else "`syncline --help` lists the commands"
            raise click.UsageError(f"there is no command {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)
