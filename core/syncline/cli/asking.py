"""A last question before something that is not taken back lightly."""

from __future__ import annotations

import sys

import click

from .invocation import Invocation


def confirmed(invocation: Invocation, question: str, *, yes: bool) -> None:
    """Return when somebody says yes, or said so beforehand. Raises `click.Abort`; `click.UsageError` where nobody can
    be asked."""
    if yes:
        return
    if invocation.options.as_json or sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here: say --yes to do it, or --dry-run to look only")
    click.confirm(question, abort=True, err=True)
