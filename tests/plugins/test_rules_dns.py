"""The DNS option of `invalid_pattern`, against a name server of our own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import polars as pl
import pytest
from syncline_rules.address import InvalidPattern, InvalidPatternConfig
from syncline_rules.deliverability import MailDomains
from test_rules_address import frame_of


class NameServer:
    """Answers MX questions on a UDP port of this machine and keeps count of them."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.asked: list[str] = []

    def serve(self) -> None:
        """Answer until the empty datagram comes."""
        while True:
            wire, peer = self.socket.recvfrom(4096)
            if not wire:
                return
            answer = self._answer(dns.message.from_wire(wire))
            if answer is not None:
                self.socket.sendto(answer.to_wire(), peer)

    def close(self) -> None:
        """End `serve`."""
        self.socket.sendto(b"", self.socket.getsockname())

    def _answer(self, question: dns.message.Message) -> dns.message.Message | None:
        (asked,) = question.question
        name = asked.name.to_text(omit_final_dot=True)
        self.asked.append(name)
        if name.startswith("silent"):
            return None
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        if name.startswith("gone"):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif name.startswith("strange"):
            answer.set_rcode(dns.rcode.YXDOMAIN)
        elif name.startswith("broken"):
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name.startswith("nomail"):
            answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", "MX", "0 ."))
        else:
            answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", "MX", "10 mx.example.com."))
        return answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """A running name server, the one that resolvers of this process ask."""
    running = NameServer()
    thread = threading.Thread(target=running.serve)
    thread.start()

    def configured(resolver: dns.resolver.Resolver, *_: object) -> None:
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = running.port
        resolver.search = []

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", configured)
    yield running
    running.close()
    thread.join()
    running.socket.close()


def test_only_a_clear_answer_makes_an_address_invalid(server: NameServer) -> None:
    rule = InvalidPattern(InvalidPatternConfig(dns=True, dns_timeout=0.3))
    names = ["mail", "gone", "nomail", "silent", "broken", "strange"]
    frame = frame_of([f"anna@{name}.example.com" for name in names])
    reasons = rule.reasons(frame)
    ignored = [name for name, reason in zip(names, reasons, strict=True) if reason]
    assert ignored == ["gone", "nomail"]
    assert rule.details(frame.filter(reasons.is_not_null())) == ["the domain takes no mail, says the DNS"] * 2


def test_each_domain_is_asked_once_in_a_run(server: NameServer) -> None:
    domains = MailDomains(0.3)
    for _ in range(2):
        assert list(domains.dead(pl.Series(["gone.example.com", "mail.example.com", "gone.example.com", None]))) == [
            "gone.example.com"
        ]
    assert sorted(server.asked) == ["gone.example.com", "mail.example.com"]


def test_without_the_option_nobody_is_asked(server: NameServer) -> None:
    rule = InvalidPattern(InvalidPatternConfig())
    assert rule.reasons(frame_of(["anna@gone.example.com"])).to_list() == [None]
    assert server.asked == []
