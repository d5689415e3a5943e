"""Every kind of account with a server that it can be used at: what logs in, what is let in, and what must not leak."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
import pytest

from tests.loopback import Peer, Request, reply, served
from watcher.auth import basic, dataterra, earthdata, geodes, header, oauth, planetary, resto, s3, theia, urs, usgs
from watcher.credentials import Secret

NAME, PASSWORD, KEY = "jane@canary.example", "canary-pässword-7f3a&=", "canary-key-7f3a"
ISSUED = "canary-issued-7f3a"
API_KEY = "canary-api-key-7f3a"
"""What only the server that gave it may see: the key of USGS' API."""

SCENE = "/gen-bundle?landsat_product_id=LC08_L2SP_198030_20240102_20240110_02_T1"
ENVIRONMENT = {"WATCHER_TEST_PASSWORD": PASSWORD, "WATCHER_TEST_KEY": KEY}
BLOBS = "account.blob.core.windows.net"
"""A host of Azure's, which the tests lead to this machine."""

_PASSWORD, _KEY = Secret(env="WATCHER_TEST_PASSWORD"), Secret(env="WATCHER_TEST_KEY")
CANARIES = (
    "canary",
    quote(PASSWORD),
    base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode(),
    base64.b64encode(PASSWORD.encode()).decode(),
    "AWS4-HMAC",
)
"""What must be seen by nobody but those whom it is for, as it may stand in a request."""


@dataclass
class Server:
    """The service that logs in, and how often it was asked to; `broken` is what it answers instead."""

    logins: int = 0
    broken: bytes | None = None
    home: str = ""
    over: set[str] = field(default_factory=set)

    def issue(self) -> str:
        self.logins += 1
        return f"{ISSUED}-{self.logins}"

    def good(self, text: str) -> bool:
        """Say whether a request shows a token that was issued and is not over."""
        return any(f"{ISSUED}-{n}" in text and f"{ISSUED}-{n}" not in self.over for n in range(self.logins, 0, -1))


@dataclass(frozen=True)
class Account:
    """A kind of account. `made` builds it for the address of the files and that of the login; `login` answers what is
    asked there; `gate` is what the server of the files says to who is not let in; `start` is the address of a file."""

    made: Callable[[str, str], Any]
    login: Callable[[Server, Request], bytes] | None = None
    gate: Callable[[Server, Request, str], bytes | None] | None = None
    host: str = "127.0.0.1"
    start: str = "/container/start"


def form(request: Request) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(request.body.decode()).items()}


def signed(request: Request) -> str:
    """What of a request may show a token: its address and its headers."""
    return " ".join((request.target, *request.headers.values()))


def _json(value: Any, status: int = 200) -> bytes:
    return reply(status, json.dumps(value).encode(), content_type="application/json")


def _oauth(server: Server, request: Request) -> bytes:
    given = form(request)
    if given["grant_type"] == "password" and (given["username"], given["password"]) != (NAME, PASSWORD):
        return _json({"error": "invalid_grant", "error_description": "Invalid user credentials"}, 401)
    token = server.issue()
    return _json({"access_token": token, "expires_in": 600, "refresh_token": f"r-{token}", "refresh_expires_in": 3600})


def _resto(server: Server, request: Request) -> bytes:
    wanted = "Basic " + base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
    return _json({"token": server.issue()}) if request.headers.get("authorization") == wanted else reply(403)


def _theia(server: Server, request: Request) -> bytes:
    right = form(request) == {"ident": NAME, "pass": PASSWORD}
    return reply(200, server.issue().encode() if right else b"", content_type="text/html")


def _usgs(server: Server, request: Request) -> bytes:
    if request.target == "/api/login-token":
        right = json.loads(request.body) == {"username": NAME, "token": KEY}
        return _json({"data": API_KEY, "errorCode": None} if right else {"errorCode": "AUTH_INVALID"})
    if request.headers.get("x-auth-token") != API_KEY:
        return _json({"data": None, "errorCode": "AUTH_EXPIRED"})
    if request.target == "/api/download-request":
        server.issue()
    return _json({"data": _m2m(server)[request.target.removeprefix("/api/")], "errorCode": None})


def _m2m(server: Server) -> dict[str, Any]:
    option = {"id": "p", "entityId": "e", "productName": "Product Bundle", "downloadSystem": "dds", "available": True}
    signed = f"{server.home}/container/start?requestSignature={ISSUED}-{server.logins}"
    return {
        "download-retrieve": {"available": [], "requested": []},
        "scene-metadata": {"entityId": "e"},
        "download-options": [option],
        "download-request": {"availableDownloads": [{"url": signed}]},
    }


def _planetary(server: Server, request: Request) -> bytes:
    assert request.target == "/token/account/container"
    sas = f"st=2026&se=2027&sig={server.issue()}%3D"
    return _json({"token": sas, "msft:expiry": "2999-01-01T00:00:00Z"})


