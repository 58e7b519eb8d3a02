"""The address of a remote: what git may be given, and how its credentials reach git without being seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from ..errors import SpecError
from ..secrets import MASK, Redactor, is_reference, resolve

SCHEMES = ("https", "http", "ssh", "git+ssh", "ssh+git", "git", "file")
MEND = (
    "write https://…, ssh://…, git://…, file://…, user@host:path or a folder; credentials as references:"
    " https://${env:GIT_USER}:${env:GIT_PASSWORD}@host/…"
)

_PART = r"(?:\$\{[^}]*\}|[^/?#])"
_URL = re.compile(rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<login>{_PART}*)@)?(?P<rest>.*)", re.DOTALL)
_LOGIN = re.compile(r"(?P<user>(?:\$\{[^}]*\}|[^:])*)(?::(?P<password>.*))?", re.DOTALL)
_HOST = re.compile(r"(?P<host>(?!-)[\w.-]+|\[[0-9A-Fa-f:.%\w]+\])(?P<port>:\d+)?(?P<path>/.*)?", re.DOTALL)
_SHORT = re.compile(r"(?:(?P<user>(?!-)[^@:/]+)@)?(?P<host>(?!-)[\w.-]+|\[[^\]/@]+\]):(?P<path>.+)", re.DOTALL)
_TRANSPORT = re.compile(r"[A-Za-z0-9+.-]*::")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

# Printed by the shell itself, from its environment: neither a process list nor a file shows the two.
_HELPER = (
    '!f() { test "$1" = get || exit 0;'
    ' printf "username=%s\\npassword=%s\\n" "$SYNCLINE_GIT_USER" "$SYNCLINE_GIT_PASSWORD"; }; f'
)


@dataclass(frozen=True)
class Address:
    """`url` is for git, without the login of an HTTP address; `shown` is for people, without any login.

    `config` and `environment` hand the login to git. It is offered to this host alone: a redirect to another one
    does not get it, and no credential helper of the user is asked for it or told of it.
    """

    url: str
    shown: str
    config: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def clean(self, words: str) -> str:
        """Words of git without the login, in any URL, and without control characters."""
        for value in sorted(filter(None, self.environment.values()), key=len, reverse=True):
            words = words.replace(value, MASK)
        return _CONTROL.sub(" ", re.sub(r"(?<=://)[^/\s'\"]*@", "", words))


def address_of(text: str, redactor: Redactor, *, folder: Path, where: str = "") -> Address:
    """Read what a user wrote; `${env:NAME}` and `${file:PATH}` are resolved, relative to `folder`.

    What they resolve to is used as it is; what stands in the URL itself is percent-decoded. Whoever wrote something
    that git must not be given gets a `SpecError`, which never shows the text: it may hold a password.
    """
    found = _URL.fullmatch(text)
    if found is None and is_reference(text):
        text = str(resolve(text, redactor, folder=folder, where=where))
        found = _URL.fullmatch(text)
    if text.startswith("-") or _TRANSPORT.match(text) or _CONTROL.search(text) or not text.strip():
        raise _unreadable(where)
    if found is not None:
        return _of_url(found, redactor, folder, where)
    before, colon, _ = text.partition(":")
    if colon and "/" not in before:
        return _of_host(text, where)
    path = Path(text).expanduser().absolute()
    return Address(str(path), str(path))


def _of_host(text: str, where: str) -> Address:
    found = _SHORT.fullmatch(text)
    if found is None or (found["user"] is None and "@" in found["path"]):  # user:password@host:path, most likely
        raise _unreadable(where)
    return Address(text, f"{found['host']}:{found['path']}")


def _of_url(found: re.Match[str], redactor: Redactor, folder: Path, where: str) -> Address:
    scheme = found["scheme"].lower()
    rest = str(resolve(found["rest"], redactor, folder=folder, where=where))
    if scheme not in SCHEMES or _CONTROL.search(rest):
        raise _unreadable(where)
    if scheme == "file":
        if found["login"] or not rest.startswith("/"):
            raise _unreadable(where)
        return Address(f"file://{rest}", f"file://{rest}")
    place = _HOST.fullmatch(rest)
    if place is None or "?" in rest or "#" in rest:
        raise _unreadable(where)
    user, password = _login(found["login"] or "", redactor, folder, where)
    shown = f"{scheme}://{rest}"
    if scheme in ("https", "http"):
        return _with_login(shown, f"{scheme}://{place['host']}{place['port'] or ''}", user, password)
    if password or (user and scheme == "git"):
        raise SpecError(
            f"an address with {scheme}:// takes no password", where=where, mend="give git a key (GIT_SSH_COMMAND)"
        )
    if user.startswith("-"):
        raise _unreadable(where)
    return Address(f"{scheme}://{user}@{rest}" if user else shown, shown)


def _login(text: str, redactor: Redactor, folder: Path, where: str) -> tuple[str, str]:
    """User and password. A single reference may stand for both, with a colon between."""
    split = _LOGIN.fullmatch(text)
    user, password = (split["user"], split["password"] or "") if split else ("", "")

    def value(part: str) -> str:
        if is_reference(part):
            return str(resolve(part, redactor, folder=folder, where=where))
        return unquote(part)

    user, password = value(user), value(password)
    if not password:
        user, _, password = user.partition(":")
    redactor.add(password)
    if _CONTROL.search(user + password):
        raise SpecError("user or password holds a control character", where=where, mend="check what they refer to")
    return user, password


def _with_login(url: str, host: str, user: str, password: str) -> Address:
    if password:
        # the empty entry switches the user's own helpers off: one that stores would write our password to a file
        config = (("credential.helper", ""), (f"credential.{host}.helper", _HELPER))
        return Address(url, url, config, {"SYNCLINE_GIT_USER": user, "SYNCLINE_GIT_PASSWORD": password})
    if user:
        return Address(url, url, ((f"credential.{host}.username", user),), {"SYNCLINE_GIT_USER": user})
    return Address(url, url)


def _unreadable(where: str) -> SpecError:
    return SpecError("this is no address of a Git repository that may be followed", where=where, mend=MEND)
