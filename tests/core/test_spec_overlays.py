"""The files of an overlay folder lie over those of its base, for every command alike."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from spec_plugins import CONNECTIONS, SPEC, registry
from syncline.cli import main
from syncline.cli.invocation import Invocation
from syncline.cli.options import Options
from syncline.folders import base_of, layers, spec_files
from syncline.registry import Registry
from syncline.secrets import Redactor
from syncline.spec import Loaded, Spec, bind, load_paths
from workshop import Own

PROD = Path("configs/overlays/prod")
NAME = "webinar-signups.yaml"
Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def plugins() -> Registry:
    """One registry for the module, so that its schema is compiled once."""
    return registry()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `configs` in it and an empty overlay `prod`."""
    monkeypatch.chdir(tmp_path)
    PROD.mkdir(parents=True)
    Path("configs/connections.yaml").write_text(CONNECTIONS)
    Path("configs", NAME).write_text(SPEC)
    return tmp_path


def over(text: str, name: str = NAME) -> None:
    """Write a file of the overlay."""
    (PROD / name).write_text(text)


def under(text: str, name: str) -> None:
    """Write a file of the base."""
    Path("configs", name).write_text(text)


def one(loaded: Loaded) -> Spec:
    """The only spec, which is sound."""
    assert [str(fault) for fault in loaded.faults] == []
    (spec,) = loaded.specs
    return spec


def shown(loaded: Loaded) -> list[str]:
    return [str(fault) for fault in loaded.faults]


# ------------------------------------------------------------------------------------------------------ merging


def test_the_keys_of_the_overlay_lie_over_those_of_the_base(plugins: Registry) -> None:
    over("source: {page: 50}\nmapping:\n  Company: Company\n  Channel: null\nenabled: false\n")
    spec = one(load_paths([PROD], plugins))
    assert spec.path == PROD / NAME
    assert spec.source.config == {"owner": "zylker", "page": 50}
    assert spec.raw["mapping"]["Company"] == "Company"
    assert "Channel" not in spec.raw["mapping"]
    assert not spec.enabled


def test_a_base_is_what_it_was_and_does_not_descend_into_its_overlays(plugins: Registry) -> None:
    over("source: {page: 50}\n")
    spec = one(load_paths([Path("configs")], plugins))
    assert (spec.path, spec.source.config) == (Path("configs", NAME), {"owner": "zylker"})


def test_what_only_the_base_has_is_a_spec_of_the_overlay_too(plugins: Registry) -> None:
    assert one(load_paths([PROD], plugins)).path == PROD / NAME
    assert one(load_paths([PROD / NAME], plugins)).raw == one(load_paths([Path("configs")], plugins)).raw


def test_what_only_the_overlay_has_is_a_spec_of_its_own(plugins: Registry) -> None:
    over(SPEC.replace("webinar-signups", "partners"), "partners.yaml")
    assert [spec.name for spec in load_paths([PROD], plugins).specs] == ["partners", "webinar-signups"]
    assert [spec.name for spec in load_paths([Path("configs")], plugins).specs] == ["webinar-signups"]


def test_the_layers_are_base_defaults_base_spec_overlay_defaults_overlay_spec(plugins: Registry) -> None:
    under("source: {page: 1, kind: web, even: 2, lookback: 1d}\n", "defaults.yaml")
    under(SPEC.replace("owner: zylker", "owner: zylker\n  even: 4\n  page: 2\n  lookback: 2d"), NAME)
    over("source: {page: 3, lookback: 3d}\n", "defaults.yaml")
    over("source: {page: 4}\n")
    source = one(load_paths([PROD], plugins)).source
    assert source.config == {"owner": "zylker", "kind": "web", "even": 4, "lookback": "3d", "page": 4}


def test_an_overlay_takes_a_key_away_and_its_defaults_do_so_where_there_is_one(plugins: Registry) -> None:
    under(SPEC.replace("webinar-signups", "by-hand").replace(SPEC[SPEC.index("schedule:") : SPEC.index("tests:")], ""),
          "by-hand.yaml")  # fmt: skip
    over("schedule: null\n", "defaults.yaml")
    loaded = load_paths([PROD], plugins)
    assert shown(loaded) == []
    assert [spec.schedule for spec in loaded.specs] == [None, None]


def test_a_key_that_is_taken_away_and_does_not_exist_is_a_fault(plugins: Registry) -> None:
    over("shedule: null\n", "defaults.yaml")
    (fault,) = shown(load_paths([PROD], plugins))
    assert fault == f"{PROD}/defaults.yaml:1:1: shedule: unknown key; did you mean 'schedule'?"


# ------------------------------------------------------------------------------------------------------- faults


def test_a_fault_points_to_the_file_where_the_value_stands(plugins: Registry) -> None:
    under(SPEC.replace("owner: zylker", "owner: zylker\n  page: 0"), NAME)
    over("\nsource: {kind: wbe}\n")
    over("schedule: {time: late}\n", "defaults.yaml")
    places = [fault.partition(": ")[0] for fault in shown(load_paths([PROD], plugins))]
    assert places == [f"{PROD}/defaults.yaml:1:18", f"{PROD}/{NAME}:2:16", f"configs/{NAME}:8:9"]


