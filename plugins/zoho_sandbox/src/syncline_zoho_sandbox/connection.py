"""The connection type `zoho_sandbox`: the embedded Zoho, started when it is first asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
import syncline
from syncline import Check, Connection, Fatal, Limit, Runtime, hookimpl
from syncline_zoho import Account, Budget, Credentials, Daily, Hosts, Product

if TYPE_CHECKING:  # the server's libraries are imported when it starts
    from syncline_zoho_sandbox.sandbox import Sandbox

GENEROUS = 100_000
FIELD_CALLS = 100
"""MarketingHub documents this many calls for its field endpoints, and five times as many for the others."""


class SandboxConfig(syncline.Config, frozen=True):
    """What a new sandbox is filled with, and how it behaves."""

    leads: Annotated[int, msgspec.Meta(ge=0, description="sign-ups to seed a new state with")] = 5000
    seed: Annotated[int, msgspec.Meta(description="random seed of a new state")] = 1
    settings: Annotated[
        dict[str, str | int | None], msgspec.Meta(description="choices of the sandbox, such as lead_calls: 500")
    ] = msgspec.field(default_factory=dict)
    budget: Budget | None = None
    quota: Daily | None = None


class ZohoSandbox(Account[SandboxConfig]):
    """A local Zoho, embedded: accounts, Creator and MarketingHub with invented people; nothing leaves this machine.

    It starts when first needed, keeps its state beside the ledger, and ends with the run.
    """

    name: ClassVar[str] = "zoho_sandbox"
    Config = SandboxConfig

    def __init__(self, config: SandboxConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._running: Sandbox | None = None

    @property
    def account(self) -> str:
        """There is one sandbox beside a ledger, so the name alone tells it apart."""
        return self.name

    @property
    def folder(self) -> Path:
        """Where the sandbox keeps its state; deleting it begins anew."""
        return self.runtime.state / "sandbox"

    @property
    def sandbox(self) -> Sandbox:
        """The running sandbox; started here if need be. Raises `Fatal` when it cannot start."""
        with self._lock:
            if self._running is None:
                self._running = self._started()
            return self._running

    def hosts(self) -> Hosts:
        """Every product lives at the one address."""
        return Hosts(**self.sandbox.hosts)

    def credentials(self) -> Credentials:
        """Those the sandbox made up."""
        running = self.sandbox
        return Credentials(running.client_id, running.client_secret, running.refresh_token)

    def cache(self) -> tuple[Path, str]:
        """In the sandbox's own folder, apart from the tokens of real accounts."""
        return self.folder, "sandbox"

    def budget(self) -> Budget | None:
        """That of connections.yaml."""
        return self.config.budget

    def quota(self) -> Daily | None:
        """That of connections.yaml."""
        return self.config.quota

    def limit(self, product: str, documented: Limit) -> Limit:
        """`budget` of connections.yaml, else the limit that the sandbox keeps: generous unless `settings` say less."""
        kept = super().limit(product, documented)
        if self.config.budget:
            return kept
        settings: Mapping[str, Any] = self.config.settings
        if product == Product.CREATOR:
            return replace(kept, calls=settings.get("creator_minute_calls", GENEROUS))
        calls = settings.get("field_calls" if documented.calls <= FIELD_CALLS else "lead_calls", GENEROUS)
        window = settings.get("call_window", documented.window)
        return Limit(calls, window, lock=documented.lock, slack=documented.slack)

    def token_help(self, scopes: Sequence[str] = ()) -> str:
        """How to get a refresh token: the sandbox makes its own."""
        return f"delete {self.folder}: a new sandbox makes new credentials"

    def check(self) -> Iterator[Check]:
        """The credentials, and whether the state is the one the config asks for."""
        yield from super().check()
        if self._running is None:
            return  # the line before says why it cannot start
        about = self._running.ask("GET", "")
        same = (about["leads"], about["seed"]) == (self.config.leads, self.config.seed)
        found = f"{about['leads']} sign-ups of seed {about['seed']} in {self.folder}"
        mend = "" if same else f"the state is older than this leads or seed: delete {self.folder} to begin anew"
        yield Check("sandbox", same, found, mend)

    def close(self) -> None:
        """Close all sockets and end the server; its state stays."""
        super().close()
        with self._lock:
            if self._running:
                self._running.stop()
                self._running = None

    def _started(self) -> Sandbox:
        from syncline_zoho_sandbox.sandbox import Sandbox

        settings: dict[str, Any] = self.config.settings
        try:
            running = Sandbox(self.folder, leads=self.config.leads, seed=self.config.seed, **settings)
        except (OSError, RuntimeError, ValueError) as error:
            raise Fatal(
                "the embedded Zoho cannot start",
                where=str(self.folder),
                why=str(error),
                mend="check `settings` of the connection, and that the folder can be written",
            ) from None
        for secret in (running.client_secret, running.refresh_token):
            self.runtime.redactor.add(secret)
        return running

    def _default_api(self) -> str:
        return self.sandbox.url


@hookimpl
def syncline_connections() -> Sequence[type[Connection[Any]]]:
    """The type `zoho_sandbox`."""
    return [ZohoSandbox]
