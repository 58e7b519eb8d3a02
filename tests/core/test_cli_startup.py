"""What the command line loads, and how it presents itself."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
from syncline.cli import root
from syncline.cli.group import NAMES

LOADED = """
import sys
from syncline.cli import main
code = main(sys.argv[1:])
own = sorted(name for name in sys.modules if name.startswith("syncline."))
foreign = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
print("LOADED", code, ",".join(sorted(foreign)), ",".join(own))
"""


def loaded(*arguments: str) -> tuple[int, set[str], list[str]]:
    """The exit code, the foreign packages and the modules of syncline that a command line imports."""
    made = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True)
    code, foreign, own = made.stdout.splitlines()[-1].removeprefix("LOADED ").split(" ")
    return int(code), set(foreign.split(",")), own.split(",")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"]])
def test_help_imports_click_and_nothing_else_that_is_foreign(arguments: list[str]) -> None:
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print(','.join({n.partition('.')[0] for n in sys.modules}))"],
        capture_output=True,
        text=True,
        check=True,
    )
    code, foreign, own = loaded(*arguments)
    assert code == 0
    assert foreign - set(bare.stdout.strip().split(",")) <= {"click", "syncline", "__main__"}
    beside = {name for name in own if not name.startswith("syncline.cli")}
    assert beside <= {"syncline.clock", "syncline.decision", "syncline.errors"}


def test_a_command_imports_only_its_own_module() -> None:
    _, _, own = loaded("run", "--help")
    assert [name for name in own if name.startswith("syncline.cli.commands.")] == ["syncline.cli.commands.run"]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself_with_an_example_and_takes_the_shared_options(name: str) -> None:
    command = root.get_command(None, name)  # type: ignore[arg-type]  # the group needs no context
    assert command is not None
    assert command.name == name
    assert command.help is not None
    assert f"Example:\n  syncline {name}" in inspect.cleandoc(command.help).replace("\b\n", "")
    options = {option for parameter in command.params for option in parameter.opts}
    assert options >= {"--json", "--debug", "--ledger", "--connections", "--log-format", "--no-color"}


def test_every_option_says_what_it_does() -> None:
    mute = [
        f"{name} {option.opts[0]}"
        for name in NAMES
        for option in root.get_command(None, name).params  # type: ignore[union-attr,arg-type]  # see above
        if option.opts[0].startswith("-") and not getattr(option, "help", None)
    ]
    assert mute == []
