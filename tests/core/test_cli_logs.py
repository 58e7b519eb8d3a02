"""Logs on standard error."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from shelf import Shelf, Table
from structlog.contextvars import clear_contextvars
from syncline.cli import logs
from syncline.cli.options import Options
from syncline.console import Terminal
from syncline.ledger import Ledger, RunRecord
from syncline.plugin import Pages, Partition, Result
from syncline.registry import Offer
from syncline.secrets import Redactor
from workshop import Workshop, person

LOG = logging.getLogger("syncline")


@pytest.fixture(autouse=True)
def former() -> Iterator[None]:
    """Give the root logger its handlers back."""
    root = logging.getLogger()
    handlers, level, own = root.handlers[:], root.level, LOG.level
    yield
    clear_contextvars()
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


def test_a_line_outside_of_runs_names_its_sync_itself(redactor: Redactor, capsys: pytest.CaptureFixture[str]) -> None:
    configured(redactor)
    LOG.warning("next try at 10:00", extra={"sync": "signups", "password": "x"})
    assert capsys.readouterr().err == "warning: next try at 10:00 (sync=signups)\n"


def test_people_are_told_of_what_goes_well_by_a_process_that_stays(
    redactor: Redactor, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(Options(), Terminal(redactor), serving=True).syncline_run_started({"run": "1", "sync": "signups"})
    LOG.info("the run started")
    LOG.debug("a detail")
    line = capsys.readouterr().err
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d info: the run started \(run=1 sync=signups\)\n", line)


class Talking(Table):
    """Says so when it is read, while the other sync is read too."""

    name = "talking"
    both = threading.Barrier(2)

    def read(self, partition: Partition, since: str | None) -> Pages:
        self.both.wait(30)
        LOG.info("reading")
        return (yield from super().read(partition, since))


class Telling(Shelf):
    """Says so when it delivers."""

    name = "telling"

    def deliver(self, leads: pl.DataFrame) -> Sequence[Result]:
        LOG.info("delivering")
        return super().deliver(leads)


def test_each_line_of_two_syncs_that_run_at_once_names_its_own_run(
    tmp_path: Path, ledger: Ledger, redactor: Redactor, capsys: pytest.CaptureFixture[str]
) -> None:
    names = configured(redactor, log_format="json")

    def started(name: str) -> RunRecord:
        shop = Workshop(tmp_path / name, ledger)
        shop.registry._add(Offer("source", "talking", Talking, "tests", "1"))
        shop.registry._add(Offer("sink", "telling", Telling, "tests", "1"))
        shop.registry.add_observer("syncline.logs", names)
        shop.records([person(each) for each in ("ann", "ben", "cem", "dan")])
        return shop.executor.run(shop.bound(name=name, source={"type": "talking"}, sink={"type": "telling"}))

    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(started, ("autumn", "spring")))
        list(pool.map(lambda name: LOG.info("between runs"), range(4)))
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    said = Counter((line.get("sync"), line.get("run"), line["event"]) for line in lines)
    expected = {(run.sync, run.id, "reading"): 1 for run in runs} | {
        (run.sync, run.id, "delivering"): 4 for run in runs
    }
    assert said == expected | {(None, None, "between runs"): 4}


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
