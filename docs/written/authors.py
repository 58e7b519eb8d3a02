"""hooks.md and python-face.md: what authors of plugins meet."""

from __future__ import annotations

import inspect
from importlib import import_module

import syncline
from syncline import hooks

from .markdown import table, words


def hook_page() -> str:
    """hooks.md: what a package may implement."""
    found = {name: each for name, each in vars(hooks).items() if name.startswith("syncline_")}
    rows = []
    for name, hook in found.items():
        signature = str(inspect.signature(hook)).replace("typing.", "").replace("'", "")
        rows += [f"## {name}", f"`{name}{signature}`", words(inspect.getdoc(hook) or "")]
    return "\n\n".join(["# Hooks", inspect.getdoc(hooks) or "", *rows])


def face() -> str:
    """python-face.md: everything a plugin imports."""
    rows = []
    for name in syncline.__all__:
        thing = getattr(syncline, name)
        rows.append((f"`{name}`", _kind(thing), _first_line(name, thing)))
    text = (
        "Everything that a plugin imports: `from syncline import …`. Nothing else of the core is a promise,\n"
        "but `syncline.testing` for the tests of a plugin."
    )
    return "\n\n".join(["# The Python face", text, table(("name", "is", "meaning"), rows)])


def _kind(thing: object) -> str:
    if isinstance(thing, type):
        return "error" if issubclass(thing, Exception) else "class"
    return "function" if inspect.isfunction(thing) else "value"


def _first_line(name: str, thing: object) -> str:
    """The first paragraph of the docstring; for a value, the text below it in its module."""
    if isinstance(thing, type) or inspect.isfunction(thing):
        return words((inspect.getdoc(thing) or "").split("\n\n")[0])
    for room in ("batch", "plugin", "secrets", "sql", "hooks"):
        module = import_module(f"syncline.{room}")
        if name in vars(module):
            following = inspect.getsource(module).partition(f"\n{name} = ")[2].split("\n", 1)[1:]
            text = following[0] if following else ""
            if text.startswith('"""'):
                return words(text[3:].partition('"""')[0])
    return PLAIN[name]


PLAIN = {
    "ACCEPTED": "The result of a lead that was taken: `Result(ResultKind.ACCEPTED)`.",
    "Pages": "What `Source.read` returns: a generator of `Page` that returns an `End`.",
    "hookimpl": "Marks a function of your package as the implementation of a hook: see [hooks](hooks.md).",
}
