"""What fetches a few files in the place of an account: lent by the process that has it to one that has not.

It is what the account itself puts into the requests for these files: a header, or a signed address. Where it may be
shown stays the business of the HTTP client, there as here. How long a loan is good is the account's nature: a token
ends within the hour, a signed address when it says, a key or a password not at all.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any
from urllib.parse import unquote

import httpx
import msgspec

from watcher.credentials import remembered_for_now
from watcher.net.hops import Question, Way, answered, ask, request_of
from watcher.net.reach import origin

Origin = tuple[str, str, int]

_OVER = (401, 403)
"""How servers say that a token is over: most of them in the first way."""

_SIGNATURE = 20
"""Letters that a value has at least, in the query of an address, that nobody could guess."""


class Loan(msgspec.Struct, frozen=True):
    """Headers by the origin they were made for, and signed addresses by the plain ones. ``repr()`` shows neither."""

    headers: tuple[tuple[Origin, tuple[tuple[str, str], ...]], ...] = ()
    addresses: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return "Loan(***)" if self else "Loan()"

    __str__ = __repr__

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []

    def __bool__(self) -> bool:
        return bool(self.headers or self.addresses)

    def among(self, other: Loan) -> bool:
        """Say whether all of it is in another one."""
        return {*self.headers, *self.addresses} <= {*other.headers, *other.addresses}


NOTHING = Loan()


class Lent(httpx.Auth):
    """Signs requests with a loan.

    A file's own address is changed for the signed one. Headers go with any request that the client has signed, as
    they would from the account; a cookie to its origin only.
    """

    def __init__(self, loan: Loan) -> None:
        self._headers, self._addresses = dict(loan.headers), dict(loan.addresses)
        for header in self._headers.values():
            for _, value in header:
                remembered_for_now(value)
                remembered_for_now(value.rpartition(" ")[2])
        for address in self._addresses.values():
            for said in _secrets(httpx.URL(address).query.decode("ascii")):
                remembered_for_now(said)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put what was lent into a request."""
        own = self._headers.get(origin(request.url))
        for name, value in own or next(iter(self._headers.values()), ()):
            if own or name.lower() != "cookie":
                request.headers[name] = value
        signed = self._addresses.get(str(request.url))
        if signed is not None:
            request.url = httpx.URL(signed)
        yield request


def _secrets(query: str) -> Iterator[str]:
    """Yield what is secret in the query of a signed address, as it stands and as a server may repeat it."""
    values = [value for _, _, value in (part.partition("=") for part in query.split("&")) if len(value) >= _SIGNATURE]
    for value in values or [query]:
        yield value
        yield unquote(value)


def lend(way: Way, question: Question, stop: threading.Event, *, refused: Loan, asked: set[Origin]) -> Loan:
    """Lend what one question needs, which is not asked unless an account learns what it needs from the answer.

    Such an account (`asks`) has its question answered, once for each server that has a header for all its files, which
    is noted in `asked`. To any other it is said that its token is over, if it would lend what was `refused`: the file
    itself is not asked for, as that may order it. One whose signatures hold for a single request has a `presign`,
    which makes an address that holds for more. Raises `WatcherError` where the account cannot log in.
    """
    auth = way.auth
    if auth is None or not way.reach.bound(question.url):
        return Loan()
    presign = getattr(auth, "presign", None)
    if presign is not None:
        noting, request = _Noting(auth), request_of(way, question)
        with noting.noted(request):
            presign(request)
        return noting.loan
    if getattr(auth, "asks", False):
        return _asked(way, question, stop, auth, asked)
    loan = _signing(way, question, auth, None)
    for status in _OVER:
        if loan and loan.among(refused):
            loan = _signing(way, question, auth, status)
    return loan


def _asked(way: Way, question: Question, stop: threading.Event, auth: httpx.Auth, asked: set[Origin]) -> Loan:
    if origin(question.url) in asked:
        return Loan()
    noting = _Noting(auth)
    ask(msgspec.structs.replace(way, auth=noting), question, stop).close()
    if noting.headers and not noting.addresses:
        asked.add(origin(question.url))
    return noting.loan


def _signing(way: Way, question: Question, auth: httpx.Auth, answer: int | None) -> Loan:
    """Have a request signed that is not made; the account may hear of a status that it was answered with."""
    noting, request = _Noting(auth), request_of(way, question)
    with noting.noted(request), closing(auth.sync_auth_flow(request)) as flow, suppress(StopIteration):
        wanted = next(flow)
        while wanted is not request or answer is not None:
            if wanted is request:
                heard, answer = httpx.Response(answer or 0, request=request), None
            else:
                heard = answered(way, wanted)
            wanted = flow.send(heard)
    return noting.loan


def joined(loans: Iterator[Loan]) -> Loan:
    """Make one loan of several; of an origin's headers the last hold."""
    headers: dict[Origin, tuple[tuple[str, str], ...]] = {}
    addresses: dict[str, str] = {}
    for loan in loans:
        headers |= dict(loan.headers)
        addresses |= dict(loan.addresses)
    return Loan(tuple(headers.items()), tuple(addresses.items()))


class _Noting(httpx.Auth):
    """An account, and what it put into each request."""

    def __init__(self, auth: httpx.Auth) -> None:
        self._auth = auth
        self.headers: dict[Origin, tuple[tuple[str, str], ...]] = {}
        self.addresses: dict[str, str] = {}

    @property
    def loan(self) -> Loan:
        """All that it put into them."""
        return Loan(tuple(self.headers.items()), tuple(self.addresses.items()))

    @contextmanager
    def noted(self, request: httpx.Request) -> Iterator[None]:
        url, had = request.url, dict(request.headers)
        yield
        # Where the account led it, the client has put another host into the request.
        added = tuple((n, v) for n, v in request.headers.items() if had.get(n) != v and n.lower() != "host")
        if added:
            self.headers[origin(url)] = added
        if request.url != url:
            self.addresses[str(url)] = str(request.url)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        with self.noted(request):
            yield from self._auth.sync_auth_flow(request)
