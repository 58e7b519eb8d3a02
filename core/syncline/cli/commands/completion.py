"""`syncline completion`: the script that makes a shell complete commands, specs, syncs and runs."""

from __future__ import annotations

import click

from ..invocation import Invocation
from ..options import command

PLACES = {
    "bash": "~/.local/share/bash-completion/completions/syncline",
    "zsh": "a folder of $fpath, as the file _syncline (for example ~/.zfunc/_syncline)",
    "fish": "~/.config/fish/completions/syncline.fish",
}


@command()
@click.argument("shell", type=click.Choice(list(PLACES)))
def completion(invocation: Invocation, shell: str) -> int:
    """Print the completion script of SHELL; where to put it is said on standard error.

    \b
    Example:
      syncline completion bash > ~/.local/share/bash-completion/completions/syncline
    """
    from click.shell_completion import get_completion_class

    from .. import root

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    script = found(root, {}, "syncline", "_SYNCLINE_COMPLETE").source()
    if invocation.options.as_json:
        invocation.terminal.document({"shell": shell, "script": script, "place": PLACES[shell]})
        return 0
    invocation.terminal.text(script + "\n")
    invocation.terminal.tell(f"Put this into {PLACES[shell]}, and open a new shell.")
    return 0
