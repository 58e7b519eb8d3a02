"""syncline.yaml: who is notified, and from when on a run is degraded."""

from __future__ import annotations

from pathlib import Path

import pytest
from syncline.registry import Registry
from syncline.spec import Degraded, Notification, Settings, checker_of, load_settings
from syncline.spec.checker import Checker

URL = 'url: "${env:HOOK}"'
MAIL = "from: me@example.com, host: smtp.example.com"


@pytest.fixture(scope="module")
def checker() -> Checker:
    return checker_of(Registry([]))


def loaded(checker: Checker, folder: Path, text: str) -> tuple[Settings, list[str]]:
    path = folder / "syncline.yaml"
    path.write_text(text)
    settings, faults = load_settings(path, checker)
    return settings, [str(fault).removeprefix(str(path)) for fault in faults]


def test_receivers_and_limits_are_read_with_their_references_unresolved(checker: Checker, tmp_path: Path) -> None:
    text = (
        f"notifications:\n  - webhook: {{{URL}}}\n  - email: {{to: [ops@example.com], {MAIL}}}\n"
        "    on: [failed, recovered]\n    syncs: [webinar-*]\ndegraded: {rejected: 2.5%, leads: 100}\n"
    )
    settings, faults = loaded(checker, tmp_path, text)
    assert faults == []
    webhook, email = settings.notifications
    assert webhook == Notification("notifications[0]", "webhook", {"url": "${env:HOOK}"})
    assert (email.on, email.syncs) == (("failed", "recovered"), ("webinar-*",))
    assert settings.degraded == Degraded(ignored=0.5, rejected=0.025, leads=100)


def test_a_receiver_wants_what_it_names_and_everything_when_it_names_nothing() -> None:
    everything = Notification("notifications[0]", "webhook", {})
    some = Notification("notifications[0]", "webhook", {}, ("failed",), ("webinar-*", "fair"))
    assert everything.wants("degraded", "spring-fair")
    wanted = [(event, sync) for event in ("failed", "inactive") for sync in ("webinar-1", "fair", "spring-fair")
              if some.wants(event, sync)]  # fmt: skip
    assert wanted == [("failed", "webinar-1"), ("failed", "fair")]


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("webhook: {url: https://hooks.example.com/T0/B0}", "webhook.url: is a secret: write a reference"),
        (f"webhook: {{{URL}, headers: {{Authorization: Bearer x}}}}", "Authorization: is a secret: write a reference"),
        (f'webhook: {{{URL}, headers: {{"X Y": "${{env:A}}"}}}}', "must be the name of a header"),
        (f"webhook: {{{URL}}}\n    email: {{to: [a@example.com], {MAIL}}}", "needs exactly one of webhook and email"),
        ("on: [failed]", "needs exactly one of webhook and email"),
        (f"webhook: {{{URL}}}\n    on: [fialed]", "did you mean 'failed'?"),
        (f"webhook: {{{URL}}}\n    on: []", "on: must not be empty"),
        (f"email: {{to: [ops], {MAIL}}}", "email.to[0]: must be one address, like ops@example.com"),
        (f"email: {{to: ['a@example.com, b@example.com'], {MAIL}}}", "must be one address"),
        (
            f"email: {{to: [a@example.com], {MAIL}, password: hunter2}}",
            "email.password: is a secret: write a reference",
        ),
        (f'email: {{to: [a@example.com], {MAIL}, password: "${{env:A}}"}}', "email.password: needs a user as well"),
        (f"email: {{to: [a@example.com], {MAIL}, user: me}}", "email.user: needs a password as well"),
        (
            f'email: {{to: [a@example.com], {MAIL}, user: me, password: "${{env:A}}", tls: none}}',
            "email.tls: would send the password in clear; say starttls or tls",
        ),
    ],
)
def test_a_fault_is_told_with_its_place_and_its_mend(entry: str, fault: str, checker: Checker, tmp_path: Path) -> None:
    settings, faults = loaded(checker, tmp_path, f"notifications:\n  - {entry}\n")
    assert settings == Settings()
    assert len(faults) == 1
    assert faults[0].startswith(":2:") or faults[0].startswith(":3:")
    assert fault in faults[0]
    assert "hunter2" not in faults[0]


@pytest.mark.parametrize("share", ["101%", "-1%", "half", "50 %"])
def test_a_share_lies_between_nothing_and_everything(share: str, checker: Checker, tmp_path: Path) -> None:
    _, faults = loaded(checker, tmp_path, f"degraded: {{ignored: {share}}}\n")
    assert faults == [":1:21: degraded.ignored: must be a share from 0% to 100%, like 50%"]
