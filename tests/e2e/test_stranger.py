"""A stranger's package, installed in an environment of its own, is used from YAML; no file of ours is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ACME = Path(__file__).parents[1] / "fixtures" / "acme_source"
SPEC = """
version: 1
name: acme-customers
source: {type: acme, leads: 9}
retrieve: all
mapping:
  Lead Email: email
  First Name: name
  _tier: tier
ignore: [defaults, acme_vip]
sink: {type: marketinghub, connection: zoho, list: Webinar leads}
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a throw-away environment: what is installed here, and the stranger's package on top."""
    home = tmp_path_factory.mktemp("stranger") / "env"
    venv.create(home, with_pip=True)
    packages = next(home.glob("lib/python*/site-packages"))
    ours = sysconfig.get_paths()["purelib"]
    (packages / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    bin_folder = home / "bin"
    subprocess.run(
        [bin_folder / "python", "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index", ACME],
        check=True,
        capture_output=True,
    )
    return bin_folder


def syncline(environment: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line of that environment, in that folder."""
    code = "import sys; from syncline.cli import main; sys.exit(main())"
    return subprocess.run(
        [environment / "python", "-W", "error", "-c", code, *words],
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acme.yaml").write_text(SPEC)
    (tmp_path / "connections.yaml").write_text("connections:\n  zoho: {type: zoho_sandbox, leads: 20}\n")
    return tmp_path


def test_its_source_and_rule_work_from_yaml(environment: Path, folder: Path) -> None:
    done = syncline(environment, folder, "run", "acme.yaml", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert (document["counts"]["total"], document["counts"]["new"], document["ignored"]["acme_vip"]) == (9, 6, 3)


def test_it_is_listed_with_its_package_and_its_keys_are_in_the_schema(environment: Path, folder: Path) -> None:
    listed = syncline(environment, folder, "plugins", "--json")
    offers = {(offer["kind"], offer["name"]): offer for offer in json.loads(listed.stdout)["plugins"]}
    assert offers["source", "acme"]["package"] == "syncline-acme"
    assert offers["rule", "acme_vip"]["package"] == "syncline-acme"
    schema = syncline(environment, folder, "schema").stdout
    assert "How many leads to yield." in schema


def test_its_faults_are_told_like_ours(environment: Path, folder: Path) -> None:
    (folder / "acme.yaml").write_text(SPEC.replace("leads: 9", "leds: 9").replace("_tier: tier", "_tier: teir"))
    done = syncline(environment, folder, "validate", "acme.yaml")
    assert done.returncode == 2
    assert "leds: unknown key; did you mean 'leads'?" in done.stdout + done.stderr


def test_its_own_test_of_a_dozen_lines_passes(environment: Path, folder: Path) -> None:
    alone = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={ACME}", f"--confcutdir={ACME}"]
    done = subprocess.run(
        [environment / "python", "-m", "pytest", *alone, ACME / "tests"],
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_without_the_package_only_its_spec_fails(folder: Path) -> None:
    code = "import sys; from syncline.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "validate", "acme.yaml"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "'acme' is not an installed source" in done.stdout + done.stderr
