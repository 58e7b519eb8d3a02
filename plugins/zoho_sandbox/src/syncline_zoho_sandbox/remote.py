"""The control calls of a running sandbox as typed methods; the standard library only."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One line of the request log. `status` 0 means that no answer was sent."""

    at: float
    endpoint: str
    method: str
    status: int
    code: str
    fault: str


@dataclass(frozen=True, slots=True)
class CallLog:
    counts: Mapping[str, int]
    calls: tuple[LoggedCall, ...]

    def count(self, prefix: str = "") -> int:
        """How many calls went to endpoints whose name starts with *prefix*."""
        return sum(number for endpoint, number in self.counts.items() if endpoint.startswith(prefix))


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead as a list of the destination holds it. `status`: active, unsub, bounce or pending."""

    email: str
    status: str
    fields: Mapping[str, str]
    added_at: float
    changed_at: float


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail the product would have sent: confirmation, goodbye, or resubscribed (an opt-out was undone)."""

    at: float
    kind: str
    email: str
    list: str


@dataclass(frozen=True, slots=True)
class Truth:
    """What a seeded record is meant to be. `kind` is `new` or a key of `seed.KINDS` or `seed.RARE`."""

    ID: str
    kind: str
    email: str
    of: str | None


@dataclass(frozen=True, slots=True)
class Registry:
    """Addresses (in lower case) that the destination refuses: with 2006, or with a code of its own."""

    do_not_mail: frozenset[str]
    refusals: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Grant:
    """A further refresh token, and a grant code that works once."""

    refresh_token: str
    code: str


class ControlError(RuntimeError):
    """The sandbox refused a control call; the text says why."""