def _dataterra(server: Server, request: Request) -> bytes:
    if (request.headers.get("access-key"), request.headers.get("secret-key")) != (NAME, KEY):
        return reply(401)
    plain = parse_qs(urlsplit(request.target).query)["url"][0]
    return _json({"href": f"{plain}{'&' if '?' in plain else '?'}X-Amz-Signature={server.issue()}"})


def _urs(server: Server, request: Request) -> bytes:
    if request.headers.get("authorization") != "Basic " + base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode():
        return reply(401, b'{"error":"invalid_credentials"}')
    if request.target == "/api/users/tokens":
        return _json([])
    return reply(302, Location=f"{parse_qs(urlsplit(request.target).query)['redirect_uri'][0]}?code={ISSUED}-code")


def _urs_gate(server: Server, request: Request, login: str) -> bytes | None:
    home = f"http://{request.headers['host']}"
    if request.target.startswith("/callback"):
        return reply(302, Location=f"{home}/start", Set_Cookie=f"session={server.issue()}; Path=/; HttpOnly")
    if server.good(request.headers.get("cookie", "")):
        return None
    return reply(302, Location=f"{login}/oauth/authorize?client_id=c&redirect_uri={quote(f'{home}/callback')}")


def _resto_gate(server: Server, request: Request, login: str) -> bytes | None:
    return reply(404) if request.target.startswith("/resto/api/users/") else None


ACCOUNTS = {
    "basic": Account(lambda home, login: basic.Kind(username=NAME, password=_PASSWORD)),
    "header": Account(lambda home, login: header.Kind(header="X-Access", prefix="Token ", key=_KEY)),
    "geodes": Account(lambda home, login: geodes.Kind(url=f"{home}/api/stac", key=_KEY)),
    "oauth": Account(
        lambda home, login: oauth.Kind(url=home, token_url=f"{login}/token", username=NAME, password=_PASSWORD), _oauth
    ),
    "resto": Account(lambda home, login: resto.Kind(url=f"{login}/resto", username=NAME, password=_PASSWORD), _resto),
    "theia": Account(
        lambda home, login: theia.Kind(token_url=f"{login}/authenticate/", username=NAME, password=_PASSWORD), _theia
    ),
    "usgs": Account(
        lambda home, login: usgs.Kind(
            api_url=f"{login}/api", bundle_url=f"{home}/gen-bundle", username=NAME, token=_KEY
        ),
        _usgs,
        start=SCENE,
    ),
    "earthdata": Account(lambda home, login: earthdata.Kind(token=_KEY, login_url=login, cmr_url=f"{login}/search")),
    "urs": Account(lambda home, login: urs.Kind(login_url=login, username=NAME, password=_PASSWORD), _urs, _urs_gate),
    "planetary": Account(lambda home, login: planetary.Kind(token_url=f"{login}/token"), _planetary, host=BLOBS),
    "dataterra": Account(
        lambda home, login: dataterra.Kind(access_key=NAME, secret_key=_KEY, sign_url=f"{login}/sign", files_url=home),
        _dataterra,
    ),
    "s3": Account(lambda home, login: s3.Kind(endpoint=home, access_key="AKIDcanary", secret_key=_KEY)),
}


@dataclass
class Scene:
    """A server of files, one that logs in, and the account that is made for both."""

    home: Peer
    login: Peer
    server: Server
    kind: Any
    start: str

    @property
    def hosts(self) -> list[str]:
        return [f"127.0.0.1:{self.login.port}"]


@contextmanager
def staged(name: str, inside: Callable[[Request, Any], bytes | None]) -> Iterator[Scene]:
    """Serve for a kind of account; `inside` answers who is let in."""
    account, server = ACCOUNTS[name], Server()
    with ExitStack() as stack:

        def log_in(request: Request, _: Any) -> bytes:
            return server.broken or (account.login or (lambda *_: reply(404)))(server, request)

        login = stack.enter_context(served(log_in))

        def at_home(request: Request, connection: Any) -> bytes | None:
            shut = account.gate(server, request, login.origin) if account.gate else None
            return shut or inside(request, connection)

        home = stack.enter_context(served(at_home, name=account.host))
        server.home = home.origin
        yield Scene(home, login, server, account.made(home.origin, login.origin), home.url(account.start))


def leaked(*peers: Peer) -> list[str]:
    """Name the canaries among all bytes that these servers were sent."""
    seen = b"".join(request.raw for peer in peers for request in peer.requests)
    return [canary for canary in CANARIES if canary.encode() in seen]


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secrets of all accounts, and Azure's host on this machine."""
    import socket

    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    real = socket.getaddrinfo

    def here(host: Any, *more: Any, **named: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".windows.net") else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", here)


def settings(kind: Any) -> dict[str, Any]:
    return {field.encode_name: getattr(kind, field.name) for field in msgspec.structs.fields(type(kind))}
