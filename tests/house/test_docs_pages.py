"""What the documentation claims holds: its links, its YAML, its command lines, its lists."""

from __future__ import annotations

import re
import shlex
import tomllib
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import click
import pytest
import test_floors
import yaml
from docs_pages import DOCS, PAGES, ROOT, Block, anchors, blocks, commands, links, prose
from syncline import executor, serve
from syncline.cli import Invocation, root
from syncline.cli.group import NAMES
from syncline.cli.options import Options
from syncline.ledger import firings, runs
from syncline.notices import Notice
from syncline.notices.observer import FLUSH
from syncline.registry import GROUP, Registry, installed
from syncline.spec import Degraded, checker_of, guards, load_paths, load_settings, retrieval
from syncline.spec.notification_keys import EVENTS
from syncline.telemetry import METRICS
from syncline_marketinghub import api
from syncline_zoho.data_centers import DATA_CENTERS
from syncline_zoho.products import TRAITS, Product

ACME = ROOT / "tests" / "fixtures" / "acme_source" / "src"
WRITTEN = [page for page in PAGES if page.parent.name != "reference"]
YAML = [block for page in PAGES for block in blocks(page, "yaml")]
KINDS = ("spec", "part", "overlay", "connections", "settings", "acme", "fair", "prometheus")


def test_every_link_leads_somewhere() -> None:
    broken = []
    for page in [*PAGES, *(ROOT / "plugins").glob("*/README.md"), ROOT / "deploy" / "README.md"]:
        for link in links(page):
            path, _, anchor = link.partition("#")
            if "://" in link:
                continue
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert broken == []


def test_every_page_is_on_the_map() -> None:
    reached = {(DOCS / link.partition("#")[0]).resolve() for link in links(DOCS / "index.md")}
    pages = {page.resolve() for page in DOCS.rglob("*.md")} - {(DOCS / "index.md").resolve()}
    assert sorted(pages - reached) == []


# ------------------------------------------------------------------------------------------------------- YAML


def test_every_yaml_block_says_what_it_is() -> None:
    """Its kind, and after it the file that it is, where a reader is to write one."""
    assert [str(block) for block in YAML if block.words[1:2] not in [(kind,) for kind in KINDS]] == []
    assert [str(block) for block in YAML if len(block.words) > 3] == []