class Control:
    """Everything one can do to a running sandbox at *url*."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opener = build_opener(ProxyHandler({}))
        about = self.ask("GET", "")
        self.client_id: str = about["client_id"]
        self.client_secret: str = about["client_secret"]
        self.refresh_token: str = about["refresh_token"]
        self.faults = FaultScript(self)
        self.clock = Clock(self)

    @property
    def hosts(self) -> dict[str, str]:
        """The `hosts` of a connection: every product lives at the one address."""
        return dict.fromkeys(("accounts", "creator", "marketinghub", "recruit"), self.url)

    def ask(self, method: str, path: str, content: object = None, **query: object) -> Any:
        """One control call; raises ControlError if it is refused."""
        url = f"{self.url}/_sandbox/{path}" + (f"?{urlencode(query)}" if query else "")
        body = None if content is None else json.dumps(content).encode()
        request = Request(url, body, {"content-type": "application/json"}, method=method)  # noqa: S310 -- our own
        try:
            with self._opener.open(request, timeout=60) as answer:
                return json.load(answer)
        except HTTPError as error:
            with error:
                raise ControlError(json.load(error)["error"]) from None

    def access_token(self) -> str:
        """A fresh access token with every scope, made the way a client makes it (it counts against the limit)."""
        form = {
            "grant_type": "refresh_token", "client_id": self.client_id, "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
        }  # fmt: skip
        request = Request(f"{self.url}/oauth/v2/token", urlencode(form).encode(), method="POST")  # noqa: S310 -- our own
        with self._opener.open(request, timeout=60) as answer:
            return str(json.load(answer)["access_token"])

    def settings(self, **changes: object) -> dict[str, object]:
        """Change settings (see `Settings`); returns all of them."""
        return dict(self.ask("POST", "settings", changes))

    def calls(self, last: int = 1000) -> CallLog:
        """Counts of all calls since the last `reset_calls`, and the *last* calls one by one, oldest first."""
        log = self.ask("GET", "calls", last=last)
        return CallLog(log["counts"], tuple(LoggedCall(**call) for call in log["calls"]))

    def reset_calls(self) -> None:
        """Empty the request log; limits keep their counts."""
        self.ask("POST", "calls/reset", {})

    def reset_limits(self) -> None:
        """Open every lock and forget every count of limits and quotas."""
        self.ask("POST", "limits/reset", {})

    def leads(self, list: str) -> tuple[Lead, ...]:
        """Every lead of a list, by name or key."""
        return tuple(Lead(**lead) for lead in self.ask("GET", "leads", list=list)["leads"])

    def lead(self, list: str, email: str) -> Lead | None:
        """One lead of a list, or None."""
        wanted = email.strip().casefold()
        return next((lead for lead in self.leads(list) if lead.email.casefold() == wanted), None)

    def change_lead(self, action: str, email: str, list: str = "Webinar leads", **more: object) -> bool:
        """Do to a lead what happens outside the API; False if nothing changed.

        *action*: `delete` (from the account), `unsubscribe`, `bounce`, `activate`, `confirm` (all in *list*),
        `donotmail`, `mail_again`, `refuse` (with `code="2004"`: the destination refuses this address from now on).
        """
        content = {"action": action, "email": email, "list": list, **more}
        return bool(self.ask("POST", "leads", content)["changed"])

    def outbox(self, kind: str = "") -> tuple[Mail, ...]:
        """The mails the product would have sent, oldest first; of one kind only, if given."""
        mails = (Mail(**mail) for mail in self.ask("GET", "outbox")["mails"])
        return tuple(mail for mail in mails if kind in ("", mail.kind))

    def rename_application(self, old: str, new: str) -> None:
        """Edit an application's link name."""
        self.ask("POST", "rename", {"application": old, "to": new})

    def rename_report(self, old: str, new: str, application: str = "events") -> None:
        """Edit a report's link name."""
        self.ask("POST", "rename", {"application": application, "report": old, "to": new})

    def change_field(self, label: str, **changes: object) -> None:
        """Edit a field of the destination: `to` is its new label, `length` the longest value it takes from now on,
        `choices` what may be picked."""
        self.ask("POST", "fields", {"label": label, **changes})

    def insert_records(
        self, *records: Mapping[str, object], form: str = "signup", application: str = "events"
    ) -> tuple[str, ...]:
        """Add records; what a record leaves out is empty, the times are the clock's. Returns the IDs."""
        content = {"application": application, "form": form, "insert": records}
        return tuple(self.ask("POST", "records", content)["ids"])

    def update_records(self, *records: Mapping[str, object], form: str = "signup", application: str = "events") -> None:
        """Change the given fields of records, each of which names its ID; Modified_Time becomes the clock's."""
        self.ask("POST", "records", {"application": application, "form": form, "update": records})

    def delete_records(self, *ids: str, form: str = "signup", application: str = "events") -> None:
        """Delete records."""
        self.ask("POST", "records", {"application": application, "form": form, "delete": ids})

    def truth(self) -> tuple[Truth, ...]:
        """What each seeded sign-up is meant to be, in the order of the report."""
        return tuple(Truth(**item) for item in self.ask("GET", "truth")["records"])

    def lists(self) -> dict[str, str]:
        """The mailing lists: name to list key."""
        return dict(self.ask("GET", "truth")["lists"])

    def registry(self) -> Registry:
        """Whom the destination refuses."""
        found = self.ask("GET", "registry")
        return Registry(frozenset(found["do_not_mail"]), found["refusals"])

    def grant(self, scopes: str | None = None, code_seconds: float = 600) -> Grant:
        """A further refresh token and a self-client code with *scopes* (comma separated; all, unless given)."""
        content: dict[str, object] = {"code_seconds": code_seconds}
        return Grant(**self.ask("POST", "grants", content if scopes is None else {**content, "scopes": scopes}))

    def change_credentials(self, **credentials: str) -> None:
        """Another `client_secret` or `refresh_token`, of any characters; `reset` brings the seeded ones back."""
        self.ask("POST", "credentials", credentials)

    def reset(self) -> None:
        """Everything back to the seeded state: records, leads, tokens, settings, faults, limits, clock."""
        self.ask("POST", "reset", {})


class FaultScript:
    """The misbehaviours the sandbox is told to play; see `faults.KINDS` for the kinds and `Fault` for the options."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def add(self, kind: str, endpoint: str = "*", **options: object) -> int:
        """Add one; returns its number."""
        ids: Sequence[int] = self._control.ask("POST", "faults", {"kind": kind, "endpoint": endpoint, **options})["ids"]
        return ids[0]

    def clear(self) -> None:
        """Behave from now on."""
        self._control.ask("DELETE", "faults")

    def __call__(self) -> tuple[Mapping[str, Any], ...]:
        """The script, each fault with `seen` and `fired`."""
        return tuple(self._control.ask("GET", "faults")["faults"])


class Clock:
    """The sandbox's clock: tokens, limits, locks and timestamps go by it."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def advance(self, seconds: float) -> float:
        """Move it forward (or back); returns the new time in seconds since 1970."""
        return float(self._control.ask("POST", "clock", {"advance": seconds})["now"])

    def set(self, at: float) -> float:
        """Set it to a moment; it goes on from there."""
        return float(self._control.ask("POST", "clock", {"set": at})["now"])

    def now(self) -> float:
        return float(self._control.ask("GET", "")["now"])
