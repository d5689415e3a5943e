"""No spelling of an address leads a stranger's URL into a private network."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpcore
import pytest

from tests.loopback import reply, served
from watcher.errors import Unreachable
from watcher.net import Http
from watcher.net.addresses import public, resolve
from watcher.net.connections import Network
from watcher.net.reach import reach

CLOSED = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.254 127.0.0.1 127.255.255.254 169.254.169.254
172.16.0.1 172.31.255.255 192.0.0.8 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1
198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1
::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1
100::1 2001::1 2001:0:53aa:64c:0:fbff:80ff:fffe 2001:10::1 2001:db8::1 2002:7f00:1:: 2002:808:808::1 3fff::1
5f00::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%lo fec0::1 ff02::1
""".split()  # noqa: SIM905  # a list of words reads better so
OPEN = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.32.0.1 193.0.0.1 2001:200::1 2606:4700::1111 2a00:1450::1"

# What URLs can say for 127.0.0.1, and getaddrinfo understands.
SPELLINGS = """
127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0x7f.0x0.0x0.0x1 0177.0.0.1 0177.1 017700000001
127.000.000.001 0 0.0.0.0 localhost ::1 ::ffff:127.0.0.1 ::ffff:7f00:1 0:0:0:0:0:ffff:7f00:0001 ::
""".split()  # noqa: SIM905  # a list of words reads better so


@pytest.mark.parametrize("address", CLOSED)
def test_a_special_address_is_not_public(address: str) -> None:
    assert not public(address)


@pytest.mark.parametrize("address", OPEN.split())
def test_an_ordinary_address_is_public(address: str) -> None:
    assert public(address)


@pytest.fixture
def listener() -> Iterator[tuple[int, Callable[[], int]]]:
    """A port that listens on every address of this machine, and the number of connections it has seen."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:

        def seen() -> int:
            server.settimeout(0)
            count = 0
            while True:
                try:
                    server.accept()[0].close()
                except BlockingIOError:
                    return count
                count += 1

        yield server.getsockname()[1], seen


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_this_machine_is_connected_to(spelling: str, listener: tuple[int, Callable[[], int]]) -> None:
    port, seen = listener
    network = Network(reach("https://catalogue.test"), None)
    with pytest.raises((Unreachable, httpcore.ConnectError)):
        network.connect_tcp(spelling, port, timeout=30)
    assert seen() == 0


def _names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """Let the resolver give these addresses, one answer after the other, the last one for ever."""
    left = list(answers)

    def getaddrinfo(host: str, port: int, *rest: object, **more: object) -> list[tuple[object, ...]]:
        found = left.pop(0) if len(left) > 1 else left[0]
        if not found:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in found]

    monkeypatch.setattr("watcher.net.addresses.socket.getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254"])
def test_a_name_that_means_a_private_address_is_not_connected_to(
    address: str, monkeypatch: pytest.MonkeyPatch, listener: tuple[int, Callable[[], int]]
) -> None:
    port, seen = listener
    _names(monkeypatch, [address])
    network = Network(reach("https://catalogue.test"), None)
    with pytest.raises(Unreachable, match=r"innocent\.test is .* private network") as caught:
        network.connect_tcp("innocent.test", port, timeout=30)
    assert (caught.value.permanent, seen()) == (True, 0)


@pytest.mark.parametrize("way", ["get", "stream", "redirect"])
def test_a_name_of_a_stranger_is_looked_at_wherever_it_comes_from(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[str] = []

    def getaddrinfo(host: str, port: int, *_: object, **more: object) -> list[tuple[object, ...]]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr("watcher.net.addresses.socket.getaddrinfo", getaddrinfo)

    def ask(http: Http, home: str) -> None:
        if way == "get":
            http.get("https://innocent.test/")
        with http.stream(home if way == "redirect" else "https://innocent.test/"):
            raise AssertionError("it was asked")

    with (
        served(reply(302, Location="https://innocent.test/")) as home,
        Http(origin=home.origin) as http,
        pytest.raises(Unreachable, match=r"innocent\.test"),
    ):
        ask(http, home.url())
    assert looked_up.count("innocent.test") == (0 if way == "get" else 1)


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a connection is attempted to; none of them answers."""
    addresses: list[str] = []

    def create_connection(address: tuple[str, int], *_: object) -> socket.socket:
        addresses.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("watcher.net.connections.socket.create_connection", create_connection)
    return addresses


