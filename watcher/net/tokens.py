"""A token that many requests share: fetched by one of them while the others wait, and renewed ahead of its end.

What an account adds for itself is how to log in, as a generator: it yields requests, is sent their answers, and
returns what it was granted. It runs in the way of the request that needs it, under its deadline and its `stop`.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import contextmanager

import httpx
import msgspec

from watcher.errors import CatalogueError, CredentialError, HttpError, Unreachable, WatcherError
from watcher.net.logins import carried

PATIENCE = 90.0
"""Seconds that a request waits for a login that another one has begun."""

REFUSED_FOR = 60.0
"""Seconds for which a refusal is believed: asking again and again gets accounts locked."""

_MOST = 256


class Granted(msgspec.Struct, frozen=True):
    """What a login gave: a token, and for how many seconds to use it (see `watcher.net.logins.ahead`)."""

    token: str
    seconds: float


class Refused(CredentialError):
    """The server does not accept the account, whoever asks."""


Login = Generator[httpx.Request, httpx.Response, Granted]


class Token:
    """A token, and the turn of those who want it. `place` is who gives it, for messages."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._text: str | None = None
        self._good_until = self._refused_until = 0.0
        self._logins = 0
        self._failure: WatcherError | None = None

    @property
    def current(self) -> str | None:
        """The last token that was granted, good or not."""
        return self._text

    def valid(
        self, login: Callable[[], Login], *, refused: str | None = None
    ) -> Generator[httpx.Request, httpx.Response, str]:
        """Return a token that is still good and is not the one `refused`; log in if need be.

        Those who wait for a login that fails are told so, and do not try it one after the other.
        """
        logins = self._logins
        with self._turn():
            now = time.monotonic()
            if self._text is not None and self._text != refused and now < self._good_until:
                return self._text
            if self._failure is not None and (self._logins != logins or now < self._refused_until):
                raise _again(self._failure)
            # What those hear who wait, if this is cut off from outside: by a broken connection, or a stop.
            self._text, self._failure = None, Unreachable(f"the login at {self._place} broke off")
            try:
                granted = yield from login()
            except WatcherError as error:
                self._failure = error
                if isinstance(error, Refused):
                    self._refused_until = time.monotonic() + REFUSED_FOR
                raise
            finally:
                self._logins += 1
            self._text, self._failure = carried(granted.token, self._place), None
            self._good_until = now + granted.seconds
            return self._text

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=PATIENCE):
            raise CatalogueError(f"a login at {self._place} has not ended for {PATIENCE:.0f} s")
        try:
            yield
        finally:
            self._lock.release()


class Tokens:
    """A token for each of many places, such as the containers of a store; of very many, the last used."""

    def __init__(self) -> None:
        self._tokens: OrderedDict[str, Token] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: str, place: str) -> Token:
        """Return the token of a place, new if there is none."""
        with self._lock:
            token = self._tokens.setdefault(key, Token(place))
            self._tokens.move_to_end(key)
            if len(self._tokens) > _MOST:
                self._tokens.popitem(last=False)
            return token


class Signing(httpx.Auth):
    """Signs all requests with one token: see `signed`. `login` begins a login for the sake of a request."""

    def __init__(
        self,
        token: Token,
        login: Callable[[httpx.Request], Login],
        put: Callable[[httpx.Request, str], None],
        over: Collection[int],
    ) -> None:
        self._token, self._login, self._put, self._over = token, login, put, over

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign a request, and once more if need be."""
        yield from signed(request, self._token, lambda: self._login(request), self._put, self._over)


def signed(
    request: httpx.Request,
    token: Token,
    login: Callable[[], Login],
    put: Callable[[httpx.Request, str], None],
    over: Collection[int],
) -> Generator[httpx.Request, httpx.Response, None]:
    """Sign a request with a token; with another, once, if the server says that it is over.

    `put` writes a token into the request, `over` are the statuses that say that one is over.
    """
    before = token.current
    text = yield from token.valid(login)
    put(request, text)
    response = yield request
    # Over for the server, whose clock may not be ours. One just fetched cannot be.
    if response.status_code in over and text == before:
        response.close()  # who waits for a token holds no connection, which the login may need
        text = yield from token.valid(login, refused=text)
        put(request, text)
        yield request


def _again(error: WatcherError) -> WatcherError:
    """Make an error anew, for another thread to raise."""
    why = {"hint": error.hint, "permanent": error.permanent, "retry_after": error.retry_after}
    if isinstance(error, HttpError):
        return HttpError(str(error), status=error.status, **why)  # type: ignore[arg-type]  # each as it was
    return type(error)(str(error), **why)  # type: ignore[arg-type]
