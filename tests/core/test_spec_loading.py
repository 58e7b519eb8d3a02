"""Files and folders of specs become models, with every fault of every file at once."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from spec_plugins import CONNECTIONS, OFFERS, SPEC, package, registry
from syncline import Config, Rule, SpecError, Transform
from syncline.decision import DEFAULT_REASONS
from syncline.registry import Registry
from syncline.spec import Loaded, Spec, load_paths
from syncline.spec.model import Mapped, Retrieve, Schedule, SpecTest, Use

SIX = tuple(DEFAULT_REASONS)


@pytest.fixture(scope="module")
def plugins() -> Registry:
    """One registry for the module, so that its schema is compiled once."""
    return registry()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with connections."""
    (tmp_path / "connections.yaml").write_text(CONNECTIONS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(plugins: Registry, **files: str) -> Loaded:
    """Write the files and load the folder."""
    for name, text in files.items():
        Path(f"{name}.yaml").write_text(text)
    return load_paths([Path()], plugins)


def one(plugins: Registry, text: str) -> Spec:
    """The spec of a sound file."""
    loaded = load(plugins, x=text)
    assert [str(fault) for fault in loaded.faults] == []
    return loaded.specs[0]


def shown(loaded: Loaded) -> list[str]:
    """The faults as they are printed."""
    return [str(fault) for fault in loaded.faults]


def test_a_spec_becomes_a_model(plugins: Registry) -> None:
    spec = one(plugins, SPEC)
    assert (spec.path, spec.name, spec.description) == (Path("x.yaml"), "webinar-signups", "Webinar sign-ups")
    assert (spec.source.type, spec.source.connection, spec.source.config) == ("form", "hub", {"owner": "zylker"})
    assert spec.retrieve == Retrieve("since_last_fetch")
    assert spec.mapping[:3] == (
        Mapped("Lead Email", field="Email"),
        Mapped("First Name", field="Name.first_name"),
        Mapped("Company", field="Company", default="Unknown"),
    )
    assert spec.transforms == (Use("trim"), Use("lowercase", {"fields": ["Lead Email"]}))
    assert spec.sink.config == {"list": "Webinar leads"}
    assert spec.schedule == Schedule("daily", time="09:30", timezone="Asia/Kolkata")
    assert spec.tests == (
        SpecTest("a typo domain is ignored", {"Email": "john@example.com"}, {"ignored": "invalid_pattern"}, 33),
    )
    assert (spec.enabled, spec.protect, spec.replaces) == (True, False, None)


def test_the_source_fields_are_those_of_fields_sql_and_templates(plugins: Registry) -> None:
    spec = one(plugins, SPEC)
    assert spec.source_fields == ("Company", "Country", "Email", "Name.first_name", "Name.last_name")


def test_a_leading_underscore_is_not_sent(plugins: Registry) -> None:
    spec = one(plugins, SPEC)
    assert spec.mapped == ("Lead Email", "First Name", "Company", "Full Name", "Channel", "Hello")
    assert spec.all_targets == (*spec.mapped, "_country")


def test_the_identity_takes_in_defaults_so_that_naming_one_changes_nothing(plugins: Registry) -> None:
    silent = one(plugins, SPEC).identity
    named = one(plugins, SPEC.replace("owner: zylker", "owner: zylker\n  kind: web")).identity
    assert silent == named == {
        "source.type": "form",
        "source.owner": "zylker",
        "source.kind": "web",
        "sink.type": "list",
        "sink.list": "Webinar leads",
    }  # fmt: skip


IGNORE = SPEC[SPEC.index("ignore:") : SPEC.index("sink:\n")]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", SIX),
        ("ignore: []\n", ()),
        ("ignore: [defaults]\n", SIX),
        ("ignore: [bounced, defaults]\n", ("bounced", *SIX[:-1])),
        ("ignore: [defaults, bounced, defaults]\n", SIX),
        ("ignore:\n  - sql: {when: Company = 'a'}\n  - defaults\n", ("sql", *SIX)),
    ],
)
def test_the_rules_come_in_their_final_order(written: str, expected: tuple[str, ...], plugins: Registry) -> None:
    spec = one(plugins, SPEC[: SPEC.index("tests:")].replace(IGNORE, written))
    assert tuple(use.name for use in spec.ignore) == expected


