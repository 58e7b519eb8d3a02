"""Everything a command says goes through the terminal."""

from __future__ import annotations

import io
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from syncline.console import Terminal, result, tables
from syncline.decision import DEFAULT_REASONS, Counts, Outcome
from syncline.ledger import RunRecord
from syncline.plugin import Check
from syncline.secrets import MASK, Redactor

SECRET = "2026"
Said = pytest.CaptureFixture[str]


def terminal() -> Terminal:
    redactor = Redactor()
    redactor.add(SECRET)
    return Terminal(redactor)


def run(**changes: object) -> RunRecord:
    """A run of which every outcome is in use."""
    counts = Counts()
    for outcome, reason, n in (
        (Outcome.NEW, "added", 1200),
        (Outcome.DUPLICATE, "updated", 3),
        (Outcome.DUPLICATE, "unchanged", 4),
        (Outcome.IGNORED, "bounced", 2),
        (Outcome.IGNORED, "embargo", 1),
        (Outcome.REJECTED, "2007", 5),
        (Outcome.UNKNOWN, "answer_lost", 6),
    ):
        counts.add(outcome, reason, n)
    at = datetime(2025, 11, 23, 9, 30, tzinfo=UTC)
    values: dict[str, object] = {
        "id": "20251123-093000-ab12", "sync_id": 1, "sync": "signups", "status": "partial", "trigger": "manual",
        "window": "", "started_at": at, "finished_at": at, "message": "", "cursor": None, "counts": counts,
        "source_calls": 2, "sink_calls": 30, "resumed": False,
    }  # fmt: skip
    return RunRecord(**(values | changes))  # type: ignore[arg-type]  # plain keywords


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_a_document_stays_json_whatever_the_secrets_are(value: object) -> None:
    masked = terminal().masked(value)
    assert json.loads(json.dumps(masked)) == masked


def test_a_secret_in_a_text_is_masked_and_a_number_that_looks_like_it_is_not(capsys: Said) -> None:
    terminal().document({"text": f"pin {SECRET}", "number": int(SECRET), SECRET: [SECRET]})
    said = capsys.readouterr().out
    assert json.loads(said) == {"text": f"pin {MASK}", "number": 2026, MASK: [MASK]}


def test_markup_in_data_is_only_text(capsys: Said) -> None:
    shown = terminal()
    shown.say("[bold]not bold[/bold] :smile:", tables.pairs(shown, {"name": "[red]x[/red]"}))
    said = capsys.readouterr().out
    assert "[bold]not bold[/bold] :smile:" in said
    assert "[red]x[/red]" in said


def test_tables_of_foreign_text_steer_nothing(capsys: Said) -> None:
    shown = terminal()
    shown.say(tables.table(shown, ("email",), [("ann\x1b[2J\u202e@example.com",)], title="t\x1b"))
    shown.say(*tables.checks(shown, [Check("x\x1b", False, "y\x07", "z\u202e")]))
    said = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\u202e"} & set(said)
    assert "✗  x␛" in said


def test_a_row_of_a_table_stays_on_one_line_in_a_pipe(capsys: Said) -> None:
    shown = terminal()
    shown.say(tables.table(shown, ("a", "b"), [("x" * 300, "y" * 300)]))
    assert any("x" * 300 in line and "y" * 300 in line for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_number_of_a_history_is_lost_on_a_narrow_screen(width: int) -> None:
    shown = terminal()
    console = Console(width=width, record=True, file=io.StringIO(), markup=False, highlight=False)
    console.print(tables.history(shown, [run()]), tables.ignored(shown, [run()]))
    words = set(console.export_text().replace(",\n", " ").replace(", ", " ").split())
    assert {"1,221", "1,200", "7", "(3/4)", "5", "6", "20251123-093000-ab12", "embargo"} <= words


def test_the_six_reasons_always_stand_in_a_history_and_others_where_they_occur(capsys: Said) -> None:
    shown = terminal()
    shown.say(tables.ignored(shown, [run()]))
    head = capsys.readouterr().out.splitlines()[1].split()
    assert head == ["run", *DEFAULT_REASONS, "embargo"]


def test_the_result_of_a_run_says_what_to_do_next(capsys: Said) -> None:
    result.show(terminal(), run(message="slow down"))
    said = capsys.readouterr().out
    assert "Rejected, by code: 2007 5" in said
    assert "Unknown, by reason: answer_lost 6" in said
    assert "2 calls to the source, 30 to the sink; 0.0 s" in said
    assert "partial: slow down" in said
    for step in ("--outcome rejected", "syncline retry 20251123-093000-ab12 --unknown", "--outcome ignored"):
        assert step in said


def test_a_run_without_trouble_asks_for_nothing() -> None:
    assert result.steps(run(counts=Counts(), status="succeeded")) == []


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_is_for_terminals_that_want_it(variables: dict[str, str], tmp_path: Path) -> None:
    program = (
        "from syncline.console import Terminal, tables; from syncline.secrets import Redactor\n"
        "t = Terminal(Redactor()); t.say(tables.table(t, ('status',), [('succeeded',)]))"
    )
    assert ("\x1b[32m" in on_a_terminal([sys.executable, "-c", program], variables)) == (variables == {})


def on_a_terminal(command: list[str], variables: dict[str, str]) -> str:
    """What a process writes to a pseudo terminal."""
    import pty

    pid, descriptor = pty.fork()
    if not pid:
        os.environ.pop("NO_COLOR", None)
        os.environ.update({"TERM": "xterm", "COLUMNS": "100"} | variables)
        os.execv(command[0], command)
    found = b""
    while True:
        try:
            block = os.read(descriptor, 4096)
        except OSError:
            break
        if not block:
            break
        found += block
    os.waitpid(pid, 0)
    os.close(descriptor)
    return found.decode()


def test_lines_are_masked_where_one_of_them_holds_a_secret(capsys: Said) -> None:
    terminal().lines({"n": n, "said": f"in {SECRET}" if n == 1500 else "no"} for n in range(2500))
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["n"] for line in lines] == list(range(2500))
    assert {json.loads(line)["said"] for line in lines} == {"no", f"in {MASK}"}
