"""Fault 16: a plugin that is broken at import, at registration or at call; one that shadows ours; a misspelt hook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from fault_place import Place

COMMAND = [sys.executable, "-W", "error", "-c", "import sys; from syncline.cli import main; sys.exit(main())"]
HEAD = "import syncline\nfrom syncline import hookimpl\n"
PACKAGES = {
    "dead-at-import": "raise SystemExit('no licence')\n",
    "dead-at-registration": HEAD + "@hookimpl\ndef syncline_rules(wrong_argument): return []\n",
    "dead-at-its-hook": HEAD + "@hookimpl\ndef syncline_sinks(): raise RuntimeError('no sinks today')\n",
    "misspelt-hook": HEAD + "@hookimpl\ndef syncline_transform(): return []\n",
    "shadows-ours": HEAD
    + "class Twin(syncline.Rule[syncline.Config]):\n    name = 'bounced'\n    codes = {}\n"
    + "@hookimpl\ndef syncline_rules(): return [Twin]\n",
    "dead-at-call": HEAD
    + "class Gloomy(syncline.Rule[syncline.Config]):\n    name = 'gloomy'\n    codes = {'gloomy': 'never'}\n"
    + "    def reasons(self, frame): raise ZeroDivisionError('of anna@example.com')\n"
    + "class Eager(syncline.Rule[syncline.Config]):\n    name = 'eager'\n    codes = {'eager': 'never'}\n"
    + "    def reasons(self, frame): return syncline.batch.KEY\n"
    + "@hookimpl\ndef syncline_rules(): return [Gloomy, Eager]\n",
    "told-and-cross": HEAD + "@hookimpl\ndef syncline_run_finished(run): raise LookupError('I was not ready')\n",
}


class Site:
    """A place among whose installed packages are those named."""

    def __init__(self, place: Place, *packages: str) -> None:
        self.place = place
        self.folder = place.folder / "site"
        self.folder.mkdir()
        for package in packages:
            module = package.replace("-", "_")
            (self.folder / f"{module}.py").write_text(PACKAGES[package])
            info = self.folder / f"{module}-1.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text(f"[syncline]\n{module} = {module}\n")

    def syncline(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """One command in a process of its own, for plugins are found once in each."""
        path = os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            [*COMMAND, *words], cwd=self.place.folder, env=self.place.environment | {"PYTHONPATH": path},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def document(self, *words: str, code: int = 0) -> Any:
        """The JSON document of one command."""
        return json.loads(self.syncline(*words, "--json", code=code).stdout)


def test_broken_packages_are_named_with_their_reason_and_do_no_harm(place: Place) -> None:
    site = Site(place, "dead-at-import", "dead-at-registration", "dead-at-its-hook", "misspelt-hook", "told-and-cross")
    broken = {each["package"]: each["why"] for each in site.document("plugins")["broken"]}
    assert set(broken) == {"dead-at-import", "dead-at-registration", "dead-at-its-hook", "misspelt-hook"}
    assert "no licence" in broken["dead-at-import"]
    assert "wrong_argument" in broken["dead-at-registration"]
    assert "no sinks today" in broken["dead-at-its-hook"]
    assert "did you mean 'syncline_transforms'" in broken["misspelt-hook"]
    place.sign_up("ann")
    done = site.syncline("run", place.spec.name, "--json")
    assert json.loads(done.stdout)["counts"]["new"] == 1
    assert "told-and-cross" in done.stderr
    assert place.held() == {"ann@example.com": "active"}


def test_a_package_that_shadows_ours_is_named_beside_ours_and_neither_is_used(place: Place) -> None:
    site = Site(place, "shadows-ours")
    place.sign_up("ann")
    said = site.syncline("run", place.spec.name, code=2)
    assert "syncline-rules" in said.stderr
    assert "shadows-ours" in said.stderr
    assert place.writes() == 0


@pytest.mark.parametrize("rule", ["gloomy", "eager"])
def test_a_rule_that_breaks_at_its_call_ends_the_run_before_anything_is_sent_and_names_nobody(
    place: Place, rule: str
) -> None:
    site = Site(place, "dead-at-call")
    place.write(ignore=["defaults", rule])
    place.sign_up("anna")
    done = site.syncline("run", place.spec.name, code=1)
    assert "anna@" not in done.stdout + done.stderr
    assert place.writes() == 0
    place.write()
    assert place.run()["counts"]["new"] == 1