def test_a_later_entry_of_a_default_rule_changes_its_options_in_its_place(plugins: Registry) -> None:
    assert one(plugins, SPEC).ignore[SIX.index("file_duplicate")] == Use("file_duplicate", {"keep": "last"})


def test_a_rule_of_ones_own_may_stand_twice(plugins: Registry) -> None:
    two = "ignore:\n  - sql: {when: Company = 'a', reason: a}\n  - sql: {when: Company = 'b', reason: b}\n"
    spec = one(plugins, SPEC.replace(IGNORE, two).replace("invalid_pattern", "b"))
    assert [use.config["reason"] for use in spec.ignore] == ["a", "b"]


@pytest.mark.parametrize("written", ["1.50", "007", "no", "1e5", "2026-11-01", "true", "0", '"x"'])
def test_constants_are_sent_as_they_are_written(written: str, plugins: Registry) -> None:
    text = SPEC.replace("{value: Webinar}", f"{{value: {written}}}").replace("default: Unknown", f"default: {written}")
    spec = one(plugins, text)
    constants = {each.target: each for each in spec.mapping}
    plain = written.strip('"')
    assert (constants["Channel"].value, constants["Company"].default) == (plain, plain)
    assert spec.raw["mapping"]["Channel"] == {"value": plain}


def test_an_expected_lead_is_text(plugins: Registry) -> None:
    text = SPEC.replace("{ignored: invalid_pattern}", "{lead: {Company: 1.50, Channel: null, Hello: x}}")
    assert one(plugins, text).tests[0].expect == {"lead": {"Company": "1.50", "Channel": None, "Hello": "x"}}


def test_a_spec_travels_between_processes(plugins: Registry) -> None:
    spec = one(plugins, SPEC)
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_a_file_sink_names_its_address_field_itself(plugins: Registry) -> None:
    own = SPEC[SPEC.index("sink:\n") : SPEC.index("schedule:")]
    assert one(plugins, SPEC.replace(own, "sink: {type: file, key: First Name}\n")).sink.type == "file"
    loaded = load(plugins, x=SPEC.replace(own, "sink: {type: file, key: E-Mail}\n"))
    assert shown(loaded) == [
        "x.yaml:9:1: mapping: 'E-Mail' is missing: the sink 'file' knows people by it; add 'E-Mail' to the mapping"
    ]


def test_transforms_may_add_fields_that_rules_and_tests_name(plugins: Registry) -> None:
    text = SPEC.replace("- trim\n", "- trim\n  - score\n").replace("_country = 'Atlantis'", "Score = '0'")
    assert one(plugins, text).transforms[1] == Use("score")


# ------------------------------------------------------------------------------------------------------ folders


def test_all_faults_of_all_files_come_at_once(plugins: Registry) -> None:
    bad = SPEC.replace("type: form", "type: from").replace("retrieve:", "retrive:").replace("time:", "tme:")
    loaded = load(plugins, a=bad, b="x: &a [*a]\n", c=SPEC.replace("name: web", "name: other-web"))
    assert [(fault.file, fault.line) for fault in loaded.faults] == [
        ("a.yaml", 5), ("a.yaml", 8), ("a.yaml", 30), ("b.yaml", 1),
    ]  # fmt: skip
    assert [spec.name for spec in loaded.specs] == ["other-webinar-signups"]


def test_a_missing_key_does_not_hide_the_other_faults(plugins: Registry) -> None:
    loaded = load(plugins, x=SPEC.replace("name: webinar-signups\n", "").replace("Email: Email", "Email: Emial"))
    assert [fault.message.split(";")[-1] for fault in loaded.faults] == ["name is missing", " did you mean 'Email'?"]


def test_a_name_is_unique_in_its_folder(plugins: Registry) -> None:
    loaded = load(plugins, a=SPEC, b=SPEC)
    assert shown(loaded) == ["b.yaml:2:7: name: a.yaml has the name 'webinar-signups' already; choose another"]
    assert [spec.path for spec in loaded.specs] == [Path("a.yaml")]


def test_the_files_beside_specs_are_not_specs(plugins: Registry) -> None:
    Path("notes.txt").write_text("no spec")
    Path(".hidden.yaml").write_text("no spec")
    loaded = load(plugins, x=SPEC, defaults="enabled: false\n", syncline="retention: 30\n")
    assert [spec.path.name for spec in loaded.specs] == ["x.yaml"]
    assert not loaded.specs[0].enabled


