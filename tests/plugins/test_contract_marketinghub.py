"""The sink `marketinghub` keeps every promise of a sink: with a private list, a public one, and bare addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from syncline import Runtime
from syncline.testing import Forward, Product, Reply, SinkContract
from syncline_marketinghub.sink import MarketingHub
from syncline_zoho import Zoho
from syncline_zoho_sandbox import Sandbox


class Hub(SinkContract):
    """What the three have in common."""

    plugin = MarketingHub
    config: ClassVar[dict[str, Any]] = {"list": "Webinar leads", "on_delete": "unsubscribe"}
    mapped = ("Lead Email", "First Name", "Company")
    mishap = Reply.of({"status": "error", "code": 2101, "message": "kit-mishap@example.com: try again later"})
    box: ClassVar[Sandbox]

    @classmethod
    def setup_class(cls) -> None:
        cls.box = Sandbox(leads=40, in_process=True)

    @classmethod
    def teardown_class(cls) -> None:
        cls.box.stop()

    def product(self) -> Product:
        self.box.reset()
        return Forward(self.box.url)

    def connection(self, runtime: Runtime) -> Zoho:
        settings = {
            "client_id": self.box.client_id,
            "client_secret": self.box.client_secret,
            "refresh_token": self.box.refresh_token,
            "hosts": dict.fromkeys(self.box.hosts, self.url),
        }
        return Zoho(msgspec.convert(settings, Zoho.Config), runtime)

    def people(self) -> Mapping[str, Mapping[str, str]]:
        there = [each for each in self.box.leads(self.config["list"]) if each.status in ("active", "pending")]
        return {each.email: dict(each.fields) | {"Lead Email": each.email} for each in there}

    def active(self) -> list[str]:
        return [each.email for each in self.box.leads(self.config["list"]) if each.status == "active"]

    def mails(self) -> int:
        return len(self.box.outbox())

    def refuse(self, address: str) -> None:
        self.box.change_lead("refuse", address, code="2005")

    def opt_out(self, address: str) -> None:
        self.box.change_lead("unsubscribe", address, list=self.config["list"])


class TestPrivateList(Hub):
    pass


class TestPublicList(Hub):
    config: ClassVar[dict[str, Any]] = {"list": "Newsletter", "on_delete": "do_not_mail"}


class TestBareAddresses(Hub):
    mapped = ("Lead Email",)
    batch = 12