def test_a_missing_key_is_told_of_the_spec_and_not_of_defaults(plugins: Registry) -> None:
    over("retrieve: null\n")
    over("description: All\n", "defaults.yaml")
    (fault,) = shown(load_paths([PROD], plugins))
    assert fault.startswith(f"{PROD}/{NAME}:1:1: retrieve")
    (PROD / NAME).unlink()
    under(SPEC.replace("retrieve: since_last_fetch\n", ""), NAME)
    (fault,) = shown(load_paths([PROD], plugins))
    assert fault.startswith(f"configs/{NAME}:1:1: retrieve")


def test_an_overlay_of_nothing_says_so(plugins: Registry) -> None:
    over("enabled: false\n", "webinar-signup.yaml")
    (fault,) = shown(load_paths([PROD], plugins))
    assert fault == (
        f"{PROD}/webinar-signup.yaml:1:1: lies over nothing: there is no configs/webinar-signup.yaml, and alone it "
        "lacks name, source, mapping, sink; did you mean 'webinar-signups.yaml'?"
    )
    over(SPEC[: SPEC.index("sink:\n")], "own.yaml")
    (PROD / "webinar-signup.yaml").unlink()
    (fault,) = shown(load_paths([PROD], plugins))
    assert fault.endswith("lacks sink; a spec that is only in an overlay says everything itself")


def test_an_empty_overlay_and_one_that_is_no_mapping_are_faults(plugins: Registry) -> None:
    over("# nothing yet\n")
    assert shown(load_paths([PROD], plugins)) == [f"{PROD}/{NAME}:1:1: the file is empty"]
    over("- enabled\n")
    (fault,) = shown(load_paths([PROD], plugins))
    assert fault.startswith(f"{PROD}/{NAME}:1:1: must be a mapping")


def test_overlays_do_not_nest(plugins: Registry, capsys: Said) -> None:
    inner = PROD / "overlays" / "eu"
    inner.mkdir(parents=True)
    (inner / NAME).write_text("enabled: false\n")
    told = f"overlays do not nest: {PROD} is one itself"
    assert shown(load_paths([inner], plugins)) == [f"{inner}:1:1: {told}"]
    assert shown(load_paths([inner / NAME], plugins)) == [f"{inner}:1:1: {told}"]
    assert shown(load_paths([PROD], plugins)) == [
        f"{PROD}:1:1: overlays do not nest: this is one itself, and holds the folder overlays"
    ]
    assert main(["validate", str(inner)]) == 2


def test_the_folder_of_overlays_is_none(plugins: Registry) -> None:
    (PROD.parent / "test").mkdir()
    assert shown(load_paths([PROD.parent], plugins)) == [
        "configs/overlays:1:1: holds overlays, and is none: name one of them (prod, test)"
    ]


def test_a_name_is_unique_in_an_overlay_too(plugins: Registry) -> None:
    over(SPEC, "again.yaml")
    (fault,) = shown(load_paths([PROD], plugins))
    assert (
        fault == f"configs/{NAME}:2:7: name: {PROD}/again.yaml has the name 'webinar-signups' already; choose another"
    )


# -------------------------------------------------------------------------------------- the files beside the specs


def test_connections_of_the_overlay_replace_those_of_the_same_name_as_a_whole(plugins: Registry) -> None:
    under("connections:\n  hub: {type: hub, token: '${env:A}', region: us}\n  other: {type: other}\n",
          "connections.yaml")  # fmt: skip
    over("connections:\n  hub: {type: hub, token: '${env:B}'}\n", "connections.yaml")
    held = load_paths([PROD], plugins).connections[PROD / NAME]
    assert held.entries["hub"].config == {"token": "${env:B}"}
    assert held.entries["other"].type == "other"
    base = load_paths([Path("configs")], plugins).connections[Path("configs", NAME)]
    assert base.entries["hub"].config["region"] == "us"


def test_a_fault_in_connections_points_to_the_file_where_the_entry_stands(plugins: Registry) -> None:
    under(CONNECTIONS.replace("{type: other}", "{type: othr}"), "connections.yaml")
    over("connections:\n  hub: {type: hub, token: '${env:B}', regoin: us}\n", "connections.yaml")
    places = [fault.rpartition(":")[0].partition(": ")[0] for fault in shown(load_paths([PROD], plugins))]
    assert sorted(places) == ["configs/connections.yaml:3:17", f"{PROD}/connections.yaml:2:39"]