@pytest.mark.parametrize("block", [each for each in YAML if each.words[1] in ("spec", "part", "acme", "fair")], ids=str)
def test_every_spec_on_a_page_is_valid(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = block.words[1]
    (tmp_path / "connections.yaml").write_bytes((ROOT / "configs" / "connections.yaml").read_bytes())
    spec = tmp_path / "spec.yaml"
    spec.write_text(block.text if kind == "spec" else merged(block), encoding="utf-8")
    loaded = load_paths([spec], plugins(kind, tmp_path, monkeypatch))
    assert [str(fault) for fault in loaded.faults] == []


@pytest.mark.parametrize("block", [each for each in YAML if each.words[1] == "overlay"], ids=str)
def test_every_overlay_on_a_page_lies_over_the_shipped_spec(block: Block, tmp_path: Path) -> None:
    for name in ("connections.yaml", "webinar-signups.yaml"):
        (tmp_path / name).write_bytes((ROOT / "configs" / name).read_bytes())
    overlay = tmp_path / "overlays" / "prod"
    overlay.mkdir(parents=True)
    (overlay / "webinar-signups.yaml").write_text(block.text, encoding="utf-8")
    assert [str(fault) for fault in load_paths([overlay], installed()).faults] == []


def merged(block: Block) -> str:
    """The shipped spec with the keys of a part in place of its own; a mapping is added to."""
    shipped: dict[str, Any] = read((ROOT / "configs" / "webinar-signups.yaml").read_text(encoding="utf-8"))
    part = read(block.text)
    if block.words[1] != "part":
        shipped["mapping"] = {}
    del shipped["tests"]
    mapping = shipped["mapping"] | part.get("mapping", {})
    return yaml.dump(shipped | part | {"mapping": mapping}, Dumper=yaml.SafeDumper, allow_unicode=True, sort_keys=False)


def read(text: str) -> dict[str, Any]:
    """YAML whose scalars all stay text, but true and false."""
    loaded = yaml.load(text, Loader=yaml.BaseLoader)
    found: dict[str, Any] = typed(loaded)
    return found


def typed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: typed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [typed(each) for each in value]
    if value in ("true", "false"):
        return value == "true"
    return int(value) if isinstance(value, str) and re.fullmatch("[1-9][0-9]{0,8}", value) else value


def plugins(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The installed plugins; for pages about plugins also those that they show."""
    if kind not in ("acme", "fair"):
        return installed()
    module = {"acme": "syncline_acme", "fair": "fair_of_the_page"}[kind]
    page = DOCS / "how-to" / "write-a-plugin.md"
    (folder / "fair_of_the_page.py").write_text(blocks(page, "python")[0].text, encoding="utf-8")
    monkeypatch.syspath_prepend(ACME)
    monkeypatch.syspath_prepend(folder)
    both = Registry([EntryPoint(kind, module, GROUP)])
    assert both.broken == []
    for offer in installed().offers():
        both._add(offer)
    return both


def test_code_of_the_example_package_is_quoted_as_it_is() -> None:
    source = (ACME / "syncline_acme" / "__init__.py").read_text(encoding="utf-8")
    quoted = blocks(DOCS / "how-to" / "write-a-plugin.md", "python", "acme")
    assert quoted
    assert [str(block) for block in quoted if block.text.strip() not in source] == []
    assert '[project.entry-points.syncline]\nacme = "syncline_acme"' in (ACME.parent / "pyproject.toml").read_text()


@pytest.mark.parametrize("block", [each for each in YAML if each.words[1] == "connections"], ids=str)
def test_every_connections_file_on_a_page_is_valid(block: Block, tmp_path: Path) -> None:
    spec = tmp_path / "webinar-signups.yaml"
    spec.write_bytes((ROOT / "configs" / "webinar-signups.yaml").read_bytes())
    (tmp_path / "connections.yaml").write_text(block.text, encoding="utf-8")
    assert [str(fault) for fault in load_paths([spec], installed()).faults] == []


@pytest.mark.parametrize("block", [each for each in YAML if each.words[1] == "settings"], ids=str)
def test_every_settings_file_on_a_page_is_valid(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "syncline.yaml"
    path.write_text(block.text, encoding="utf-8")
    assert load_settings(path, checker_of(installed()))[1] == []


WATCH = DOCS / "how-to" / "watch-with-prometheus.md"


def test_every_metric_is_explained() -> None:
    told = [(row[0], row[1], row[2], row[3]) for row in rows(WATCH) if len(row) == 4 and row[0] != "metric"]
    assert told == [
        (f"`{each.prometheus}`", each.kind, ", ".join(f"`{label}`" for label in each.labels), each.meaning)
        for each in METRICS.values()
    ]


def test_alerts_on_a_page_look_at_metrics_and_labels_that_exist() -> None:
    series = {each.prometheus + suffix: each for each in METRICS.values() for suffix in ("", "_bucket")}
    alerts = [
        rule for block in blocks(WATCH, "yaml") for group in read(block.text)["groups"] for rule in group["rules"]
    ]
    assert len(alerts) > 2
    for rule in alerts:
        names = re.findall(r"syncline_\w+", rule["expr"])
        assert names
        assert [name for name in names if name not in series] == [], rule["alert"]
        labels = {label for name in names for label in series[name].labels}
        assert set(re.findall(r"(\w+)=", rule["expr"])) <= labels, rule["alert"]


def test_the_message_on_the_page_is_what_people_get() -> None:
    page = DOCS / "how-to" / "be-notified.md"
    counts = {"total": 120, "new": 100, "re_added": 0, "duplicate": 0, "ignored": 20, "rejected": 0, "unknown": 0}
    run = {"run": "20261123-040000-5f0c", "trigger": "schedule", "status": "failed", "counts": counts}
    notice = Notice(
        "failed",
        "webinar-signups",
        datetime(2026, 11, 23, 4, tzinfo=UTC),
        "api.example.com: the mailing list is gone",
        run=run | {"ignored": {"empty_email": 15, "bounced": 5, "do_not_mail": 0}},
        failures=3,
        since=datetime(2026, 11, 22, 4, tzinfo=UTC),
        host="etl-1",
    )
    assert blocks(page, "text")[0].text == notice.text + "\n"


def test_every_event_is_explained() -> None:
    told = [row[0].strip("`") for row in rows(DOCS / "how-to" / "be-notified.md") if row[0] != "event"]
    assert told == list(EVENTS)


# ---------------------------------------------------------------------------------------------- command lines

REDIRECTED = re.compile(r" (?:2?>>?|\||&)(?: |$)")
SHELL = [(block, line) for page in PAGES for block in blocks(page, "sh") for line in commands(block)]


def test_every_command_line_is_one_that_syncline_takes() -> None:
    taken = 0
    for block, line in SHELL:
        words = shlex.split(REDIRECTED.split(line)[0], comments=True)
        if words[0] != "syncline":
            continue
        name, *arguments = words[1:]
        context = click.Context(root, obj=Invocation(Options()))
        command = root.get_command(context, name)
        assert command is not None, f"{block}: there is no command {name}"
        try:
            command.make_context(name, arguments, parent=context)
        except click.ClickException as error:
            pytest.fail(f"{block}: {line}: {error.format_message()}")
        taken += 1
    assert taken > len(NAMES)


def test_every_command_named_in_a_sentence_exists() -> None:
    strays = []
    for page in WRITTEN:
        for words in re.findall(r"`syncline ([^`-][^`]*)`", prose(page)):
            name, *rest = words.split()
            context = click.Context(root)
            command = root.get_command(context, name)
            options = {each for parameter in command.params for each in parameter.opts} if command else set()
            if not command or [word for word in rest if word.startswith("--") and word not in options]:
                strays.append(f"{page.relative_to(ROOT)}: syncline {words}")
    assert strays == []


def test_every_make_target_exists() -> None:
    rules = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for page in WRITTEN for word in re.findall(r"`make ([a-z]+)`", prose(page))}
    named |= {line.split()[1] for _, line in SHELL if line.startswith("make ")}
    assert named - rules == set()


# ------------------------------------------------------------------------------------------------------ lists


def requirements(path: Path) -> set[str]:
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    return {name(each) for each in project["dependencies"]}


def name(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement)[0]


def rows(page: Path) -> list[list[str]]:
    """The cells of all table rows of a page."""
    lines = [line for line in prose(page).splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_library_has_its_one_reason() -> None:
    projects = {path.parent.name: requirements(path) for path in (ROOT / "plugins").glob("*/pyproject.toml")}
    projects["core"] = requirements(ROOT / "pyproject.toml")
    needed = {each for names in projects.values() for each in names if not each.startswith("syncline")}
    files = ("requirements-dev.txt", "requirements-check.txt")
    lines = [line for file in files for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]
    development = {name(line) for line in lines if line and not line.startswith("#")}
    table = {row[0]: row for row in rows(DOCS / "explanation" / "dependencies.md") if row[0] != "library"}
    assert set(table) == needed | development
    for library in needed:
        by = {project for project, names in projects.items() if library in names}
        told = set(table[library][2].replace("all plugins", ", ".join(projects.keys() - {"core"})).split(", "))
        assert told == by, library


def test_the_picture_of_the_house_is_the_law() -> None:
    text = (DOCS / "explanation" / "house.md").read_text(encoding="utf-8")
    drawn = blocks(DOCS / "explanation" / "house.md", "text")[0].text.replace(" (the face)", "")
    assert [set(line.split()) for line in drawn.splitlines()] == list(reversed(test_floors.FLOORS))
    told = {row[0]: set(re.findall(r"`(\w+)`", row[1])) for row in rows(DOCS / "explanation" / "house.md")}
    assert {library: rooms for library, rooms in told.items() if library != "library"} == test_floors.ROOMS
    assert [path.name for path in test_floors.PLUGINS if f"plugins/{path.name} " not in text] == []


def test_every_word_stands_once_in_the_glossary_in_order() -> None:
    words = re.findall(r"^\*\*([^*]+)\*\*: ", (DOCS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert words == sorted(set(words))
    assert {"source", "sink", "batch", "run", "ledger", "audience", "outcome", "reason", "window"} <= set(words)


def test_decisions_are_numbered_and_have_three_parts() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))
    for number, page in enumerate(pages, 1):
        text = page.read_text(encoding="utf-8")
        assert page.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        assert [part for part in ("**Context.**", "**Decision.**", "**Consequence.**") if part not in text] == []


def test_the_tutorial_knows_every_data_centre_and_every_scope() -> None:
    page = DOCS / "tutorial.md"
    told = {row[0].strip("`"): (row[1].strip("<>"), row[2].strip("`")) for row in rows(page) if len(row) == 3}
    hosts = {key: (each.console, each.accounts) for key, each in DATA_CENTERS.items()}
    assert {key: told[key] for key in told if key != "data centre"} == hosts
    scopes = ",".join((*TRAITS[Product.CREATOR].scopes, *TRAITS[Product.MARKETINGHUB].scopes))
    assert f"{scopes}\n" in [block.text for block in blocks(page, "text")]


def test_the_numbers_on_the_pages_are_those_of_the_code() -> None:
    """Each sentence is made of the constants, and must stand on its page word for word."""
    lead, field, minute = api.LEAD_CALLS, api.FIELD_CALLS, TRAITS[Product.CREATOR].limit
    assert minute is not None
    assert FLUSH == 10
    held = f"ore than {guards.LEADS} people and more than {guards.PERCENT:g} %"
    alive = f"every {executor.heartbeat.HEARTBEAT:.0f} seconds. It is free after {runs.FREE_AFTER.seconds} seconds"
    usual = Degraded()
    round_, waits = serve.loop, [firings.wait_after(n).seconds // 60 for n in range(1, 9)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert executor.heartbeat.HEARTBEAT == round_.BEAT
    assert (firings.FIRST_WAIT.seconds, firings.LONGEST_WAIT.seconds) == (60, 3600)
    silence, interval = runs.FREE_AFTER.seconds, option("serve", "interval")
    assert "60s" in f"{interval.default} {interval.help}"
    shares = (
        f"the limits are {usual.ignored:.0%} and {usual.rejected:.0%}, and runs with fewer than {usual.leads} leads"
    )
    sentences = {
        "be-notified.md": (shares, "what is still waiting is sent within ten seconds"),
        "budgets.md": (
            f"{lead.calls} calls in {lead.window / 60:.0f} minutes for each of its calls, and {field.calls} for the",
            f"out of that call for {lead.lock / 60:.0f} minutes. Creator allows {minute.calls} calls a minute",
            f"and {lead.slack:.0f} seconds are added to the window",
        ),
        "why-nothing-is-lost.md": (held, alive),
        "the-run-loop.md": (
            f"when a run has ended, and every {round_.LOOK.seconds} seconds",
            f"every {round_.RECLAIM.seconds} seconds over the firings",
            f"It is looked at again after {round_.LOOK.seconds} seconds",
            f"a sign of life every {round_.BEAT:.0f} seconds",
            f"Others take over what it left behind after {silence} seconds",
            "the sync rests for 1, 2, 4 minutes and so on, up to 60",
            f"on record as skipped, up to {round_.MOST_PASSED_OVER} of them",
            f"A loop that did not come round for {round_.ASLEEP.seconds} seconds was asleep",
            f"never takes more than a {ORDINALS[round_.SHARE]} of the time",
        ),
        "0029-firings-live-in-the-ledger.md": (
            "rests for a minute, then twice as long each time, up to an hour",
            f"at {option('serve', 'runs').default} runs at once",
        ),
        "0030-a-folder-is-looked-at.md": (
            f"every {round_.LOOK.seconds} seconds one listing",
            f"in steps of {serve.folder.SLICE} files",
            f"at most a {ORDINALS[round_.SHARE]} of the time",
        ),
        "run-syncs-when-due.md": (
            f"`--runs {option('serve', 'runs').default}` is the default",
            "looked at every `--interval` (60s)",
            "tried again after 1 minute, then after 2, 4, 8, and so on up to an hour",
            "after a minute without a sign of life",
        ),
        "forget-a-person.md": (held,),
        "hold-and-approve.md": (f"here more than {guards.LEADS} leads *and* more than {guards.PERCENT:g} %",),
        "write-a-spec.md": (
            f"looks back {retrieval.REACH.days} days",
            f"at most {retrieval.REACH.days} days before the sync",
        ),
    }
    texts = {page.name: " ".join(page.read_text(encoding="utf-8").split()) for page in DOCS.rglob("*.md")}
    assert [each for name, found in sentences.items() for each in found if each not in texts[name]] == []


ORDINALS = {100: "hundredth"}


def option(command: str, name: str) -> click.Option:
    """An option of a command."""
    found = root.get_command(click.Context(root, obj=Invocation(Options())), command)
    assert found is not None
    (option,) = [each for each in found.params if each.name == name]
    assert isinstance(option, click.Option)
    return option


def test_nobody_on_a_page_is_real() -> None:
    reserved = re.compile(r"(^|\.)example\.(com|org|net)$")
    misspelt = {"gnail.com", "gmail.com", "example..com"}
    found = {
        address
        for page in PAGES
        for address in re.findall(r"[\w.+-]+@([\w-]+(?:\.+[\w-]+)+)", page.read_text(encoding="utf-8").lower())
    }
    assert [domain for domain in sorted(found) if not reserved.search(domain) and domain not in misspelt] == []
