"""The registry, on true distributions on disk: a broken package is told by name, and kills nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest
from syncline.errors import PluginError
from syncline.plugin import Rule, Source
from syncline.registry import GROUP, Registry

HEALTHY = """
from syncline import Rule, hookimpl

class {cls}(Rule):
    \"\"\"Lets everybody pass.\"\"\"
    name = "{name}"

@hookimpl
def syncline_rules():
    return [{cls}]
"""
Install = Callable[..., None]


class Site:
    """A folder of installed distributions, as pip leaves them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: list[str] = []

    def install(self, package: str, code: str, *, version: str = "1.0", points: dict[str, str] | None = None) -> None:
        """Write the module of `package` and its metadata with the entry points (default: the module)."""
        module = package.replace("-", "_")
        (self.folder / f"{module}.py").write_text(code, encoding="utf-8")
        info = self.folder / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n", encoding="utf-8"
        )
        named = points or {module: module}
        lines = "".join(f"{name} = {value}\n" for name, value in named.items())
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{lines}", encoding="utf-8")
        self.modules.append(module)

    def registry(self) -> Registry:
        """What is found in this folder alone."""
        found = distributions(path=[str(self.folder)])
        return Registry(point for each in found for point in each.entry_points.select(group=GROUP))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty site on sys.path that holds one healthy package, `healthy-rules`."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Site(tmp_path)
    made.install("healthy-rules", HEALTHY.format(cls="Healthy", name="healthy"))
    yield made
    for module in made.modules:
        sys.modules.pop(module, None)


BROKEN = {
    "raises at import": ("raise RuntimeError('no licence')", "cannot be imported: RuntimeError: no licence"),
    "leaves the process at import": ("import sys; sys.exit(3)", "cannot be imported: SystemExit: 3"),
    "imports what is not there": ("import no_such_module_here", "cannot be imported: ModuleNotFoundError"),
    "is no Python": ("def (", "cannot be imported: SyntaxError"),
    "asks a hook for what it does not give": (
        "from syncline import hookimpl\n@hookimpl\ndef syncline_rules(colour): return []",
        "cannot be registered",
    ),
    "misspells a hook": (
        "from syncline import hookimpl\n@hookimpl\ndef syncline_rule(): return []",
        "unknown hook 'syncline_rule'; did you mean 'syncline_rules'?",
    ),
    "has a hook that raises": (
        "from syncline import hookimpl\n@hookimpl\ndef syncline_rules(): return 1 / 0",
        "its hook raised ZeroDivisionError",
    ),
    "has a hook that returns nothing": (
        "from syncline import hookimpl\n@hookimpl\ndef syncline_rules(): pass",
        "its hook raised TypeError",
    ),
    "has a hook that raises while it is listed": (
        "from syncline import hookimpl\n@hookimpl\ndef syncline_rules():\n    yield from ()\n    raise OSError('late')",
        "its hook raised OSError: late",
    ),
    "offers what is no class": (
        "from syncline import hookimpl\n@hookimpl\ndef syncline_rules(): return ['a rule']",
        "its rule 'a rule' is not a class derived from syncline.Rule",
    ),
    "offers a class of another kind": (
        "from syncline import Transform, hookimpl\nclass T(Transform):\n    name = 't'\n"
        "@hookimpl\ndef syncline_rules(): return [T]",
        "is not a class derived from syncline.Rule",
    ),
    "offers an instance": (
        HEALTHY.format(cls="R", name="r").replace("return [R]", "return [R(None)]"),
        "is not a class derived from syncline.Rule",
    ),
    "offers a class without a name": (
        "from syncline import Rule, hookimpl\nclass R(Rule): pass\n@hookimpl\ndef syncline_rules(): return [R]",
        "its rule R has no `name`",
    ),
}


