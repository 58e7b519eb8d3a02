"""`syncline render kubernetes`: objects that Kubernetes takes, the same each time, and no secret in them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from syncline.cli import main
from syncline.render.kubernetes import shortened

CONFIGS = Path(__file__).parents[2] / "configs"
VERSIONS = ("1.29", kubernetes_validate.latest_version())
"""The oldest Kubernetes that takes what is rendered, and the newest whose schema is at hand."""
REAL = """\
connections:
  zoho:
    type: zoho
    data_center: eu
    client_id: ${file:/run/secrets/zoho/client_id}
    client_secret: ${env:ZOHO_CLIENT_SECRET}
    refresh_token: ${env:ZOHO_REFRESH_TOKEN}
  other:
    type: zoho
    data_center: us
    client_id: ${env:OTHER_CLIENT_ID}
    client_secret: ${env:OTHER_CLIENT_SECRET}
    refresh_token: ${env:OTHER_REFRESH_TOKEN}
"""
DAILY = 'schedule:\n  frequency: daily\n  time: "09:30"\n  timezone: Asia/Kolkata\n'

Said = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one spec, and the current folder above it."""
    made = tmp_path / "configs"
    made.mkdir()
    shutil.copy(CONFIGS / "webinar-signups.yaml", made)
    (made / "connections.yaml").write_text(REAL)
    monkeypatch.chdir(tmp_path)
    return made


def spec(folder: Path, name: str, schedule: str = DAILY, more: str = "") -> Path:
    """One more spec."""
    text = (folder / "webinar-signups.yaml").read_text()
    assert DAILY in text
    path = folder / f"{name[:60]}.yaml"
    path.write_text(text.replace("name: webinar-signups", f"name: {name}\n{more}", 1).replace(DAILY, schedule))
    return path


def rendered(capsys: Said, *arguments: str) -> dict[tuple[str, str], Any]:
    """The objects, by kind and name; each is one that Kubernetes takes."""
    assert main(["render", "kubernetes", "configs", *arguments]) == 0
    objects = list(yaml.safe_load_all(capsys.readouterr().out))
    for each in objects:
        for version in VERSIONS:
            kubernetes_validate.validate(each, version, strict=True)
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def pod(of: dict[str, Any]) -> dict[str, Any]:
    """The pod of a CronJob or a Deployment."""
    template = of["spec"].get("jobTemplate", of)["spec"]["template"]
    found: dict[str, Any] = template["spec"]
    return found


def test_each_schedule_becomes_a_cron_job_that_runs_its_spec(folder: Path, capsys: Said) -> None:
    spec(
        folder,
        "monthly-leads",
        "schedule: {frequency: monthly, day: 3, time: '00:10', timezone: UTC, catch_up: none}\n",
    )
    objects = rendered(capsys)
    assert [name for kind, name in objects if kind == "CronJob"] == [
        "syncline-monthly-leads",
        "syncline-webinar-signups",
    ]
    daily = objects["CronJob", "syncline-webinar-signups"]["spec"]
    assert (daily["schedule"], daily["timeZone"], daily["suspend"]) == ("30 9 * * *", "Asia/Kolkata", False)
    assert daily["concurrencyPolicy"] == "Forbid"
    assert "startingDeadlineSeconds" not in daily
    monthly = objects["CronJob", "syncline-monthly-leads"]["spec"]
    assert (monthly["schedule"], monthly["startingDeadlineSeconds"]) == ("10 0 3 * *", 60)
    (container,) = pod(objects["CronJob", "syncline-webinar-signups"])["containers"]
    assert container["args"][:2] == ["run", "/etc/syncline/specs/webinar-signups.yaml"]
    data = objects["ConfigMap", "syncline-webinar-signups"]["data"]
    assert data == {path.name: path.read_text() for path in folder.glob("[cw]*.yaml")}


