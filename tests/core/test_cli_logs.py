"""Logs on standard error."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from syncline.cli import logs
from syncline.cli.options import Options
from syncline.console import Terminal
from syncline.secrets import Redactor

LOG = logging.getLogger("syncline")


@pytest.fixture(autouse=True)
def former() -> Iterator[None]:
    """Give the root logger its handlers back."""
    root = logging.getLogger()
    handlers, level, own = root.handlers[:], root.level, LOG.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    LOG.setLevel(own)


@pytest.fixture
def redactor() -> Redactor:
    known = Redactor()
    known.add("correct-horse")
    return known


def test_a_plugin_is_heard_with_debug(redactor: Redactor, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Options(debug=True), Terminal(redactor), ["syncline_acme"])
    logging.getLogger("syncline_acme.reading").debug("a page of %d", 3)
    assert capsys.readouterr().err == "debug: a page of 3\n"


def configured(redactor: Redactor, **options: object) -> logs.Names:
    return logs.configure(Options(**options), Terminal(redactor))  # type: ignore[arg-type]  # plain keywords


def test_a_json_line_carries_the_run_and_the_sync(redactor: Redactor, capsys: pytest.CaptureFixture[str]) -> None:
    names = configured(redactor, log_format="json")
    names.syncline_run_started({"run": "20261123-1", "sync": "signups"})
    LOG.info("read %d", 5)
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "read 5"
    assert (line["run"], line["sync"], line["level"]) == ("20261123-1", "signups", "info")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("form", ["people", "json"])
def test_no_secret_and_no_control_character_passes(
    form: str, redactor: Redactor, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(redactor, log_format=form, debug=True)
    try:
        raise ValueError("correct-horse\x1b[2J")
    except ValueError:
        LOG.warning("the token %s failed \x1b[31m\u202e", "correct-horse", exc_info=True)
    said = capsys.readouterr().err
    assert "correct-horse" not in said
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "ValueError" in said


def test_people_see_warnings_without_stack_traces(redactor: Redactor, capsys: pytest.CaptureFixture[str]) -> None:
    configured(redactor)
    LOG.info("a detail")
    try:
        raise ValueError("why")
    except ValueError:
        LOG.warning("observer failed", exc_info=True)
    assert capsys.readouterr().err == "warning: observer failed\n"


def test_libraries_that_log_headers_and_rows_are_quiet_even_with_debug(
    redactor: Redactor, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(redactor, debug=True)
    logging.getLogger("httpcore.http11").debug("send_request_headers authorization")
    logging.getLogger("sqlalchemy.engine").debug("Row ('ann@example.com',)")
    logging.getLogger("httpx").info("GET https://example.com/?email=ann@example.com")
    assert capsys.readouterr().err == ""