@pytest.mark.parametrize(("code", "why"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_package_is_told_by_name_and_kills_nothing_else(site: Site, code: str, why: str) -> None:
    site.install("acme-broken", code, version="2.1")
    registry = site.registry()
    assert [(each.package, each.version) for each in registry.broken] == [("acme-broken", "2.1")]
    assert why in registry.broken[0].why
    assert registry.names("rule") == ["healthy"]
    assert registry.get("rule", "healthy", Rule).name == "healthy"


@pytest.mark.parametrize("code", [code for code, _ in BROKEN.values()], ids=BROKEN.keys())
def test_a_spec_that_asks_for_something_missing_hears_of_the_broken_package(site: Site, code: str) -> None:
    site.install("acme-broken", code)
    with pytest.raises(PluginError, match="acme-broken is broken"):
        site.registry().offer("rule", "acme")


def test_a_package_that_is_half_broken_offers_nothing(site: Site) -> None:
    half = HEALTHY.format(cls="Half", name="half") + "\n@hookimpl\ndef syncline_sources(): raise KeyError('x')\n"
    site.install("acme-half", half)
    registry = site.registry()
    assert registry.names("rule") == ["healthy"]
    assert [each.package for each in registry.broken] == ["acme-half"]


def test_a_broken_package_is_not_told_of_events(site: Site) -> None:
    code = "from syncline import hookimpl\n@hookimpl\ndef syncline_run_finished(run): pass\n"
    code += "@hookimpl\ndef syncline_x(): pass\n"
    site.install("acme-broken", code)
    assert site.registry().observers("syncline_run_finished") == []


def test_two_packages_with_one_name_are_both_named_and_neither_is_used(site: Site) -> None:
    site.install("acme-one", HEALTHY.format(cls="One", name="vip"))
    site.install("acme-two", HEALTHY.format(cls="Two", name="vip"))
    registry = site.registry()
    with pytest.raises(PluginError, match="rule 'vip' is offered by acme-one and by acme-two; uninstall all but one"):
        registry.offer("rule", "vip")
    assert registry.names("rule") == ["healthy"]
    assert registry.doubled == {("rule", "vip"): ["acme-one", "acme-two"]}
    assert registry.broken == []


def test_a_third_package_with_the_name_is_named_too(site: Site) -> None:
    for n in ("one", "two", "three"):
        site.install(f"acme-{n}", HEALTHY.format(cls="Vip", name="vip"))
    with pytest.raises(PluginError, match="acme-one and by acme-three and by acme-two"):
        site.registry().offer("rule", "vip")


def test_one_package_that_offers_a_name_twice_is_found_out(site: Site) -> None:
    code = HEALTHY.format(cls="Vip", name="vip").replace("return [Vip]", "return [Vip, Vip]")
    site.install("acme-twice", code)
    with pytest.raises(PluginError, match="acme-twice and by acme-twice"):
        site.registry().offer("rule", "vip")


def test_a_package_that_shadows_ours_takes_nothing_over(site: Site) -> None:
    """Same name of the offer, and the same name of the entry point, in a package that comes earlier in the alphabet."""
    site.install("a-shadow", HEALTHY.format(cls="Healthy", name="healthy"), points={"healthy_rules": "a_shadow"})
    registry = site.registry()
    with pytest.raises(PluginError, match="'healthy' is offered by a-shadow and by healthy-rules"):
        registry.get("rule", "healthy", Rule)


def test_two_packages_may_use_one_name_for_their_entry_points(site: Site) -> None:
    site.install("acme-one", HEALTHY.format(cls="One", name="one"), points={"rules": "acme_one"})
    site.install("acme-two", HEALTHY.format(cls="Two", name="two"), points={"rules": "acme_two"})
    assert site.registry().names("rule") == ["healthy", "one", "two"]


def test_names_of_different_kinds_do_not_meet(site: Site) -> None:
    code = (
        HEALTHY.format(cls="R", name="healthy")
        .replace("Rule", "Transform")
        .replace("syncline_rules", "syncline_transforms")
    )
    site.install("acme-other", code)
    registry = site.registry()
    assert [(each.kind, each.name, each.package) for each in registry.offers()] == [
        ("transform", "healthy", "acme-other"),
        ("rule", "healthy", "healthy-rules"),
    ]


def test_a_misspelt_name_in_a_spec_is_answered_with_the_nearest(site: Site) -> None:
    with pytest.raises(PluginError, match=r"'helthy' is not an installed rule \(healthy\); did you mean 'healthy'\?"):
        site.registry().offer("rule", "helthy")


def test_an_offer_knows_its_package_version_and_first_paragraph(site: Site) -> None:
    (offer,) = site.registry().offers()
    assert (offer.package, offer.version, offer.summary) == ("healthy-rules", "1.0", "Lets everybody pass.")


def test_a_keyboard_interrupt_during_discovery_is_not_a_broken_plugin(site: Site) -> None:
    site.install("acme-slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        site.registry()


def test_the_strangers_package_of_the_fixtures_is_found_and_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(__file__).parents[1] / "fixtures/acme_source/src"
    monkeypatch.syspath_prepend(str(folder))
    import syncline_acme

    code = (folder / "syncline_acme/__init__.py").read_text(encoding="utf-8")
    imports = {line.split()[1] for line in code.splitlines() if line.startswith(("from ", "import "))}
    assert imports == {"__future__", "collections.abc", "typing", "msgspec", "syncline"}
    source = syncline_acme.Acme(syncline_acme.AcmeConfig(leads=3))
    assert isinstance(source, Source)
    vip = syncline_acme.AcmeVip(syncline_acme.VipConfig(field="tier"))
    rows = list(source.rows(None))  # type: ignore[arg-type]  # the window does not matter to it
    assert [vip.reason(row) for row in rows] == [None, None, "acme_vip"]