def test_an_overlay_is_carried_with_what_is_below_it(folder: Path, capsys: Said) -> None:
    prod = folder / "overlays" / "prod"
    prod.mkdir(parents=True)
    (prod / "webinar-signups.yaml").write_text("source: {report: real_signups}\n")
    (prod / "syncline.yaml").write_text("ledger: postgresql://me:${env:LEDGER_PASSWORD}@db.example.com/syncline\n")
    spec(folder, "only-below")
    for more in ((), ("--deployment",)):
        assert main(["render", "kubernetes", "configs/overlays/prod", *more]) == 0
        objects = {
            (each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(capsys.readouterr().out)
        }
        inside = pod(objects["Deployment", "syncline"] if more else objects["CronJob", "syncline-webinar-signups"])
        assert inside["containers"][0]["args"][1].startswith("/etc/syncline/specs/overlays/prod")
        (source,) = [each["configMap"] for each in inside["volumes"] if each["name"] == "specs"]
        data = objects["ConfigMap", source["name"]]["data"]
        there = folder.parent / "pod" / str(len(more))
        for item in source["items"]:
            path = there / item["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(data[item["key"]])
        assert main(["validate", str(there / "overlays" / "prod")]) == 0
        assert (
            main(
                [
                    "show",
                    str(there / "overlays" / "prod" / "webinar-signups.yaml"),
                    "--json",
                    "--ledger",
                    "sqlite:///x.db",
                ]
            )
            == 0
        )
        assert json.loads(capsys.readouterr().out.partition("\n")[2])["source"]["report"] == "real_signups"
        names = {each["name"] for each in inside["containers"][0]["env"]}
        assert "LEDGER_PASSWORD" in names
        assert "SYNCLINE_LEDGER" not in names


def test_only_the_secrets_that_a_spec_refers_to_are_asked_for(folder: Path, capsys: Said) -> None:
    (folder / "syncline.yaml").write_text("ledger: postgresql://me:${env:LEDGER_PASSWORD}@db.example.com/syncline\n")
    assert main(["render", "kubernetes", "configs", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    needed = ["LEDGER_PASSWORD", "ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN", "client_id"]
    assert document["secret"] == {"name": "syncline", "keys": needed}
    inside = pod(rendered(capsys)["CronJob", "syncline-webinar-signups"])
    secrets = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in inside["containers"][0]["env"][1:]}
    assert secrets == {name: {"name": "syncline", "key": name} for name in needed[:-1]}
    (mounted,) = [each for each in inside["containers"][0]["volumeMounts"] if each["mountPath"] == "/run/secrets/zoho"]
    (volume,) = [each["secret"] for each in inside["volumes"] if each["name"] == mounted["name"]]
    assert volume["items"] == [{"key": "client_id", "path": "client_id"}]


def test_without_a_ledger_that_pods_share_its_address_is_asked_for(folder: Path, capsys: Said) -> None:
    for text in ("", "ledger: sqlite:////srv/ledger.db\n", "retention: 30\n"):
        (folder / "syncline.yaml").write_text(text)
        main(["render", "kubernetes", "configs", "--json"])
        assert "SYNCLINE_LEDGER" in json.loads(capsys.readouterr().out)["secret"]["keys"]


def test_a_pod_may_do_nothing_but_its_work(folder: Path, capsys: Said) -> None:
    for objects in (rendered(capsys), rendered(capsys, "--deployment")):
        for (kind, _), each in objects.items():
            if kind not in ("CronJob", "Deployment"):
                continue
            inside = pod(each)
            assert inside["automountServiceAccountToken"] is False
            assert inside["securityContext"]["runAsNonRoot"] is True
            (container,) = inside["containers"]
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"] is True
            assert rights["allowPrivilegeEscalation"] is rights["privileged"] is False
            assert rights["capabilities"] == {"drop": ["ALL"]}
            writable = {each["mountPath"] for each in container["volumeMounts"] if not each.get("readOnly")}
            assert writable == {"/var/lib/syncline", "/tmp"}


def test_a_deployment_serves_the_folder_and_answers_probes(folder: Path, capsys: Said) -> None:
    spec(folder, "last-of-month", "schedule: {frequency: monthly, day: last, time: '01:00', timezone: UTC}\n")
    objects = rendered(capsys, "--deployment", "--namespace", "syncs", "--image", "registry.example.com/syncline:9")
    assert {each["metadata"]["namespace"] for each in objects.values()} == {"syncs"}
    assert not [kind for kind, _ in objects if kind == "CronJob"]
    inside = pod(objects["Deployment", "syncline"])
    (container,) = inside["containers"]
    assert container["image"] == "registry.example.com/syncline:9"
    assert container["args"][:4] == ["serve", "/etc/syncline/specs", "--listen", "0.0.0.0:9464"]
    paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
    assert set(objects["ConfigMap", "syncline"]["data"]) == {path.name for path in folder.iterdir()}
    selector = objects["Deployment", "syncline"]["spec"]["selector"]["matchLabels"]
    assert objects["Service", "syncline"]["spec"]["selector"] == selector


def test_a_schedule_that_no_cron_job_keeps_is_refused_at_its_line_or_skipped_with_a_word(
    folder: Path, capsys: Said
) -> None:
    path = spec(folder, "berlin-night", "schedule: {frequency: daily, time: '02:30', timezone: Europe/Berlin}\n")
    line = (
        path.read_text().splitlines().index("schedule: {frequency: daily, time: '02:30', timezone: Europe/Berlin}") + 1
    )
    assert main(["render", "kubernetes", "configs"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert re.match(rf"configs/berlin-night.yaml:{line}:\d+: schedule.time: when the clocks of Europe/Berlin", said.err)
    assert "--skip leaves this spec out" in said.err
    assert main(["render", "kubernetes", "configs", "--skip"]) == 0
    said = capsys.readouterr()
    assert "berlin-night" not in said.out
    assert "left out, for `serve` to run: configs/berlin-night.yaml" in said.err


def test_a_paused_spec_is_suspended_and_one_without_a_schedule_is_named(folder: Path, capsys: Said) -> None:
    spec(folder, "paused", more="enabled: false\n")
    spec(folder, "by-hand", schedule="")
    assert rendered(capsys)["CronJob", "syncline-paused"]["spec"]["suspend"] is True
    main(["render", "kubernetes", "configs"])
    assert "without a schedule, only by hand: configs/by-hand.yaml" in capsys.readouterr().err


def test_nothing_to_render_is_an_error(folder: Path, capsys: Said) -> None:
    path = spec(folder, "by-hand", schedule="")
    assert main(["render", "kubernetes", str(path)]) == 2
    assert "there is nothing to render" in capsys.readouterr().err


def test_names_fit_kubernetes_and_stay_apart(folder: Path, capsys: Said) -> None:
    long = "a" * 90
    for last in "bc":
        spec(folder, f"{long}-{last}").rename(folder / f"{last}.yaml")
    names = [name for kind, name in rendered(capsys) if kind == "CronJob"]
    assert len(set(names)) == 3
    assert all(len(name) <= 52 and re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name) for name in names)
    assert shortened("x" * 52, 52) == "x" * 52


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("${file:secrets/id}", "leads to no place of a pod"),
        ("${file:/id}", "leads to no place of a pod"),
        ("${file:/run/a/ZOHO_CLIENT_SECRET}", "a Secret needs one name each"),
        ("${env:A B}", "cannot be a variable of a pod"),
    ],
)
def test_a_reference_that_a_pod_cannot_follow_is_refused(folder: Path, reference: str, why: str, capsys: Said) -> None:
    (folder / "connections.yaml").write_text(REAL.replace("${file:/run/secrets/zoho/client_id}", f'"{reference}"'))
    assert main(["render", "kubernetes", "configs"]) == 2
    assert why in capsys.readouterr().err


def test_an_inline_secret_never_gets_as_far_as_an_object(folder: Path, capsys: Said) -> None:
    (folder / "connections.yaml").write_text(REAL.replace("${env:ZOHO_CLIENT_SECRET}", "correct-horse"))
    for form in ("configs", "configs/webinar-signups.yaml"):
        assert main(["render", "kubernetes", form, "--output", "out"]) == 2
    said = capsys.readouterr()
    assert "is a secret" in said.err
    assert "correct-horse" not in said.out + said.err
    assert not Path("out").exists()


def test_the_same_specs_give_the_same_files_and_stale_ones_go(folder: Path, capsys: Said) -> None:
    other = spec(folder, "other")
    out = Path("out")
    out.mkdir()
    (out / "mine.yaml").write_text("kind: Secret\n")
    command = ["render", "kubernetes", "configs", "--output", "out"]
    assert main(command) == 0
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    assert main(command) == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first
    assert yaml.safe_load(first["kustomization.yaml"])["resources"] == [
        "cronjob-other.yaml", "cronjob-webinar-signups.yaml", "service-account.yaml",
    ]  # fmt: skip
    other.unlink()
    assert main(command) == 0
    assert {path.name for path in out.iterdir()} == first.keys() - {"cronjob-other.yaml"}
    (out / "kustomization.yaml").write_text("kind: Kustomization\n")
    assert main(command) == 2
    assert "was not written by `render`" in capsys.readouterr().err


def test_a_deployment_takes_no_skip_and_one_folder(folder: Path, tmp_path: Path, capsys: Said) -> None:
    assert main(["render", "kubernetes", "configs", "--deployment", "--skip"]) == 2
    shutil.copytree(folder, tmp_path / "more")
    assert main(["render", "kubernetes", "configs", "more", "--deployment"]) == 2
    assert "a Deployment serves one folder" in capsys.readouterr().err
    assert main(["render", "kubernetes", "configs", "more"]) == 2
    assert "render one folder at a time" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["a\nb\n", "no", "09:30", "1e5", "a: b", "tab\there\n", " lead\n trail \n", "ünï\n", "x\n\n"]
)
def test_what_is_written_reads_back(text: str) -> None:
    from syncline.spec import written

    assert yaml.safe_load(written([{"data": {"file": text}}])) == {"data": {"file": text}}
