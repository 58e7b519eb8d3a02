"""The connection type `zoho`."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
import syncline
from syncline import Check, Connection, Limit, Quota, Runtime, Secret, SynclineError

from .credentials import Credentials
from .data_centers import DATA_CENTERS, Name
from .durations import DURATION, seconds
from .products import TRAITS, Product, token_refused

if TYPE_CHECKING:
    from syncline import Client

    from .tokens import Tokens

Host = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^https?://([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(?!\n)$",
        description="scheme://host[:port], nothing after it",
    ),
]


class Hosts(syncline.Config, frozen=True):
    """Hosts that replace those of the data centre."""

    accounts: Host | None = None
    creator: Host | None = None
    marketinghub: Host | None = None
    recruit: Host | None = None


class Budget(syncline.Config, frozen=True):
    """Replaces the documented call limit of each API: `calls` in any `window`."""

    calls: Annotated[int, msgspec.Meta(ge=1, description="calls in any window")]
    window: Annotated[str, msgspec.Meta(pattern=DURATION, description="30s, 5m, 1h, 1d")]


class Daily(syncline.Config, frozen=True):
    """The Developer API calls that Creator allows the account in a day; their number depends on the plan."""

    # Source: https://www.zoho.com/creator/help/api/v2.1/api-limits.html; a day begins in the zone of the Super Admin.

    calls: Annotated[int, msgspec.Meta(ge=1, description="calls in a day")]
    zone: Annotated[
        str | None,
        msgspec.Meta(description="IANA zone of the Super Admin, where a day begins; omitted: UTC is assumed"),
    ] = None

    def __post_init__(self) -> None:
        if self.zone is not None and not _is_zone(self.zone):
            raise ValueError("zone must be the IANA name of a time zone, like Asia/Kolkata")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown; or no name at all, but the path of a folder, or of nothing
        return False
    return True


class Config(syncline.Config, frozen=True):
    """The settings of one Zoho account."""

    client_id: Annotated[str, msgspec.Meta(description="of the client in the API console; it is no secret")]
    client_secret: Secret
    refresh_token: Secret
    data_center: Annotated[Name, msgspec.Meta(description="where the account lives")] = "us"
    hosts: Hosts = Hosts()
    budget: Budget | None = None
    quota: Daily | None = None


C = TypeVar("C", bound=syncline.Config)


class Account(Connection[C]):
    """What the real Zoho and the embedded one share: clients, tokens, budgets.

    A subclass says where the hosts are and with which credentials.
    """

    def __init__(self, config: C, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._lock = threading.RLock()
        self._clients: dict[Product, Client] = {}
        self._accounts: Client | None = None
        self._tokens: Tokens | None = None

    def hosts(self) -> Hosts:
        """Every host that is known without asking; `creator` may be None: then the token's answer names it."""
        raise NotImplementedError(type(self).__name__)

    def credentials(self) -> Credentials:
        """What a refresh needs."""
        raise NotImplementedError(type(self).__name__)

    def cache(self) -> tuple[Path, str]:
        """The folder and the name under which the access token is kept."""
        accounts = self.hosts().accounts or ""
        return self.runtime.cache, self.credentials().fingerprint(accounts)

    def budget(self) -> Budget | None:
        """The limit that replaces the documented ones."""
        return None

    def quota(self) -> Daily | None:
        """What Creator allows in a day, where that is known."""
        return None

    def token_help(self, scopes: Sequence[str] = ()) -> str:
        """How to get a refresh token with `scopes` (none named: all that Syncline uses)."""
        raise NotImplementedError(type(self).__name__)

    def client(self, product: str) -> Client:
        """The client of one product (creator, marketinghub, recruit), shared by all who ask. May fetch a token."""
        from syncline import Client

        kind = Product(product)
        with self._lock:
            if kind not in self._clients:
                self._clients[kind] = Client(
                    self._host(kind),
                    budgets=self.runtime.budgets,
                    redactor=self.runtime.redactor,
                    authorize=self._all_tokens().headers,
                    token_refused=token_refused,
                    throttled=TRAITS[kind].throttled,
                    stop=self.runtime.stop,
                )
            return self._clients[kind]

    def limit(self, product: str, documented: Limit) -> Limit:
        """The call limit to keep for an API of `product`: the documented one, or `budget` of connections.yaml; with the
        `quota` of connections.yaml where the API has one."""
        given = self.budget()
        if documented.quota is not None and (daily := self.quota()) is not None:
            documented = replace(documented, quota=Quota(daily.calls, daily.zone))
        return documented if given is None else replace(documented, calls=given.calls, window=seconds(given.window))

    def check(self) -> Iterator[Check]:
        """The credentials (a token is granted), and settings that are allowed but unwise."""
        try:
            self._all_tokens().grant()
            host = urlsplit(self.hosts().accounts or "").netloc
        except SynclineError as error:
            why = f" ({error.why})" if error.why else ""
            yield Check("credentials", False, f"{error.what}{why}", error.mend)
        else:
            yield Check("credentials", True, f"{host} granted an access token")

    def close(self) -> None:
        """Close all sockets."""
        with self._lock:
            for client in (*self._clients.values(), self._accounts):
                if client:
                    client.close()
            self._clients.clear()
            self._accounts = self._tokens = None

    def _all_tokens(self) -> Tokens:
        from syncline import Client

        from .tokens import TOKEN_PATIENCE, Tokens

        with self._lock:
            if self._tokens is None:
                self._accounts = Client(
                    self.hosts().accounts or "",
                    budgets=self.runtime.budgets,
                    redactor=self.runtime.redactor,
                    patience=TOKEN_PATIENCE,
                    stop=self.runtime.stop,
                )
                folder, name = self.cache()
                self._tokens = Tokens(
                    self.credentials(),
                    self._accounts,
                    folder=folder,
                    name=name,
                    granted=self.runtime.redactor.add,
                    token_help=self.token_help(),
                    now=lambda: self.runtime.clock().timestamp(),
                )
            return self._tokens

    def _host(self, product: Product) -> str:
        given: str | None = getattr(self.hosts(), product.value)
        return given or self._all_tokens().grant().api_domain or self._default_api()

    def _default_api(self) -> str:
        raise NotImplementedError(type(self).__name__)


