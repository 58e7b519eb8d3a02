"""The source `creator` keeps every promise of a source, over the sandbox."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import msgspec
from syncline import Runtime
from syncline.testing import Call, Forward, Product, Reply, SourceContract
from syncline_creator_source import Creator
from syncline_zoho import Zoho
from syncline_zoho_sandbox import Sandbox


class TestCreator(SourceContract):
    plugin = Creator
    config: ClassVar[dict[str, Any]] = {"owner": "zylker", "application": "events", "report": "all_signups"}
    asks = ("Email", "Name.first_name", "Status")
    mishap = Reply.of({"code": 2930, "message": "unexpected error"})
    box: ClassVar[Sandbox]

    @classmethod
    def setup_class(cls) -> None:
        cls.box = Sandbox(leads=500, in_process=True)

    @classmethod
    def teardown_class(cls) -> None:
        cls.box.stop()

    def product(self) -> Product:
        self.box.reset()
        forward = Forward(self.box.url)

        def in_small_pages(call: Call) -> Reply:
            return forward(replace(call, target=call.target.replace("max_records=1000", "max_records=200")))

        return in_small_pages

    def connection(self, runtime: Runtime) -> Zoho:
        return account(self.box, self.url, runtime)

    def add(self) -> str:
        self.box.clock.advance(2)
        return self.box.insert_records({"Email": "late@example.com"})[0]

    def empty(self) -> None:
        self.box.delete_records(*(each.ID for each in self.box.truth()))


def account(box: Sandbox, url: str, runtime: Runtime) -> Zoho:
    """A connection to the sandbox by way of the kit's server."""
    settings = {
        "client_id": box.client_id,
        "client_secret": box.client_secret,
        "refresh_token": box.refresh_token,
        "hosts": dict.fromkeys(box.hosts, url),
    }
    return Zoho(msgspec.convert(settings, Zoho.Config), runtime)