def test_a_relative_file_reference_starts_at_the_folder_of_the_file_in_which_it_stands(plugins: Registry) -> None:
    under("connections:\n  hub: {type: hub, token: '${file:token}'}\n", "connections.yaml")
    under("low secret\n", "token")
    over("high secret\n", "token")
    under(SPEC.replace("owner: zylker", "owner: '${file:owner}'"), NAME)
    under("zylker of the base\n", "owner")
    over("mapping:\n  Channel: {value: '${file:channel}'}\n")
    over("Fair of the overlay\n", "channel")
    loaded = load_paths([PROD], plugins)
    bound = bind(one(loaded), plugins, loaded.connections[PROD / NAME], Redactor())
    assert bound.source_connection is not None
    assert vars_of(bound.source_connection.config)["token"] == "low secret"
    assert vars_of(bound.source_config)["owner"] == "zylker of the base"
    assert {each.target: each.value for each in bound.spec.mapping}["Channel"] == "Fair of the overlay"
    over("connections:\n  hub: {type: hub, token: '${file:token}'}\n", "connections.yaml")
    loaded = load_paths([PROD], plugins)
    bound = bind(one(loaded), plugins, loaded.connections[PROD / NAME], Redactor())
    assert bound.source_connection is not None
    assert vars_of(bound.source_connection.config)["token"] == "high secret"


def vars_of(config: object) -> dict[str, object]:
    return {name: getattr(config, name) for name in config.__struct_fields__}  # type: ignore[attr-defined]  # a msgspec struct


def test_settings_of_the_overlay_lie_over_those_of_the_base_and_paths_start_where_they_stand(folder: Path) -> None:
    under("ledger: sqlite:///base.db\nretention: 10\n", "syncline.yaml")
    over("retention: 20\n", "syncline.yaml")
    invocation = Invocation(Options())
    assert invocation.settings(PROD).retention == 20
    assert invocation.settings(Path("configs")).retention == 10
    assert invocation.ledger_url(PROD) == "sqlite:///configs/base.db"
    over("ledger: sqlite:///prod.db\n", "syncline.yaml")
    assert Invocation(Options()).ledger_url(PROD) == f"sqlite:///{PROD}/prod.db"
    assert Invocation(Options()).ledger_url(Path("configs")) == "sqlite:///configs/base.db"


def test_a_fault_in_settings_points_to_the_file_where_the_key_stands(plugins: Registry) -> None:
    under("retention: -1\n", "syncline.yaml")
    over("ledgre: x\n", "syncline.yaml")
    places = [fault.partition(": ")[0] for fault in shown(load_paths([PROD], plugins))]
    assert sorted(places) == [f"{PROD}/syncline.yaml:1:1", "configs/syncline.yaml:1:12"]


# ------------------------------------------------------------------------------------------------ every command


@pytest.fixture
def shop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runnable spec, its ledger named in the overlay's own settings."""
    for name in ("base", "prod"):
        (folder / f"{name}.json").write_text(json.dumps([{"ID": "1", "Email": f"{name}@example.com"}]))
    under(
        f"version: 1\nname: sign-ups\nsource: {{type: table, file: {folder}/base.json}}\nretrieve: all\n"
        f"mapping: {{Email: Email}}\nsink: {{type: shelf, file: {folder}/shelf.json}}\n",
        NAME,
    )
    under("ledger: sqlite:///base.db\n", "syncline.yaml")
    over("ledger: sqlite:///prod.db\n", "syncline.yaml")
    over(f"source: {{file: {folder}/prod.json}}\n")
    monkeypatch.setattr("syncline.registry.installed", Own)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    monkeypatch.delenv("SYNCLINE_LEDGER", raising=False)
    return folder


def test_run_status_history_and_preview_take_an_overlay_without_a_flag(shop: Path, capsys: Said) -> None:
    spec = str(PROD / NAME)
    assert main(["run", spec, "--json"]) == 0
    assert (PROD / "prod.db").exists()
    assert not Path("configs/base.db").exists()
    assert list(json.loads((shop / "shelf.json").read_text())["people"]) == ["prod@example.com"]
    capsys.readouterr()
    for command in (["status", str(PROD)], ["history", spec], ["preview", spec], ["show", spec], ["check", spec]):
        assert main([*command, "--json"]) == 0, command
    said = capsys.readouterr().out
    assert "prod.json" in said
    assert "base.json" not in said


def test_a_command_that_names_no_folder_takes_the_overlay_it_stands_in(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    (PROD / NAME).unlink()
    monkeypatch.chdir(PROD)
    assert main(["status", "--json"]) == 0
    (known,) = json.loads(capsys.readouterr().out)["syncs"]
    assert (known["sync"], known["file"]) == ("sign-ups", NAME)
    assert main(["run", NAME]) == 0
    assert Path("prod.db").exists()


def test_the_paths_of_an_overlay_are_told_by_their_names_alone() -> None:
    assert base_of(PROD) == Path("configs")
    assert base_of(PROD.absolute()) == Path("configs").absolute()
    assert base_of(Path("configs")) is None
    assert layers(PROD / "syncline.yaml") == ()
    os.chdir(PROD)
    assert base_of(Path()) == Path("../..")
    assert spec_files(Path()) == [Path(NAME)]
    assert layers(Path(NAME)) == (Path("../..") / NAME,)