def test_a_path_that_does_not_exist_is_a_fault(plugins: Registry) -> None:
    loaded = load_paths([Path("no.yaml")], plugins)
    assert shown(loaded) == ["no.yaml:1:1: there is no such file or folder; name a spec, or the folder of the specs"]


def test_a_spec_named_twice_is_loaded_once(plugins: Registry) -> None:
    Path("x.yaml").write_text(SPEC)
    assert len(load_paths([Path("x.yaml"), Path("x.yaml"), Path()], plugins).specs) == 1


def test_a_fault_in_the_defaults_points_there_and_is_told_once(plugins: Registry) -> None:
    both = {"a": SPEC, "b": SPEC.replace("name: web", "name: other-web")}
    loaded = load(plugins, defaults="sink:\n  on_duplicate: updat\n", **both)
    assert shown(loaded) == [
        "defaults.yaml:2:17: sink.on_duplicate: 'updat' is not valid; must be one of skip, update; "
        "did you mean 'update'?"
    ]
    assert loaded.specs == ()


def test_the_settings_are_checked(plugins: Registry) -> None:
    loaded = load(plugins, x=SPEC, syncline="retention: never\nlegder: x\n")
    assert shown(loaded) == [
        "syncline.yaml:1:12: retention: must be a whole number, not a text",
        "syncline.yaml:2:1: legder: unknown key; did you mean 'ledger'?",
    ]
    assert len(loaded.specs) == 1


def test_a_password_in_the_ledgers_url_is_a_fault_that_does_not_show_it(plugins: Registry) -> None:
    loaded = load(plugins, syncline="ledger: postgresql://me:hunter2@db.example.com/x\n", x=SPEC)
    assert len(loaded.faults) == 1
    assert "hunter2" not in str(loaded.faults)
    fine = "ledger: postgresql://me:${env:PASSWORD}@db.example.com/x\n"
    assert load(plugins, syncline=fine, x=SPEC).faults == ()


def test_a_sound_file_is_given_and_a_broken_one_raises_its_faults(plugins: Registry) -> None:
    loaded = load(plugins, a=SPEC, b="a: [\n")
    assert loaded.sound(Path("a.yaml")).name == "webinar-signups"
    with pytest.raises(SpecError) as raised:
        loaded.sound(Path("b.yaml"))
    assert [fault.file for fault in raised.value.faults] == ["b.yaml"]


# ------------------------------------------------------------------------------------------- broken plugins


class Twice(Transform[Config]):
    """Offered by two packages."""

    name = "trim"


class Odd(Config, frozen=True):
    """Has no JSON Schema."""

    call: type


class OddRule(Rule[Odd]):
    """Cannot be described."""

    name = "odd"
    Config = Odd


PLAIN = SPEC.replace("  - trim\n", "")


def test_a_doubled_plugin_fails_only_the_specs_that_use_it() -> None:
    loaded = load(registry(package("second", transforms=[Twice])), x=SPEC, y=PLAIN.replace("name: web", "name: z-web"))
    assert [spec.path.name for spec in loaded.specs] == ["y.yaml"]
    assert len(loaded.faults) == 1
    assert "is offered by" in loaded.faults[0].message


def test_a_plugin_without_a_schema_fails_only_the_specs_that_use_it() -> None:
    uses = SPEC.replace("  - defaults\n", "  - defaults\n  - odd: {call: x}\n").replace("name: web", "name: z-web")
    loaded = load(registry(package("odd", rules=[OddRule])), x=SPEC, y=uses)
    assert [spec.path.name for spec in loaded.specs] == ["x.yaml"]
    assert [(fault.line, "is broken: its Config" in fault.message) for fault in loaded.faults] == [(22, True)]


def test_default_rules_that_are_not_installed_are_a_fault() -> None:
    bare = Registry([package("bare", **OFFERS | {"rules": []})])
    loaded = load(bare, x=SPEC.replace(IGNORE, ""))
    assert [(fault.path, fault.message) for fault in loaded.faults] == [
        ("ignore", f"{code!r} is not an installed rule (none is)") for code in sorted(SIX)
    ]
