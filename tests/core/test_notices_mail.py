"""Mails through a real SMTP server, with certificates of our own."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from receiving import Mailbox
from syncline.errors import Fatal, Retriable, SynclineError
from syncline.notices import Notice
from syncline.notices.mail import Mail

NOTICE = Notice("failed", "spring-fair", datetime(2026, 11, 23, tzinfo=UTC), "the report is gone", host="etl-1")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def context(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's, whose certificate this process trusts."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def relay() -> Iterator[Mailbox]:
    """A plain one, on this machine."""
    with Mailbox() as box:
        yield box


def mail(box: Mailbox, **config: Any) -> Mail:
    plain = {"to": ["ops@example.com", "duty@example.com"], "from": "syncline@example.com", "host": "127.0.0.1"}
    return Mail.of(plain | {"port": box.port, "tls": "none"} | config)


def test_a_mail_says_what_happened_and_what_to_do(relay: Mailbox) -> None:
    mail(relay).send(NOTICE)
    (got,) = relay.mails
    assert (got["from"], got["to"]) == ("syncline@example.com", "ops@example.com, duty@example.com")
    assert (got["subject"], got["auto-submitted"]) == ("[syncline] spring-fair failed", "auto-generated")
    assert got["message-id"].endswith("@example.com>")
    assert got.get_content().splitlines() == [
        "spring-fair failed",
        "",
        "Why: the report is gone",
        "Where: etl-1, 2026-11-23 00:00 UTC",
        "",
        "What to do:",
        "  syncline history spring-fair",
        "  syncline doctor",
    ]
    assert relay.recipients == [["ops@example.com", "duty@example.com"]]


def test_a_reason_in_any_script_arrives_and_cannot_write_headers(relay: Mailbox) -> None:
    mail(relay).send(Notice("failed", "x", NOTICE.at, "जयपुर\r\nBcc: all@example.com\u202e\ud800"))
    (got,) = relay.mails
    assert "Why: जयपुर" in got.get_content()
    assert got["bcc"] is None
    assert "\u202e" not in got.get_content()


def test_a_login_goes_over_starttls(context: ssl.SSLContext) -> None:
    with Mailbox(context, login=("syncline", "correct-horse")) as box:
        mail(box, tls="starttls", user="syncline", password="correct-horse").send(NOTICE)
        assert box.secure == [True]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it does not know its own socket's TLS
def test_a_login_goes_over_tls_from_the_start(context: ssl.SSLContext) -> None:
    with Mailbox(context, implicit=True, login=("syncline", "correct-horse")) as box:
        mail(box, tls="tls", user="syncline", password="correct-horse").send(NOTICE)
        assert box.secure == [True]


def failure(box: Mailbox, **config: Any) -> SynclineError:
    with pytest.raises(SynclineError) as raised:
        mail(box, **config).send(NOTICE)
    assert box.mails == []
    assert raised.value.mend
    return raised.value


def test_a_wrong_password_is_not_tried_again_and_not_told(context: ssl.SSLContext) -> None:
    with Mailbox(context, login=("syncline", "correct-horse")) as box:
        error = failure(box, tls="starttls", user="syncline", password="battery-staple")
    assert isinstance(error, Fatal)
    assert str(error) == "it refused the login (535); check `user` and `password`"


def test_a_server_that_is_not_trusted_gets_no_password(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with Mailbox(context, login=("syncline", "correct-horse")) as box:
        error = failure(box, tls="starttls", user="syncline", password="correct-horse")
    assert isinstance(error, Fatal)
    assert "its certificate is not trusted" in str(error)


def test_a_server_without_starttls_gets_nothing(relay: Mailbox) -> None:
    assert "does not offer what this needs" in str(failure(relay, tls="starttls"))


@pytest.mark.parametrize(("answer", "kind"), [("451 come again", Retriable), ("550 unknown", Fatal)])
@pytest.mark.parametrize(("command", "told"), [("MAIL", "it refused the sender"), ("RCPT", "it refused all receivers")])
def test_a_refusal_for_now_is_tried_again_and_one_for_good_is_not(
    command: str, told: str, answer: str, kind: type[SynclineError]
) -> None:
    with Mailbox(refuse=lambda said, address: answer if said == command else None) as box:
        error = failure(box)
    assert type(error) is kind
    assert str(error).startswith(f"{told} ({answer[:3]})")
    assert "example.com" not in str(error)


def test_a_receiver_that_is_refused_is_told_and_the_others_get_their_mail() -> None:
    with Mailbox(refuse=lambda said, address: "550 unknown" if address.startswith("duty") else None) as box:
        with pytest.raises(Fatal, match=r"it refused 1 of 2 receivers \(550\); check `to`"):
            mail(box).send(NOTICE)
        assert box.recipients == [["ops@example.com"]]


def test_nobody_listens_and_nobody_has_that_name(relay: Mailbox) -> None:
    assert "no connection (connection refused)" in str(failure(relay, port=1))
    assert "cannot be resolved" in str(failure(relay, host="smtp.invalid"))


def test_the_port_follows_from_the_way() -> None:
    ports = {tls: Mail.of({"to": ["a@example.com"], "from": "b@example.com", "host": "h", "tls": tls}).port
             for tls in ("starttls", "tls", "none")}  # fmt: skip
    assert ports == {"starttls": 587, "tls": 465, "none": 25}


def test_a_password_is_in_no_representation() -> None:
    made = Mail.of({"to": ["a@example.com"], "from": "b@example.com", "host": "h", "user": "u", "password": "hunter2"})
    assert "hunter2" not in repr(made)