class Zoho(Account[Config]):
    """A Zoho account: OAuth with a refresh token, the hosts of its data centre, and its call budgets.

    One access token is shared by all processes; it is renewed early, and once after it was refused.
    """

    name: ClassVar[str] = "zoho"
    Config = Config

    @property
    def account(self) -> str:
        """Equal for the same OAuth client at the same accounts host; a new refresh token does not change it."""
        import hashlib

        text = f"{self.config.client_id}\n{self.hosts().accounts}"
        return f"zoho:{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def hosts(self) -> Hosts:
        """The hosts of the data centre, and those set by hand before them."""
        center, given = DATA_CENTERS[self.config.data_center], self.config.hosts
        return Hosts(
            accounts=given.accounts or center.accounts,
            creator=given.creator,
            marketinghub=given.marketinghub or center.marketinghub,
            recruit=given.recruit or center.recruit,
        )

    def credentials(self) -> Credentials:
        """Those of connections.yaml."""
        return Credentials(self.config.client_id, self.config.client_secret, self.config.refresh_token)

    def budget(self) -> Budget | None:
        """That of connections.yaml."""
        return self.config.budget

    def quota(self) -> Daily | None:
        """That of connections.yaml."""
        return self.config.quota

    def token_help(self, scopes: Sequence[str] = ()) -> str:
        """How to get a refresh token with `scopes` (none named: all that Syncline uses)."""
        console = DATA_CENTERS[self.config.data_center].console
        named = ",".join(scopes or (*TRAITS[Product.CREATOR].scopes, *TRAITS[Product.MARKETINGHUB].scopes))
        return (
            f"make a new refresh token: in {console} generate a code of your self client for the scopes {named}, "
            f"exchange it at {self.hosts().accounts}/oauth/v2/token, and keep its refresh_token where "
            "connections.yaml points"
        )

    def check(self) -> Iterator[Check]:
        """The credentials, unencrypted hosts, and a budget that is looser than what Zoho documents."""
        yield from super().check()
        for product, host in msgspec.structs.asdict(self.hosts()).items():
            parts = urlsplit(host or "")
            if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
                yield Check(f"hosts.{product}", True, "is not encrypted: tokens can be read on the way", "use https")
        for product, traits in TRAITS.items():
            if self.config.budget and traits.limit and _looser(self.limit(product, traits.limit), traits.limit):
                found = f"is looser than {product}'s documented {traits.limit.calls} calls in {traits.limit.window:g} s"
                lock = f", and going over it locks the API for {traits.limit.lock:g} s" if traits.limit.lock else ""
                yield Check("budget", True, found + lock, "leave it out to keep the documented limit")

    def _default_api(self) -> str:
        return DATA_CENTERS[self.config.data_center].api


def _looser(given: Limit, documented: Limit) -> bool:
    """Whether `given` allows more calls than `documented` in some window of the documented length."""
    return given.calls * -(-documented.window // given.window) > documented.calls
