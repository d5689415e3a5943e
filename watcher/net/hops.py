"""From a question to the first answer that is no redirect; who may see credentials on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from typing import TypeVar

import httpx
import msgspec

import watcher
from watcher.errors import CredentialError, Unreachable
from watcher.net.answers import whole
from watcher.net.failures import BROKEN, OnTheWay
from watcher.net.manners import Pace
from watcher.net.reach import Reach, host, origin, shown
from watcher.net.wire import Wire

HOPS = 5
_US, _MEANS = f"eo-watcher/{watcher.__version__}", f"+python-httpx/{httpx.__version__}"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# What may follow to another origin: it says what is wanted, not who asks.
_IMPERSONAL = frozenset({"accept", "accept-encoding", "accept-language", "range", "if-range"})
_TOKEN_BODY = 2**20

T = TypeVar("T")
Talk = Generator[httpx.Request, httpx.Response, T]
"""Requests, and answers that are sent back to it, which lead to something: a login, a question about an account."""


class Question(msgspec.Struct, frozen=True):
    """One request as its author meant it.

    `signed` asks for credentials, `anywhere` allows public hosts that the configuration does not name,
    `patience` is the longest wait for a piece of the body, in seconds.
    """

    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    content: bytes | None
    signed: bool
    anywhere: bool
    patience: float


class Way(msgspec.Struct, frozen=True):
    """What a client knows of the way to its server; `contact` is who asks, for the server's people."""

    wire: Wire
    reach: Reach
    pace: Pace
    auth: httpx.Auth | None
    deadline: float
    contact: str = ""

    def agent(self, url: httpx.URL) -> str:
        """Return the `User-Agent` for an address (RFC 9110 §10.1.5): who asks is told to the catalogue only."""
        told = f"{self.contact}; {_MEANS}" if self.contact and self.reach.home(url) else _MEANS
        return f"{_US} ({told})"


def ask(way: Way, question: Question, stop: threading.Event) -> httpx.Response:
    """Send a question, follow at most five redirects, and return the answer with its body unread.

    A hop to another origin is a new request without credentials and without the caller's own headers; a
    question in a body is never repeated at another origin. An account may lead a request to another address, as such
    a hop, from where it goes on; the `size` of a file, in bytes, that it puts into the request's extensions is in those
    of the answer. Raises `Unreachable` for a hop that must not be made, `CredentialError` for a question that would
    take credentials to a stranger.
    """
    url, headers, signed, size = question.url, question.headers, question.signed, None
    for _ in range(HOPS + 1):
        way.reach.check(url, anywhere=question.anywhere)
        if signed and not way.reach.bound(url):
            if url is question.url and not question.anywhere:
                raise CredentialError(
                    f"{shown(url)} is not where these credentials belong: it was not asked",
                    hint=f'if it is trusted with them, add "{host(url)}" to auth_hosts',
                )
            signed = False  # for good: a stranger that sends us back home chose that URL
        if way.reach.home(url):
            way.pace.wait(stop)
        request = request_of(way, question, url, headers)
        response = _signed(way, way.auth, request, question) if signed and way.auth else _sent(way, request)
        if request.url != url:
            headers = headers if origin(request.url) == origin(url) else _impersonal(headers)
            url, signed = request.url, signed and way.reach.bound(request.url)
        size = request.extensions.get("size", size)
        if response.status_code not in _REDIRECTS or "location" not in response.headers:
            response.extensions["size"] = size
            return response
        response.close()  # unread: nothing in it is of use, and it may be a bomb
        here, url = url, link(response.headers["location"], base=url)
        if origin(url) != origin(here):
            headers = _impersonal(headers)
        if question.method != "GET" and (response.status_code not in (307, 308) or origin(url) != origin(here)):
            raise Unreachable(
                f"{shown(here)} sends a search on to {shown(url)}: it was not repeated there",
                hint="if that is the catalogue's new address, configure it as its url",
                permanent=True,
            )
    raise Unreachable(f"{shown(question.url)} leads from address to address, more than {HOPS} times")


def converse(way: Way, question: Question, talk: Callable[[httpx.Request], Talk[T]]) -> T:
    """Hold a talk by itself, as if it were for the sake of `question`, which is not asked; return what it came to."""
    with closing(talk(request_of(way, question))) as flow:
        try:
            wanted = next(flow)
            while True:
                wanted = flow.send(answered(way, wanted))
        except StopIteration as end:
            said: T = end.value
            return said


def link(text: str, base: httpx.URL | None = None) -> httpx.URL:
    """Read an address, without the user name and password that httpx would make credentials of."""
    try:
        url = httpx.URL(text) if base is None else base.join(text)
    except httpx.InvalidURL as error:
        where = "a link" if base is None else f"the redirect of {shown(base)}"
        raise Unreachable(f"{where} is no address: {error}", permanent=True) from error
    return url.copy_with(username=None, password=None, fragment=None) if url.userinfo or url.fragment else url


def _impersonal(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() in _IMPERSONAL}


def request_of(
    way: Way, question: Question, url: httpx.URL | None = None, headers: Mapping[str, str] | None = None
) -> httpx.Request:
    """Make a request of a question, or of a hop on its way."""
    url = url or question.url
    return httpx.Request(
        question.method,
        url,
        headers={"User-Agent": way.agent(url), **(question.headers if headers is None else headers)},
        content=question.content,
        extensions={"timeout": httpx.Timeout(way.deadline, read=question.patience).as_dict()},
    )


def _sent(way: Way, request: httpx.Request) -> httpx.Response:
    # Not by way of httpx.Client: it would keep cookies, and read and prepare redirects that we do not follow.
    response = way.wire.handle_request(request)
    response.request = request
    return response


def _signed(way: Way, auth: httpx.Auth, request: httpx.Request, question: Question) -> httpx.Response:
    """Let `auth` sign a request, and make the requests that it needs for that, such as one for a token."""
    meant = request.url
    # Closed whatever happens: a flow that is left hanging keeps the lock it may hold.
    with closing(auth.sync_auth_flow(request)) as flow:
        wanted = next(flow)
        while True:
            if wanted is request and origin(request.url) != origin(meant):
                way.reach.check(request.url, anywhere=question.anywhere)
                request.headers = request_of(way, question, request.url, _impersonal(question.headers)).headers
            response = _sent(way, wanted) if wanted is request else answered(way, wanted)
            try:
                wanted = flow.send(response)
            except StopIteration:
                return response
            except BaseException:
                response.close()
                raise
            response.close()


def answered(way: Way, wanted: httpx.Request) -> httpx.Response:
    """Send a request that an account needs for itself, and read its answer; a redirect is the account's to judge."""
    way.reach.check(wanted.url, anywhere=True)
    wanted.headers.setdefault("User-Agent", way.agent(wanted.url))
    try:
        response = _sent(way, wanted)
        try:
            return _read(response)
        finally:
            response.close()
    except BROKEN as error:
        raise OnTheWay(wanted.url, error) from error


def _read(response: httpx.Response) -> httpx.Response:
    # httpx would read it whole and inflate it without limit.
    body = b"" if response.status_code in _REDIRECTS else bytes(whole(response, _TOKEN_BODY))
    headers = [
        (n, v) for n, v in response.headers.multi_items() if n.lower() not in ("content-encoding", "transfer-encoding")
    ]
    return httpx.Response(response.status_code, headers=headers, content=body, request=response.request)
