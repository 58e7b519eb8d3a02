"""Access tokens: one for all threads and processes of a user, renewed early, rarely, and by one at a time.

Zoho grants 10 access tokens in 10 minutes per refresh token, then none for a while
(https://www.zoho.com/accounts/protocol/oauth/token-limits.html). So the token, the moments of the last refreshes and
the last failure are kept in a file of mode 0600 under a lock, and a refresh that would come too close to that limit
is not made.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from syncline import Client, Fatal, Lost, Patience, Retriable

from .credentials import Credentials
from .refusals import Grant, Refusal, read_grant

EARLY = 300.0
LAST_MOMENT = 30.0
MOST_REFRESHES = 8
WINDOW = 610.0
LOCK_PATIENCE = 120.0
TOKEN_PATIENCE = Patience(exchange=20.0, total=45.0, attempts=3)


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of the file."""

    grant: Grant | None = None
    failure: Refusal | None = None
    refreshes: tuple[float, ...] = ()

    def __repr__(self) -> str:
        return "Kept(…)"


class Tokens:
    """Gives out access tokens for one set of credentials.

    `accounts` calls the accounts server; `folder` holds the file named `name`; `granted` is told each token, so that
    it can be redacted; `token_help` says how to make a new refresh token.
    """

    def __init__(
        self,
        credentials: Credentials,
        accounts: Client,
        *,
        folder: Path,
        name: str,
        granted: Callable[[str], None],
        token_help: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._credentials = credentials
        self._accounts = accounts
        self._file = folder / f"zoho-{name}.json"
        self._granted = granted
        self._token_help = token_help
        self._now = now
        self._lock = threading.Lock()
        self._grant: Grant | None = None
        self._given = threading.local()

    def headers(self, renew: bool) -> Mapping[str, str]:
        """The header that carries a valid token. `renew`: the one last given to this thread was refused.

        If another thread or process has renewed it meanwhile, theirs is given. Raises `Fatal` or `Retriable`.
        """
        refused = getattr(self._given, "token", None) if renew else None
        grant = self.grant(refused)
        self._given.token = grant.access_token
        return {"Authorization": f"Zoho-oauthtoken {grant.access_token}"}

    def grant(self, refused: str | None = None) -> Grant:
        """A valid grant whose token is not `refused`."""
        with self._lock:
            if not self._usable(self._grant, refused):
                self._grant = self._shared(refused)
                self._granted(self._grant.access_token)
            assert self._grant is not None  # noqa: S101 - for the type checker: set just above
            return self._grant

    def _usable(self, grant: Grant | None, refused: str | None) -> bool:
        if grant is None or grant.access_token == refused:
            return False
        # A token that lives shorter than usual is renewed later, or every call would renew it.
        return self._now() < grant.expires_at - min(EARLY, grant.lifetime / 12)

    def _shared(self, refused: str | None) -> Grant:
        """The grant in the file, or a new one: only one process at a time gets here."""
        from filelock import FileLock, Timeout

        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(f"{self._file}.lock", timeout=LOCK_PATIENCE, mode=0o600):
                kept = self._read()
                if kept.grant and self._usable(kept.grant, refused):
                    return kept.grant
                return self._refreshed(kept, refused)
        except Timeout:
            raise Retriable(
                "another process has been renewing the access token for too long", where=str(self._file), after=60.0
            ) from None
        except OSError as error:
            raise Fatal(
                "the access token cannot be kept in the cache folder",
                where=str(self._file),
                why=error.strerror or type(error).__name__,
                mend="make the folder writable; all processes share the token there",
            ) from None

    def _refreshed(self, kept: Kept, refused: str | None) -> Grant:
        """A new grant; while there is none to be had, the one that still holds for a while."""
        now = self._now()
        old = kept.grant if kept.grant and kept.grant.access_token != refused else None
        holding = old if old and now < old.expires_at - LAST_MOMENT else None
        if kept.failure and kept.failure.until > now:
            if holding:
                return holding
            raise kept.failure.error(now)
        recent = tuple(at for at in kept.refreshes if now - WINDOW < at <= now)
        if len(recent) >= MOST_REFRESHES:
            raise Retriable(
                f"the access token was renewed {len(recent)} times in 10 minutes and is still refused or lost",
                why="Zoho allows 10, then none for a while",
                after=recent[-MOST_REFRESHES] + WINDOW - now,
                mend="check the data centre and the hosts in connections.yaml",
            )
        recent += (now,)
        outcome = self._ask()
        if isinstance(outcome, Refusal):
            self._write(Kept(grant=old, failure=outcome, refreshes=recent))
            if holding:
                return holding
            raise outcome.error(now)
        self._write(Kept(grant=outcome, refreshes=recent))
        return outcome

    def _ask(self) -> Grant | Refusal:
        form = {
            "refresh_token": self._credentials.refresh_token,
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
            "grant_type": "refresh_token",
        }
        now = self._now()
        try:
            answer = self._accounts.send("POST", "/oauth/v2/token", form=form, repeatable=True)
        except (Retriable, Lost, Fatal) as error:
            return Refusal.of(error, now)
        return read_grant(answer, now, self._token_help)

    def _read(self) -> Kept:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Kept)
        except (FileNotFoundError, msgspec.DecodeError):  # not there yet, or cut short by a power failure: begin anew
            return Kept()

    def _write(self, kept: Kept) -> None:
        handle, path = tempfile.mkstemp(dir=self._file.parent, prefix=".zoho-")  # mode 0600 from the start
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(kept))
            Path(path).replace(self._file)
        except BaseException:
            Path(path).unlink(missing_ok=True)
            raise
