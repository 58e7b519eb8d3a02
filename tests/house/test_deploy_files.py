"""The ready files under deploy/ are what their own tools take, agree with each other, and name commands that exist."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml
from syncline.cli import Invocation, main, root
from syncline.cli.group import NAMES
from syncline.cli.options import Options
from syncline.render import pod
from syncline.render.kubernetes import PORT, probes

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
MANIFESTS = sorted(path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.name != "kustomization.yaml")
UNIT = DEPLOY / "systemd" / "syncline.service"
GITHUB, GITLAB = DEPLOY / "ci" / "github-workflow.yml", DEPLOY / "ci" / "gitlab-ci.yml"
DOCKERFILE = DEPLOY / "Dockerfile"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
BIN = Path(sys.executable).parent


def tool(name: str, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of the environment."""
    command = [str(BIN / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ | variables)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


# ------------------------------------------------------------------------------------------------- their own tools


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_kubernetes_takes_every_manifest(path: Path) -> None:
    for version in ("1.29", kubernetes_validate.latest_version()):
        kubernetes_validate.validate(read(path), version, strict=True)


@pytest.mark.parametrize(
    ("path", "schema", "more"),
    [(GITHUB, "vendor.github-workflows", ()), (GITLAB, "vendor.gitlab-ci", ("--data-transform", "gitlab-ci"))],
    ids=["github", "gitlab"],
)
def test_each_forge_takes_its_pipeline(path: Path, schema: str, more: tuple[str, ...]) -> None:
    checked = tool("check-jsonschema", "--builtin-schema", schema, *more, path)
    assert checked.returncode == 0, checked.stdout


def test_the_linter_of_dockerfiles_finds_nothing() -> None:
    checked = tool("hadolint", DOCKERFILE)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_every_setting_of_the_unit_is_one_of_systemd() -> None:
    """systemdlint knows the settings and their values; its opinions on security are not asked (it reads a mask of 0077
    as writable by all)."""
    said = tool("systemdlint", "--norootfs", UNIT).stderr
    found = [line for line in said.splitlines() if line and "[Security." not in line]
    assert found == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here; systemdlint reads the unit")
def test_systemd_itself_takes_the_unit(tmp_path: Path) -> None:
    program = "/opt/syncline/bin/syncline"
    text = UNIT.read_text(encoding="utf-8")
    assert program in text
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace(program, "/bin/true"), encoding="utf-8")
    checked = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


# --------------------------------------------------------------------------------------------- among each other


def test_the_kustomization_names_every_manifest_but_the_example() -> None:
    named = read(DEPLOY / "kubernetes" / "kustomization.yaml")["resources"]
    assert named == [path.name for path in MANIFESTS if path.name != "secret.example.yaml"]


def test_the_ready_deployment_is_as_careful_as_a_rendered_one() -> None:
    deployment = read(DEPLOY / "kubernetes" / "deployment.yaml")["spec"]
    ready = deployment["template"]["spec"]
    made = pod.pod(pod.Bundle({}, (), ()), "x", {"image": "x", **probes()})
    for key in ("serviceAccountName", "automountServiceAccountToken", "enableServiceLinks", "securityContext"):
        assert ready[key] == made[key], key
    assert ready["terminationGracePeriodSeconds"] == made["terminationGracePeriodSeconds"] == pod.GRACE
    (ready_container,), (made_container,) = ready["containers"], made["containers"]
    for key in ("workingDir", "env", "resources", "securityContext", *probes()):
        assert ready_container[key] == made_container[key], key
    labels = deployment["selector"]["matchLabels"]
    assert deployment["template"]["metadata"]["labels"] == labels
    assert read(DEPLOY / "kubernetes" / "service.yaml")["spec"]["selector"] == labels
    assert read(DEPLOY / "kubernetes" / "pod-disruption-budget.yaml")["spec"]["selector"]["matchLabels"] == labels


def test_image_pod_and_unit_mean_the_same_user_port_and_time() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert f"USER {pod.USER}:{pod.USER}\n" in text
    assert f"EXPOSE {PORT}\n" in text
    assert f"http://127.0.0.1:{PORT}/healthz" in text
    assert f"XDG_CACHE_HOME={pod.WORK}/cache" in text
    assert f":{PORT} " in UNIT.read_text(encoding="utf-8")
    assert f"TimeoutStopSec={pod.GRACE}\n" in UNIT.read_text(encoding="utf-8")


def test_the_image_is_built_from_what_is_let_in() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    let_in = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(" ".join(copied).split()) == sorted(let_in)
    assert [name for name in let_in if not (ROOT / name).exists()] == []


def test_no_placeholder_of_the_example_is_a_secret() -> None:
    values = read(DEPLOY / "kubernetes" / "secret.example.yaml")["stringData"].values()
    assert [
        value
        for value in values
        if not re.fullmatch(r"[A-Z_]+|postgresql://syncline:PASSWORD@db\.example\.com/\w+", value)
    ] == []


