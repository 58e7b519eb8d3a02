"""The objects of Kubernetes that run a folder of specs: a CronJob for each schedule, or one Deployment of `serve`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import Fault
from ..spec import Connections, Spec
from .bundle import bundle
from .cron import crontab
from .pod import NAME, Json, pod
from .pod import place as place_in_pod

PORT = 9464
LONGEST = 52
"""Characters that the name of a CronJob may have: Kubernetes appends eleven to it for each Job."""
MISSED = 60
"""Seconds after which a firing counts as missed where `catch_up` is none; Kubernetes looks every ten."""
LOGS = ["--log-format", "json"]
TRIES = 4
"""Attempts after the first, with pauses of 10, 20, 40 and 80 seconds: the third comes when the lease of a pod that was
killed is free again (60 seconds)."""
NO_USE = [2, 3, 4, 5, 6]
"""Exit codes after which the same run would end in the same way. Tried again are 1 (failed), 7 (another process is
running this sync, maybe one that was killed) and what a killed process leaves."""


@dataclass(frozen=True)
class Place:
    """Where the objects are to live."""

    image: str
    namespace: str | None = None


@dataclass
class Rendered:
    """Objects by the name of the file they belong in; the keys that the Secret must have; the specs that were left out,
    with the reason; and those that have no schedule."""

    files: dict[str, list[Json]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    left_out: list[tuple[Spec, list[Fault]]] = field(default_factory=list)
    by_hand: list[Spec] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def cron_jobs(specs: Iterable[Spec], connections: Mapping[Path, Connections], place: Place, now: datetime) -> Rendered:
    """A CronJob, and its ConfigMap, for every spec whose schedule it can keep exactly; by name."""
    made = Rendered()
    names: dict[str, Spec] = {}
    for spec in sorted(specs, key=lambda each: (each.name, each.path)):
        if spec.schedule is None:
            made.by_hand.append(spec)
            continue
        cron, told = crontab(spec.raw["schedule"], now)
        if told:
            faults = [spec.document.fault(("schedule", key) if key else ("schedule",), text) for key, text in told]
            made.left_out.append((spec, faults))
            continue
        packed, faults = bundle([spec], connections[spec.path])
        if (first := names.setdefault(spec.name, spec)) is not spec:
            faults.append(spec.document.fault(("name",), f"{first.path} has this name; render one folder at a time"))
        made.faults += faults
        made.keys.update(packed.keys)
        name = shortened(f"{NAME}-{spec.name}", LONGEST)
        about = _About(place, name, spec.name, "sync")
        container = {"image": place.image, "args": ["run", f"{place_in_pod(packed)}/{spec.path.name}", "--json", *LOGS]}
        template = {
            "metadata": {"labels": about.labels},
            "spec": pod(packed, name, container, restartPolicy="Never"),
        }
        job = {
            "schedule": cron,
            "timeZone": spec.schedule.timezone,
            "concurrencyPolicy": "Forbid",
            "suspend": not spec.enabled,
            **({"startingDeadlineSeconds": MISSED} if spec.schedule.catch_up == "none" else {}),
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "metadata": {"labels": about.labels},
                "spec": {"backoffLimit": TRIES, "podFailurePolicy": _failures(), "template": template},
            },
        }
        made.files[f"cronjob-{name.removeprefix(f'{NAME}-')}.yaml"] = [
            about.object("v1", "ConfigMap", data=packed.data),
            about.object("batch/v1", "CronJob", spec=job),
        ]
    if made.files:
        made.files = {"service-account.yaml": [_account(place)]} | made.files
    return made


def _failures() -> Json:
    """A drained node or an evicted pod is no failure of the run: it is taken up again."""
    return {
        "rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {"action": "FailJob", "onExitCodes": {"containerName": NAME, "operator": "In", "values": NO_USE}},
        ]
    }


def deployment(specs: Sequence[Spec], connections: Connections, place: Place) -> Rendered:
    """`serve` over these specs of one folder: two pods that share the work, by a ledger that both reach."""
    packed, faults = bundle(sorted(specs, key=lambda each: each.name), connections)
    about = _About(place, NAME, "serve", "serve")
    container = {
        "image": place.image,
        "args": ["serve", place_in_pod(packed), "--listen", f"0.0.0.0:{PORT}", *LOGS],
        "ports": [{"name": "metrics", "containerPort": PORT}],
        **probes(),
    }
    selector = {"matchLabels": about.labels}
    body = {
        "replicas": 2,
        "selector": selector,
        "template": {"metadata": {"labels": about.labels}, "spec": pod(packed, NAME, container)},
    }
    ports = [{"name": "metrics", "port": PORT, "targetPort": "metrics"}]
    files = {
        "service-account.yaml": [_account(place)],
        "deployment.yaml": [
            about.object("v1", "ConfigMap", data=packed.data),
            about.object("apps/v1", "Deployment", spec=body),
            about.object("policy/v1", "PodDisruptionBudget", spec={"maxUnavailable": 1, "selector": selector}),
            about.object("v1", "Service", spec={"selector": about.labels, "ports": ports}),
        ],
    }
    return Rendered(files, set(packed.keys), faults=faults)


def probes() -> Json:
    """Alive while it answers; ready when the ledger answers, too. The start may take a migration of the ledger."""

    def asked(path: str, period: int, failures: int) -> Json:
        return {
            "httpGet": {"path": path, "port": "metrics"},
            "periodSeconds": period,
            "timeoutSeconds": 5,
            "failureThreshold": failures,
        }

    return {
        "startupProbe": asked("/healthz", 5, 60),
        "livenessProbe": asked("/healthz", 20, 3),
        "readinessProbe": asked("/readyz", 10, 3),
    }


def kustomization(rendered: Rendered) -> Json:
    """What `kubectl apply -k` reads."""
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    return head | {"resources": sorted(rendered.files)}


def shortened(name: str, longest: int) -> str:
    """The name, or as much of it as is allowed with a hash that keeps it apart from others."""
    if len(name) <= longest:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: longest - 9].rstrip('-')}-{mark}"


def _account(place: Place) -> Json:
    """Syncline asks nothing of the cluster."""
    about = _About(place, NAME, NAME, "account")
    return about.object("v1", "ServiceAccount", automountServiceAccountToken=False)


@dataclass(frozen=True)
class _About:
    """What all objects of one part have in common."""

    place: Place
    name: str
    instance: str
    component: str

    @property
    def labels(self) -> dict[str, str]:
        """The recommended labels of Kubernetes, of at most 63 characters each."""
        return {
            "app.kubernetes.io/name": NAME,
            "app.kubernetes.io/instance": shortened(self.instance, 63),
            "app.kubernetes.io/component": self.component,
        }

    def object(self, version: str, kind: str, **body: Any) -> Json:
        """One object."""
        metadata: Json = {"name": self.name}
        if self.place.namespace is not None:
            metadata["namespace"] = self.place.namespace
        metadata["labels"] = self.labels | {"app.kubernetes.io/managed-by": NAME}
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **body}
