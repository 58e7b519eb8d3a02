"""TLS, against real servers with real certificates: one that is not trusted ends the run with the way to mend it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from fault_place import Place
from hostile import Hostile, say

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def served(certificate: trustme.LeafCert, minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = minimum
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(place: Place, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place that trusts the authority, and nobody else."""
    bundle = place.folder / "authority.pem"
    authority.cert_pem.write_to_path(bundle)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    place.sign_up("ann")
    return place


def refused(place: Place, server: Hostile) -> str:
    """What a run says that asks this server for a token."""
    hosts = {name: url for name, url in place.box.hosts.items() if name != "recruit"}
    place.connect(hosts=hosts | {"accounts": server.url})
    message: str = place.run(code=1)["message"]
    assert server.requests == [], "a credential went to a server that is not trusted"
    return message


def test_a_trusted_certificate_is_trusted(trusting: Place, authority: trustme.CA) -> None:
    with Hostile(served(authority.issue_cert("127.0.0.1"))) as server:
        grant = b'{"access_token":"1000.x","expires_in":3600,"api_domain":"http://127.0.0.1:1"}'
        server.answer = lambda handler: say(handler, grant)
        hosts = {name: url for name, url in trusting.box.hosts.items() if name != "recruit"}
        trusting.connect(hosts=hosts | {"accounts": server.url})
        trusting.run(code=1)  # the sandbox does not know that token; but it was asked for, over TLS
        assert [path for path, _ in server.requests][:1] == ["/oauth/v2/token"]


def test_a_certificate_of_an_unknown_authority_is_refused(trusting: Place) -> None:
    with Hostile(served(trustme.CA().issue_cert("127.0.0.1"))) as server:
        said = refused(trusting, server)
    assert f"the certificate of 127.0.0.1:{server.port} is not trusted" in said
    assert "check the host, the clock, and SSL_CERT_FILE if a proxy signs for it" in said


def test_a_certificate_of_another_host_is_refused(trusting: Place, authority: trustme.CA) -> None:
    with Hostile(served(authority.issue_cert("accounts.example.com"))) as server:
        said = refused(trusting, server)
    assert "is not trusted" in said
    assert "IP address mismatch" in said


def test_a_certificate_that_has_expired_is_refused(trusting: Place, authority: trustme.CA) -> None:
    old = authority.issue_cert("127.0.0.1", not_before=LONG_AGO, not_after=LONG_AGO + timedelta(days=90))
    with Hostile(served(old)) as server:
        said = refused(trusting, server)
    assert "is not trusted (certificate has expired)" in said
    assert "the clock" in said


def test_a_server_that_speaks_no_tls_is_told(trusting: Place) -> None:
    with Hostile() as server:
        server.url = server.url.replace("http:", "https:")
        said = refused(trusting, server)
    assert "no secure connection to" in said
    assert "check the host and port" in said


def test_the_system_s_authorities_are_asked_where_nothing_else_is_said(place: Place, authority: trustme.CA) -> None:
    place.sign_up("ann")
    with Hostile(served(authority.issue_cert("127.0.0.1"))) as server:
        assert "is not trusted" in refused(place, server)


def test_no_option_switches_the_check_off() -> None:
    core = Path(__file__).parents[2]
    sources = [*core.glob("core/**/*.py"), *core.glob("plugins/*/src/**/*.py")]
    assert len(sources) > 100
    for word in ("CERT_NONE", "check_hostname", "verify=False", "_create_unverified_context"):
        assert not [path for path in sources if word in path.read_text(encoding="utf-8")], word
