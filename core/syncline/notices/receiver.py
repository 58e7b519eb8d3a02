"""Receivers: an entry of `notifications` with its references resolved, and the channel that reaches it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import SynclineError
from ..secrets import Redactor, resolve
from ..spec import Notification
from .mail import Mail
from .notice import Notice
from .webhook import Webhook


class Channel(Protocol):
    """One way to a receiver."""

    @property
    def label(self) -> str:
        """What people know it by, without secrets."""
        ...

    def send(self, notice: Notice) -> None:
        """Send it, once. `Retriable` when another attempt may succeed, any other `SynclineError` when none will."""
        ...


@dataclass(frozen=True)
class Receiver:
    """Who is told, of what, and how."""

    notification: Notification
    channel: Channel

    @property
    def label(self) -> str:
        """`notifications[0] (webhook hooks.example.com)`."""
        return f"{self.notification.place} ({self.channel.label})"

    def send(self, notice: Notice) -> None:
        """See `Channel.send`."""
        self.channel.send(notice)


def receivers(
    notifications: Sequence[Notification], redactor: Redactor, folder: Path
) -> tuple[list[Receiver], list[SynclineError]]:
    """All receivers that can be reached, and for each of the others why not. `folder` is that of syncline.yaml."""
    found: list[Receiver] = []
    faults: list[SynclineError] = []
    for each in notifications:
        where = f"{folder / 'syncline.yaml'}: {each.place}.{each.channel}"
        try:
            config = resolve(dict(each.config), redactor, folder=folder, where=where)
            channel = Webhook.of(config, where) if each.channel == "webhook" else Mail.of(config)
        except SynclineError as error:
            faults.append(error)
        else:
            found.append(Receiver(each, channel))
    return found, faults
