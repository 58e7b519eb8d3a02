"""The pod in which Syncline runs: not as root, nothing writable but two folders in memory, secrets by reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from .bundle import Bundle, key_of

Json = dict[str, Any]
NAME = "syncline"
"""Of the container, the Secret and the ServiceAccount."""
SPECS = "/etc/syncline/specs"
WORK = "/var/lib/syncline"
USER = 10001
"""The user of the image (deploy/Dockerfile)."""
GRACE = 120
"""Seconds in which a run may finish its batch after SIGTERM."""
RESOURCES: Json = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}


def place(bundle: Bundle) -> str:
    """The folder of the specs in the pod."""
    return f"{SPECS}/{bundle.overlay}".rstrip("/")


def pod(bundle: Bundle, config_map: str, container: Mapping[str, Any], **settings: Any) -> Json:
    """The specification of a pod with the files of the bundle under `SPECS`; `container` has the image, the arguments
    and what else is particular, `settings` what is particular to the pod."""
    mounts = [
        {"name": "specs", "mountPath": SPECS, "readOnly": True},
        {"name": "work", "mountPath": WORK},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a folder of the pod's own
    ]
    items = [{"key": key_of(path), "path": path} for path in bundle.files]
    volumes: list[Json] = [
        {"name": "specs", "configMap": {"name": config_map, "items": items}},
        {"name": "work", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
        {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
    ]
    for n, (folder, names) in enumerate(_folders(bundle.secret_files).items()):
        mounts.append({"name": f"secrets-{n}", "mountPath": folder, "readOnly": True})
        keys = [{"key": name, "path": name} for name in names]
        volumes.append({"name": f"secrets-{n}", "secret": {"secretName": NAME, "defaultMode": 0o440, "items": keys}})
    return {
        "serviceAccountName": NAME,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **settings,
        "containers": [
            {
                "name": NAME,
                **container,
                "workingDir": WORK,
                "env": _environment(bundle.variables),
                "resources": RESOURCES,
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "privileged": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": mounts,
            }
        ],
        "volumes": volumes,
    }


def _environment(variables: Sequence[str]) -> list[Json]:
    """Each variable from the key of its name; the cache of access tokens lies in memory."""
    secret = [{"name": each, "valueFrom": {"secretKeyRef": {"name": NAME, "key": each}}} for each in variables]
    return [{"name": "XDG_CACHE_HOME", "value": f"{WORK}/cache"}, *secret]


def _folders(paths: Sequence[PurePosixPath]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted(set(paths)):
        found.setdefault(str(path.parent), []).append(path.name)
    return found
