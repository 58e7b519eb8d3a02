"""Connections, references and secrets: nothing is resolved before it is used, and nothing that is resolved is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from spec_plugins import CONNECTIONS, SPEC, Form, Hub, HubConfig, ListConfig, Lowercase, MailingList, registry
from syncline import SpecError
from syncline.registry import Registry
from syncline.secrets import Redactor
from syncline.spec import Bound, ConnectionUse, bind, load_paths
from syncline.spec.model import Mapped

TOKEN = "1000.hunter2"


@pytest.fixture(scope="module")
def plugins() -> Registry:
    """One registry for the module, so that its schema is compiled once."""
    return registry()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder; no reference of these tests is set."""
    monkeypatch.chdir(tmp_path)
    for name in ("HUB_TOKEN", "OWNER", "KIND", "BACK", "EVEN", "CAMPAIGN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def faults(plugins: Registry, connections: str, spec: str = SPEC) -> list[str]:
    """The faults of a folder with these two files."""
    Path("connections.yaml").write_text(connections)
    Path("x.yaml").write_text(spec)
    return [str(fault) for fault in load_paths([Path()], plugins).faults]


def bound(plugins: Registry, spec: str = SPEC, connections: str = CONNECTIONS, *, secrets: bool = True) -> Bound:
    """The spec, bound."""
    assert faults(plugins, connections, spec) == []
    loaded = load_paths([Path("x.yaml")], plugins)
    return bind(loaded.specs[0], plugins, loaded.connections[Path("x.yaml")], Redactor() if secrets else None)


# -------------------------------------------------------------------------------------------- connections.yaml


@pytest.mark.parametrize(
    ("connections", "shown"),
    [
        (
            "connections:\n  hub: {type: hub, token: 1000.hunter2}\n",
            "connections.yaml:2:27: connections.hub.token: is a secret: write a reference, "
            "${env:NAME} or ${file:PATH}, never the value",
        ),
        (
            "connections:\n  hub: {type: hub, token: 1000}\n",
            "connections.yaml:2:27: connections.hub.token: is a secret: write a reference, "
            "${env:NAME} or ${file:PATH}, never the value",
        ),
        (
            'connections:\n  hub: {type: hub, token: "${env:T}", spare: [hunter2]}\n',
            "connections.yaml:2:46: connections.hub.spare: is a secret: write a reference, "
            "${env:NAME} or ${file:PATH}, never the value",
        ),
        (
            'connections:\n  hub: {type: hub, tokn: "${env:T}"}\n',
            "connections.yaml:2:20: connections.hub.tokn: unknown key; did you mean 'token'?",
        ),
        (
            'connections:\n  hub: {type: hub, token: "${env:T}", region: uss}\n',
            "connections.yaml:2:47: connections.hub.region: 'uss' is not valid; must be one of eu, us; "
            "did you mean 'us'?",
        ),
        (
            "connections:\n  hub: {type: hubb}\n",
            "connections.yaml:2:15: connections.hub.type: 'hubb' is not an installed connection (hub, other); "
            "did you mean 'hub'?",
        ),
        (
            "connections:\n  hub:\n",
            "connections.yaml:2:7: connections.hub: must be a mapping (key: value), not nothing",
        ),
        ("connections: {}\n", "x.yaml:6:15: source.connection: 'hub' is not in connections.yaml (it is empty)"),
        ("connection: {}\n", "connections.yaml:1:1: connection: unknown key; did you mean 'connections'?"),
        ("", "connections.yaml:1:1: the file is empty"),
        ("a: [", "connections.yaml:2:1: a value is missing here, or a bracket above is not closed"),
    ],
)
def test_a_broken_connection_is_told_and_keeps_its_specs_from_running(
    connections: str, shown: str, plugins: Registry
) -> None:
    found = faults(plugins, connections)
    assert shown in found
    assert "hunter2" not in "".join(found)
    loaded = load_paths([Path("x.yaml")], plugins)
    assert loaded.specs == ()
    assert loaded.faults_of[Path("x.yaml")]


def test_a_broken_connection_that_a_spec_does_not_use_leaves_it_alone(plugins: Registry) -> None:
    found = faults(plugins, CONNECTIONS + "  third: {type: gone}\n")
    assert len(found) == 1
    assert [spec.name for spec in load_paths([Path()], plugins).specs] == ["webinar-signups"]


def test_a_folder_without_connections_says_so_where_one_is_named(plugins: Registry) -> None:
    Path("x.yaml").write_text(SPEC)
    loaded = load_paths([Path()], plugins)
    assert [fault.message for fault in loaded.faults] == [
        "there is no connections.yaml that could hold the connection 'hub'"
    ] * 2


def test_another_file_may_hold_the_connections(plugins: Registry, folder: Path) -> None:
    (folder / "elsewhere.yaml").write_text(CONNECTIONS)
    Path("x.yaml").write_text(SPEC)
    assert load_paths([Path()], plugins, Path("elsewhere.yaml")).faults == ()
    gone = load_paths([Path()], plugins, Path("gone.yaml"))
    assert "gone.yaml:1:1: there is no such file; see --connections" in [str(fault) for fault in gone.faults]


# ------------------------------------------------------------------------------------------------------ binding


def test_a_bound_spec_has_typed_configs(plugins: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TOKEN", TOKEN)
    made = bound(plugins)
    assert (made.source_class, made.sink_class) == (Form, MailingList)
    assert made.sink_config == ListConfig(list="Webinar leads")
    assert made.source_connection == ConnectionUse("hub", Hub, HubConfig(token=TOKEN))
    assert made.sink_connection == made.source_connection
    assert made.transforms[1] == (Lowercase, Lowercase.Config(fields=["Lead Email"]))
    assert [rule.name for rule, _ in made.rules] == [use.name for use in made.spec.ignore]


def test_nothing_that_is_printed_shows_a_secret(plugins: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TOKEN", TOKEN)
    assert TOKEN not in repr(bound(plugins))


def test_validating_needs_no_secret(plugins: Registry) -> None:
    assert faults(plugins, CONNECTIONS) == []
    made = bound(plugins, secrets=False)
    assert made.source_connection == ConnectionUse("hub", Hub, HubConfig(token="${env:HUB_TOKEN}"))


def test_references_that_cannot_be_resolved_are_told_at_their_places_all_at_once(plugins: Registry) -> None:
    spec = SPEC.replace("owner: zylker", "owner: ${env:OWNER}").replace(
        "{value: Webinar}", '{value: "${env:CAMPAIGN}"}'
    )
    with pytest.raises(SpecError) as raised:
        bound(plugins, spec)
    assert [str(fault) for fault in raised.value.faults] == [
        "x.yaml:7:10: source.owner: ${env:OWNER} is not set; set it: export OWNER=…",
        "connections.yaml:2:27: connections.hub.token: ${env:HUB_TOKEN} is not set; set it: export HUB_TOKEN=…",
        "x.yaml:14:20: mapping.Channel.value: ${env:CAMPAIGN} is not set; set it: export CAMPAIGN=…",
    ]


def test_constants_may_be_references(plugins: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TOKEN", TOKEN)
    monkeypatch.setenv("CAMPAIGN", "Spring")
    made = bound(plugins, SPEC.replace("{value: Webinar}", '{value: "${env:CAMPAIGN}"}'))
    assert Mapped("Channel", value="Spring") in made.spec.mapping
    assert made.spec.raw["mapping"]["Channel"] == {"value": "${env:CAMPAIGN}"}


def test_a_file_reference_starts_at_the_yaml_that_holds_it(plugins: Registry, folder: Path) -> None:
    (folder / "vault").mkdir()
    (folder / "vault" / "token").write_text(TOKEN + "\n")
    (folder / "vault" / "connections.yaml").write_text(CONNECTIONS.replace("${env:HUB_TOKEN}", "${file:token}"))
    Path("x.yaml").write_text(SPEC)
    loaded = load_paths([Path("x.yaml")], plugins, Path("vault/connections.yaml"))
    made = bind(loaded.specs[0], plugins, loaded.connections[Path("x.yaml")], Redactor())
    assert made.source_connection == ConnectionUse("hub", Hub, HubConfig(token=TOKEN))


@pytest.mark.parametrize(
    ("option", "variable", "resolved"),
    [
        ("kind: ${env:KIND}", "KIND", "hunter2"),
        ("lookback: ${env:BACK}", "BACK", "hunter2"),
        ("kind: ${env:KIND}", "KIND", "h2"),
    ],
)
def test_a_resolved_value_that_does_not_fit_is_a_fault_that_does_not_show_it(
    option: str, variable: str, resolved: str, plugins: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_TOKEN", TOKEN)
    monkeypatch.setenv(variable, resolved)
    with pytest.raises(SpecError) as raised:
        bound(plugins, SPEC.replace("owner: zylker", f"owner: zylker\n  {option}"))
    (fault,) = raised.value.faults
    assert (fault.file, fault.line) == ("x.yaml", 8)
    assert fault.path == f"source.{option.partition(':')[0]}"
    assert resolved not in str(raised.value)


def test_a_choice_and_a_form_may_be_references(plugins: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TOKEN", TOKEN)
    monkeypatch.setenv("KIND", "paper")
    monkeypatch.setenv("BACK", "7d")
    text = SPEC.replace("owner: zylker", 'owner: zylker\n  kind: ${env:KIND}\n  lookback: "${env:BACK}"')
    made = bound(plugins, text).source_config
    assert made == Form.Config(owner="zylker", kind="paper", lookback="7d")
