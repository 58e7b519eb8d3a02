"""What git says when it fails, in words that people can act on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """The words of a failure. `remote`: the other side or the way there is at fault, and not what we keep here."""

    what: str
    why: str = ""
    mend: str = ""
    remote: bool = True


_REPOSITORY = Fault(
    "there is no such Git repository, or it does not show itself to this user",
    mend="check the address and the permissions",
)
_LOGIN = Fault(
    "the Git server refused the login",
    mend="check user and password (https://${env:GIT_USER}:${env:GIT_PASSWORD}@host/…), git's credential helper, or"
    " the ssh key",
)
_WAY = Fault("the Git server cannot be reached", mend="check the address and the network")
_BROKEN = Fault("the Git server broke off", mend="if it lasts, look at the server")
_DISK = Fault("there is no room for the files of the branch", why="the disk is full", mend="make room", remote=False)

_SIGNS = (  # the first sign that is found decides
    ("no space left", _DISK),
    ("could not resolve", Fault("the name of the Git server cannot be resolved", "DNS", _WAY.mend)),
    ("name or service not known", Fault("the name of the Git server cannot be resolved", "DNS", _WAY.mend)),
    ("temporary failure in name resolution", Fault("the name of the Git server cannot be resolved", "DNS", _WAY.mend)),
    ("host key verification failed", Fault("the Git server is not known here", "its ssh key is in no known_hosts",
                                           "add its key to known_hosts, after comparing it")),
    ("permission denied (", _LOGIN),
    ("authentication failed", _LOGIN),
    ("could not read username", _LOGIN),
    ("could not read password", _LOGIN),
    ("terminal prompts disabled", _LOGIN),
    ("invalid credentials", _LOGIN),
    ("error: 401", _LOGIN),
    ("error: 403", _LOGIN),
    ("access denied", _LOGIN),
    ("certificate", Fault("the certificate of the Git server is not trusted", "",
                          "check the host and the clock, and GIT_SSL_CAINFO if a proxy signs for it")),
    ("dubious ownership", Fault("the Git repository belongs to another user", "git does not read it then",
                                "git config --global --add safe.directory PATH, or change its owner")),
    ("couldn't find remote ref", Fault("the branch is not there", "", "check its name")),
    ("not found", _REPOSITORY),
    ("does not appear to be a git repository", _REPOSITORY),
    ("does not exist", _REPOSITORY),
    ("no such file or directory", _REPOSITORY),
    ("access denied or repository not exported", _REPOSITORY),
    ("is this a git repository", _REPOSITORY),
    ("error: 404", _REPOSITORY),
    ("connection refused", Fault(_WAY.what, "it refused the connection", _WAY.mend)),
    ("timed out", Fault(_WAY.what, "no answer in time", _WAY.mend)),
    ("failed to connect", _WAY),
    ("couldn't connect", _WAY),
    ("unable to connect", _WAY),
    ("unreachable", _WAY),
    ("no route to host", _WAY),
    ("error: 5", _BROKEN),
    ("hung up", _BROKEN),
    ("early eof", _BROKEN),
    ("connection reset", _BROKEN),
    ("connection closed", _BROKEN),
    ("rpc failed", _BROKEN),
)  # fmt: skip


def explain(words: str) -> Fault:
    """The fault behind what git said; of unknown words the first complaint is given on, shortened."""
    low = words.lower()
    for sign, fault in _SIGNS:
        if sign in low:
            return fault
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1] if lines else "no word")
    return Fault("git failed", why=said[:200], mend="see what `git ls-remote` says of this address", remote=False)