# ------------------------------------------------------------------------------------------------------ commands


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Every command line of Syncline in the ready files, as words after its name."""
    yield UNIT.name, shlex.split(re.findall(r"^ExecStart=(.+)$", UNIT.read_text(), re.MULTILINE)[0])[1:]
    yield (
        "deployment.yaml",
        read(DEPLOY / "kubernetes" / "deployment.yaml")["spec"]["template"]["spec"]["containers"][0]["args"],
    )
    lines = [
        (GITHUB.name, step["run"]) for job in read(GITHUB)["jobs"].values() for step in job["steps"] if "run" in step
    ]
    lines += [(GITLAB.name, line) for job in read(GITLAB).values() if "script" in job for line in job["script"]]
    for name, line in lines:
        words = shlex.split(re.split(r"\|\||>", line)[0])
        assert words[0] == "syncline", line
        yield name, words[1:]
    for hook in read(HOOKS):
        yield HOOKS.name, [*shlex.split(hook["entry"])[1:], "configs/webinar-signups.yaml", "configs/connections.yaml"]


@pytest.mark.parametrize(
    ("file", "words"), list(command_lines()), ids=lambda each: each if isinstance(each, str) else each[0]
)
def test_every_command_line_is_one_that_syncline_takes(file: str, words: list[str]) -> None:
    taken(file, words)


@pytest.mark.parametrize("more", [(), ("--deployment",)], ids=["cronjob", "deployment"])
def test_every_rendered_command_line_is_one_that_syncline_takes(
    more: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", "kubernetes", str(ROOT / "configs"), *more]) == 0
    (args,) = re.findall(r"args:\n((?: +- .+\n)+)", capsys.readouterr().out)
    taken("rendered", yaml.safe_load(args))


def taken(file: str, words: list[str]) -> None:
    """Fails unless there is such a command with such options."""
    assert words[0] in NAMES, f"{file}: there is no command {words[0]}"
    context = click.Context(root, obj=Invocation(Options()))
    command = root.get_command(context, words[0])
    assert command is not None
    try:
        command.make_context(words[0], words[1:], parent=context)
    except click.ClickException as error:
        pytest.fail(f"{file}: {shlex.join(words)}: {error.format_message()}")


# -------------------------------------------------------------------------------------------------------- the hook


def test_the_hook_installs_every_plugin_of_this_repository() -> None:
    (hook,) = read(HOOKS)
    constraint, *plugins = hook["additional_dependencies"]
    assert constraint == "--constraint=constraints.txt"
    assert plugins == sorted(f"./plugins/{path.parent.name}" for path in ROOT.glob("plugins/*/pyproject.toml"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository of specs that uses the hook, with the Syncline that is installed here in place of an own one: the
    network is not asked."""
    git(tmp_path, "init", "--quiet", "hooks")
    shutil.copy(HOOKS, tmp_path / "hooks")
    git(tmp_path / "hooks", "add", ".")
    git(tmp_path / "hooks", "commit", "--quiet", "--message", "hooks")
    git(tmp_path / "hooks", "tag", "v1")
    made = tmp_path / "syncs"
    git(tmp_path, "init", "--quiet", "syncs")
    (made / "configs").mkdir()
    for name in ("webinar-signups.yaml", "connections.yaml"):
        shutil.copy(ROOT / "configs" / name, made / "configs")
    (made / "compose.yaml").write_text("services: {}\n")
    hook = {"id": "syncline-validate", "language": "system", "additional_dependencies": []}
    config = {"repos": [{"repo": str(tmp_path / "hooks"), "rev": "v1", "hooks": [hook]}]}
    (made / ".pre-commit-config.yaml").write_text(json.dumps(config))
    git(made, "add", ".")
    return made


def git(folder: Path, *words: str) -> None:
    """Git, with nothing of the user's."""
    apart = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    subprocess.run(["git", *who, *words], cwd=folder, env=apart | {"GIT_CONFIG_GLOBAL": os.devnull}, check=True)


def hooked(checkout: Path) -> tuple[int, str]:
    """What a commit of all that is staged would meet."""
    git(checkout, "add", ".")
    apart = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own = {"PRE_COMMIT_HOME": str(checkout.parent / "cache"), "PATH": f"{BIN}:{os.environ['PATH']}"}
    ran = subprocess.run([BIN / "pre-commit", "run"], cwd=checkout, env=apart | own, capture_output=True, text=True)
    return ran.returncode, ran.stdout


def test_a_commit_of_good_specs_passes_and_other_yaml_is_not_asked_about(checkout: Path) -> None:
    assert tool("pre-commit", "validate-manifest", HOOKS).returncode == 0
    code, said = hooked(checkout)
    assert (code, "Passed" in said) == (0, True), said


def test_a_commit_that_changes_connections_checks_the_specs_that_use_them(checkout: Path) -> None:
    git(checkout, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", "specs")
    path = checkout / "configs" / "connections.yaml"
    path.write_text(path.read_text().replace("  zoho:\n", "  other:\n", 1))
    code, said = hooked(checkout)
    assert code == 1, said
    assert "configs/webinar-signups.yaml:8:15: source.connection: 'zoho' is not in configs/connections.yaml" in said
