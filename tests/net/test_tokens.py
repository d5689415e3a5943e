"""One login for all who wait for it; one failure, too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from watcher.credentials import redact
from watcher.errors import CatalogueError, CredentialError, HttpError, Unreachable, WatcherError
from watcher.net import tokens
from watcher.net.logins import Claims, addressed, ahead, claims, lifetime
from watcher.net.tokens import Granted, Login, Refused, Token, Tokens

ASKED = httpx.Request("GET", "https://login.example/token")


class Logins:
    """Grants tokens, each good for so long, or fails."""

    def __init__(self, *, lasts: float = 600.0, error: WatcherError | None = None) -> None:
        self.lasts, self.error, self.count = lasts, error, 0

    def __call__(self) -> Login:
        self.count += 1
        yield ASKED
        if self.error is not None:
            raise self.error
        return Granted(f"token-{self.count}", self.lasts)


def got(token: Token, login: Callable[[], Login], *, refused: str | None = None) -> str:
    """Run a flow to its end, each request of which is answered."""
    flow = token.valid(login, refused=refused)
    try:
        wanted = next(flow)
        while True:
            wanted = flow.send(httpx.Response(200, request=wanted))
    except StopIteration as end:
        return str(end.value)


class Counted:
    """A lock that says how many have come to it."""

    def __init__(self) -> None:
        self.lock, self.came, self.changed = threading.Lock(), 0, threading.Condition()

    def acquire(self, *, timeout: float) -> bool:
        with self.changed:
            self.came += 1
            self.changed.notify_all()
        return self.lock.acquire(timeout=timeout)

    def release(self) -> None:
        self.lock.release()

    def wait_for(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.came >= count, timeout=20)


def test_a_token_is_used_until_it_ends_and_then_another_is_fetched() -> None:
    token, login = Token("login.example"), Logins()
    assert [got(token, login) for _ in range(3)] == ["token-1"] * 3
    assert got(token, login, refused="token-1") == "token-2"
    assert got(token, login, refused="token-1") == "token-2"  # who was slow does not renew what is new
    brief, login = Token("login.example"), Logins(lasts=0.0)
    assert [got(brief, login) for _ in range(3)] == ["token-1", "token-2", "token-3"]


@pytest.mark.parametrize(
    "error",
    [
        HttpError("login.example answered 503 to a login", status=503, retry_after=7.0, permanent=False),
        Unreachable("gone", hint="is it on?"),
        Refused("refused", hint="try both"),
    ],
)
def test_those_who_wait_for_a_login_that_fails_are_told_so_without_trying_it(error: WatcherError) -> None:
    token, login, lock = Token("login.example"), Logins(error=error), Counted()
    token._lock = lock  # type: ignore[assignment]
    flow = token.valid(login)
    next(flow)  # a login is under way
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(got, token, login) for _ in range(20)]
        lock.wait_for(21)
        with pytest.raises(type(error)):
            flow.send(httpx.Response(500, request=ASKED))
        failures = [one.exception(timeout=20) for one in waiting]
    assert login.count == 1
    for failure in failures:
        assert isinstance(failure, type(error))
        assert failure is not error  # each thread has one of its own, to put its traceback into
        told = [(str(e), e.hint, e.retry_after, e.permanent, getattr(e, "status", None)) for e in (failure, error)]
        assert told[0] == told[1]


def test_those_who_wait_for_a_login_that_is_cut_off_are_told_that() -> None:
    token, login, lock = Token("login.example"), Logins(), Counted()
    token._lock = lock  # type: ignore[assignment]
    flow = token.valid(login)
    next(flow)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(got, token, login) for _ in range(2)]
        lock.wait_for(3)
        flow.close()
        for one in waiting:
            with pytest.raises(Unreachable, match="login at login.example broke off"):
                one.result(timeout=20)
    assert got(token, login) == "token-2"  # who comes later tries again


def test_who_comes_after_a_failure_tries_again_but_not_after_a_refusal() -> None:
    token, login = Token("login.example"), Logins(error=HttpError("500", status=500))
    for _ in range(2):
        with pytest.raises(HttpError):
            got(token, login)
    assert login.count == 2
    token, login = Token("login.example"), Logins(error=Refused("wrong password"))
    for _ in range(3):
        with pytest.raises(Refused, match="wrong password"):
            got(token, login)
    assert login.count == 1


def test_a_secret_that_cannot_be_read_is_looked_for_again() -> None:
    token, login = Token("login.example"), Logins(error=CredentialError("not set"))
    for _ in range(2):
        with pytest.raises(CredentialError):
            got(token, login)
    login.error = None
    assert got(token, login) == "token-3"


def test_a_refusal_is_believed_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    token, login = Token("login.example"), Logins(error=Refused("wrong password"))
    with pytest.raises(Refused):
        got(token, login)
    login.error = None
    later = time.monotonic() + tokens.REFUSED_FOR + 1
    monkeypatch.setattr(tokens.time, "monotonic", lambda: later)
    assert got(token, login) == "token-2"


def test_a_login_that_does_not_end_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "PATIENCE", 0.01)
    token, login = Token("login.example"), Logins()
    hanging = token.valid(login)
    next(hanging)
    with pytest.raises(CatalogueError, match="has not ended"):
        got(token, login)
    hanging.close()
    assert got(token, login) == "token-2"


@pytest.mark.parametrize("text", ["", " ", "a\r\nX-Evil: 1", "é", "a\n", " a", "a" * 20_000, "a\0b"])
def test_a_token_that_no_request_can_carry_is_none(text: str) -> None:
    def login() -> Login:
        yield ASKED
        return Granted(text, 600.0)

    with pytest.raises(CatalogueError, match="no request can carry"):
        got(Token("login.example"), login)


def test_a_token_is_a_secret_wherever_it_turns_up() -> None:
    got(Token("login.example"), Logins())
    assert redact("it said token-1") == "it said ***"


def test_places_have_tokens_of_their_own_and_very_many_are_forgotten() -> None:
    many = Tokens()
    first = many.of("a", "login.example")
    assert many.of("a", "login.example") is first
    assert many.of("b", "login.example") is not first
    for number in range(300):
        many.of(str(number), "login.example")
    assert many.of("a", "login.example") is not first


@pytest.mark.parametrize(("lasts", "used"), [(3600, 3540), (600, 540), (300, 270), (0, 0), (-5, 0)])
def test_a_token_is_renewed_a_minute_or_a_tenth_ahead_of_its_end(lasts: float, used: float) -> None:
    assert ahead(lasts) == used


@pytest.mark.parametrize("token", ["", "opaque", "a.b", "a.!!!.c", "a.bnVsbA.c", "a.W10.c", "a." + "W" * 3000 + ".c"])
def test_what_is_no_jwt_says_nothing_of_itself(token: str) -> None:
    assert claims(token) == Claims()
    assert lifetime(token, otherwise=42.0) == 42.0


@pytest.mark.parametrize(
    "url", ["", "identity", "ftp://x/y", "https://", "https://me@x/y", "https://x/y?z=1", "https://[::zz]/"]
)
def test_a_login_wants_an_address_of_its_own(url: str) -> None:
    with pytest.raises(ValueError, match="token_url must be an https address"):
        addressed("token_url", url)


def test_an_address_is_one() -> None:
    addressed("token_url", "https://identity.example/auth/token")


def test_nothing_shows_a_token() -> None:
    token: Any = Token("login.example")
    got(token, Logins())
    assert "token-1" not in repr(token)
