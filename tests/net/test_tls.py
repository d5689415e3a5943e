"""Nothing is said to a server that cannot prove its name."""

import contextlib
import datetime
import select
import socket
import ssl
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpcore
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.loopback import reply, served
from watcher.errors import ConfigError, Unreachable
from watcher.net import Http
from watcher.net.connections import Connection
from watcher.net.failures import passing


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Iterator[str]:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return str(tmp_path / "ca.pem")


def _server(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "self.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_a_server_that_proves_its_name_is_asked(authority: trustme.CA, bundle: str) -> None:
    tls = _server(authority.issue_cert("localhost"))
    with (
        served(reply(200, b"in"), tls=tls, name="localhost") as peer,
        Http(origin=peer.origin, ca_bundle=bundle) as http,
    ):
        assert http.get(peer.url("/a")).body == b"in"
        with http.stream(peer.url("/b")) as response:
            assert response.read() == b"in"
    assert peer.connections == 1


@pytest.mark.parametrize(
    ("flaw", "said"),
    [
        ("expired", "expired"),
        ("wrong name", "not valid for 'localhost'"),
        ("unknown authority", "self-signed certificate in certificate chain|local issuer"),
        ("self-signed", "self-signed"),
        ("old protocol", "could not be read"),
    ],
)
def test_a_server_that_does_not_is_told_nothing(
    flaw: str, said: str, authority: trustme.CA, bundle: str, tmp_path: Path
) -> None:
    if flaw == "expired":
        past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
        tls = _server(authority.issue_cert("localhost", not_after=past))
    elif flaw == "wrong name":
        tls = _server(authority.issue_cert("elsewhere.test"))
    elif flaw == "unknown authority":
        tls = _server(trustme.CA().issue_cert("localhost"))
    elif flaw == "self-signed":
        tls = _self_signed(tmp_path)
    else:
        tls = _server(authority.issue_cert("localhost"))
        tls.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            tls.minimum_version = tls.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        served(reply(200, b"in"), tls=tls, name="localhost") as peer,
        Http(origin=peer.origin, ca_bundle=bundle, backoff_base=0.001) as http,
    ):
        with pytest.raises(Unreachable, match=said) as caught:
            http.get(peer.url("/?secret"), headers={"X-API-Key": "canary"})
        with pytest.raises(Unreachable), http.stream(peer.url("/?secret")):
            pass
    assert (peer.received, peer.requests) == (0, [])
    assert not caught.value.permanent


def test_a_distrusted_server_is_not_asked_again(authority: trustme.CA, bundle: str) -> None:
    tls = _server(authority.issue_cert("elsewhere.test"))
    with (
        served(reply(), tls=tls, name="localhost") as peer,
        Http(origin=peer.origin, ca_bundle=bundle) as http,
        pytest.raises(Unreachable, match="cannot be trusted") as caught,
    ):
        http.get(peer.url())
    assert peer.connections == 1
    assert "ca_bundle" in (caught.value.hint or "")


def _babble(server: socket.socket) -> None:
    """Answer a connection with what is no TLS."""
    connection, _ = server.accept()
    with connection, contextlib.suppress(ConnectionError):
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        while connection.recv(65536):
            pass


def test_what_breaks_one_connection_is_no_distrust_and_tried_again(authority: trustme.CA, bundle: str) -> None:
    tls = _server(authority.issue_cert("127.0.0.1"))

    def babble_and_then_serve() -> None:
        _babble(server)
        with tls.wrap_socket(server.accept()[0], server_side=True) as second:
            second.recv(65536)
            second.sendall(reply(200, b"in"))

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        both = pool.submit(babble_and_then_serve)
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        with Http(origin=url, ca_bundle=bundle, backoff_base=0.001) as http:
            assert http.get(url).body == b"in"
        both.result()


def test_a_server_without_tls_is_said_to_be_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        three = [pool.submit(_babble, server) for _ in range(3)]
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        with (
            Http(origin=url, backoff_base=0.001) as http,
            pytest.raises(Unreachable, match="could not be read: .*WRONG_VERSION_NUMBER") as caught,
        ):
            http.get(url)
        for one in three:
            one.result()
    assert "speaks no TLS" in (caught.value.hint or "")


def test_without_the_bundle_a_private_authority_is_not_trusted(authority: trustme.CA) -> None:
    tls = _server(authority.issue_cert("localhost"))
    with (
        served(reply(), tls=tls, name="localhost") as peer,
        Http(origin=peer.origin) as http,
        pytest.raises(Unreachable, match="cannot be trusted"),
    ):
        http.get(peer.url())
    assert peer.received == 0


@pytest.mark.parametrize("content", [None, "this is no certificate"])
def test_a_bundle_that_is_none_is_named(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with (
        Http(origin="https://localhost:1", ca_bundle=str(path)) as http,
        pytest.raises(ConfigError, match=r"ca\.pem"),
    ):
        http.get("https://localhost:1/")


def test_https_does_not_fall_back_to_http(authority: trustme.CA, bundle: str) -> None:
    with (
        served(reply(200, b"plain"), name="localhost") as peer,
        Http(origin=f"https://localhost:{peer.port}", ca_bundle=bundle, deadline=1.0) as http,
    ):
        with pytest.raises(Unreachable):
            http.get(f"https://localhost:{peer.port}/")
        with pytest.raises(Unreachable, match=r"not of this catalogue|not encrypted"):
            http.get(f"http://localhost:{peer.port + 1}/")
    assert peer.requests == []


def test_a_server_that_resets_a_connection_before_tls_begins_is_one_that_cannot_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = Connection(client := socket.create_connection(server.getsockname()))
        accepted, _ = server.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        assert select.select([client], [], [], 30)[0]
        with pytest.raises(httpcore.ConnectError) as caught:
            connection.start_tls(ssl.create_default_context(), "localhost", 30)
    assert passing(caught.value)
    assert client.fileno() == -1