def test_a_name_that_changes_its_mind_is_asked_once(monkeypatch: pytest.MonkeyPatch, dialled: list[str]) -> None:
    """DNS rebinding: public when looked at, private when connected to."""
    _names(monkeypatch, ["9.9.9.9"], ["127.0.0.1"])
    with pytest.raises(httpcore.ConnectError):
        Network(reach("https://catalogue.test"), None).connect_tcp("innocent.test", 443, timeout=30)
    assert dialled == ["9.9.9.9"]


def test_of_mixed_addresses_only_the_public_ones_are_tried(monkeypatch: pytest.MonkeyPatch, dialled: list[str]) -> None:
    _names(monkeypatch, ["127.0.0.1", "9.9.9.9", "::1", "2620:fe::9", "10.0.0.1"])
    with pytest.raises(httpcore.ConnectError):
        Network(reach("https://catalogue.test"), None).connect_tcp("innocent.test", 443, timeout=30)
    assert dialled == ["9.9.9.9", "2620:fe::9"]


def test_a_configured_host_may_be_private(monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch, ["127.0.0.1"])
    with served(reply(200, b"in")) as peer:
        origin = f"http://catalogue.intern:{peer.port}"
        with Http(origin=origin, allow_insecure=True) as http:
            assert http.get(origin).body == b"in"
        with Http(origin="https://x.test", hosts=[f"catalogue.intern:{peer.port}"], allow_insecure=True) as http:
            assert http.get(origin).body == b"in"


def test_a_host_is_configured_for_its_port_only(monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch, ["127.0.0.1"])
    with served(reply()) as database, served(reply(302, Location=f"{database.origin}/shutdown")) as home:
        with Http(origin=home.origin) as http, pytest.raises(Unreachable), http.stream(home.url()):
            pass
        with (
            Http(origin="https://x.test", hosts=["127.0.0.1:443"], allow_insecure=True) as http,
            pytest.raises(Unreachable, match="not of this catalogue"),
        ):
            http.get(database.url())
    assert database.connections == 0


def test_families_alternate_so_that_a_broken_one_costs_one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch, ["2606:4700::1", "2606:4700::2", "2606:4700::3", "1.1.1.1", "1.1.1.2", "1.1.1.1"])
    assert resolve("x.test", 443, left=lambda: 5.0) == [
        "2606:4700::1", "1.1.1.1", "2606:4700::2", "1.1.1.2", "2606:4700::3",
    ]  # fmt: skip


def test_the_next_address_is_tried_when_one_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(reply(200, b"in")) as peer:
        _names(monkeypatch, ["::1", "127.0.0.2", "127.0.0.1"])  # the server listens on the last one only
        with Http(origin=f"http://two.test:{peer.port}", allow_insecure=True) as http:
            assert http.get(f"http://two.test:{peer.port}/").body == b"in"


def test_a_name_without_address_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch, [])
    with (
        Http(origin="https://nowhere.test", backoff_base=0.001) as http,
        pytest.raises(Unreachable, match=r"the name nowhere\.test has no address") as caught,
    ):
        http.get("https://nowhere.test/")
    assert not caught.value.permanent
    assert "is this computer online" in (caught.value.hint or "")


def test_a_resolver_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    hang = threading.Event()

    def getaddrinfo(*_: object, **more: object) -> list[object]:
        hang.wait(30)
        return []

    monkeypatch.setattr("watcher.net.addresses.socket.getaddrinfo", getaddrinfo)
    start = time.monotonic()
    with Http(origin="https://slow.test", deadline=0.5) as http, pytest.raises(Unreachable, match="in time"):
        http.get("https://slow.test/")
    hang.set()
    assert time.monotonic() - start < 25


def test_where_nothing_listens_it_is_said_what_to_look_at() -> None:
    with socket.socket() as idle:
        idle.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{idle.getsockname()[1]}"
        with Http(origin=origin, backoff_base=0.01) as http, pytest.raises(Unreachable) as caught:
            http.get(f"{origin}/x")
    assert "Connection refused" in str(caught.value)
    assert "is the server up" in (caught.value.hint or "")
