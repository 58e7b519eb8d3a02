"""Questions and answers: on a terminal somebody is asked, elsewhere an answer that is missing is a usage error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import click

from ...console import Terminal
from ...console.tables import numbered
from ...plugin import Choice
from .answers import is_text
from .choosing import SHOWN, exact, found, nearest, rows

STOPPED = "stopped: nothing was written"
NO_TEXT = "\udc80"
"""What Python makes of bytes that are no text."""

Check = Callable[[str], str]
"""Why an answer will not do; empty when it will."""


def anything(answer: str) -> str:
    """Every answer will do."""
    return ""


class Asker:
    """`yes`: what is proposed is taken without a question. Notes and questions go to standard error."""

    def __init__(self, terminal: Terminal, *, yes: bool) -> None:
        self.terminal = terminal
        self.interactive = sys.stdin is not None and sys.stdin.isatty()
        self._yes = yes
        self.warnings: list[str] = []

    @property
    def asks(self) -> bool:
        """Whether what is proposed is shown first, and may be changed."""
        return self.interactive and not self._yes

    def note(self, text: str) -> None:
        """Something to know, on the way."""
        for line in text.split("\n"):
            self.terminal.tell(self.terminal.clean(line))

    def warn(self, text: str) -> None:
        """Something to look at; it is kept for the end, too."""
        if text not in self.warnings:
            self.warnings.append(text)
        self.note(f"! {text}")

    def line(self, prompt: str) -> str:
        """One line of somebody's; the end of the input and Ctrl-C stop everything."""
        while True:
            try:
                answer = self.terminal.asked(prompt)
            except KeyboardInterrupt:
                raise click.Abort(STOPPED) from None
            except UnicodeDecodeError:
                answer = NO_TEXT
            if answer is None:
                raise click.Abort(STOPPED)
            if is_text(answer):
                return answer
            self.note("  that is not valid Unicode: type it again")

    def text(
        self, question: str, *, flag: str, proposed: str | None = None, optional: bool = False, check: Check = anything
    ) -> str:
        """An answer in words; "" only for an `optional` one."""
        if optional and not self.asks:
            return proposed or ""
        if self._yes and proposed is not None and not check(proposed):
            return proposed
        if not self.interactive:
            raise missing(flag, proposed)
        hint = f" [{proposed}]" if proposed else " (may stay empty)" if optional else ""
        while True:
            answer = self.line(f"{question}{hint}: ") or proposed or ""
            if not answer and optional:
                return ""
            why = check(answer) if answer else "an answer is needed"
            if not why:
                return answer
            self.note(f"  {why}")

    def choose(
        self,
        question: str,
        choices: Sequence[Choice],
        *,
        flag: str,
        proposed: str | None = None,
        optional: bool = False,
    ) -> Choice | None:
        """One of the choices, by its number, its name, or a part of it; None only for an `optional` one."""
        taken = next((each for each in choices if each.value == proposed), None)
        taken = taken or next((each for each in choices if each.proposed), None)
        if (taken is not None and self._yes) or (optional and not self.asks):
            return taken
        if not self.interactive:
            raise missing(flag, taken.value if taken else None, choices)
        self.note(f"\n{question}")
        self._show(choices, range(len(choices)))
        none = "; - for none" if optional else ""
        hint = f" [{taken.value}{none}]" if taken else " [none]" if optional else ""
        while True:
            typed = self.line(f"number or name{hint}: ")
            if not typed and (taken or optional):
                return taken
            if optional and typed == "-":
                return None
            places = found(choices, typed) if typed else []
            if len(places) == 1:
                return choices[places[0]]
            if places:
                self._show(choices, places)
            else:
                self.note(f"  nothing is called {typed!r}{nearest(choices, typed)}" if typed else "  choose one")

    def given(self, answer: str, choices: Sequence[Choice], flag: str) -> Choice:
        """The choice that a flag names."""
        choice = exact(choices, answer)
        if choice is None:
            raise click.UsageError(f"{flag}: {answer!r} is not there{nearest(choices, answer)}")
        return choice

    def confirm(self, question: str) -> bool:
        """Yes, unless somebody says no."""
        return not self.asks or self.line(f"{question} [Y/n] ").casefold() not in ("n", "no")

    def _show(self, choices: Sequence[Choice], places: Sequence[int]) -> None:
        self.terminal.tell(numbered(self.terminal, rows(choices, places)))
        if len(places) > SHOWN:
            self.note(f"      and {len(places) - SHOWN:,} more: type a part of the name")


def missing(flag: str, proposed: str | None, choices: Sequence[Choice] = ()) -> click.UsageError:
    """The error for an answer that nobody is there to give."""
    text = f"{flag} is needed where nobody can be asked"
    if proposed:
        text += f"; --yes takes what is proposed, {proposed}"
    elif choices:
        more = f" and {len(choices) - SHOWN} more" if len(choices) > SHOWN else ""
        text += f"; there is {', '.join(each.value for each in choices[:SHOWN])}{more}"
    return click.UsageError(text)
