"""One catalogue's HTTP client."""

from __future__ import annotations

import itertools
import logging
import math
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import httpx
import msgspec

from watcher.errors import HttpError
from watcher.net.answers import Answer, whole
from watcher.net.connections import within
from watcher.net.failures import BROKEN, TRIES, OnTheWay, cause, passing, refusal, tries, unreachable
from watcher.net.hops import Question, Talk, Way, ask, converse, link
from watcher.net.loans import NOTHING, Loan, Origin, joined, lend
from watcher.net.manners import Pace, backoff, pause
from watcher.net.reach import reach
from watcher.net.wire import Wire

Params = Mapping[str, str | int | float | bool | None] | Sequence[tuple[str, str]]
T = TypeVar("T")

# httpx writes whole URLs at INFO, with the tokens that servers put in them.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a client of a catalogue is made of but for its account: the arguments of `Http`, in any process.

    A proxy may have a password; ``repr()`` does not show it.
    """

    origin: str
    hosts: tuple[str, ...] = ()
    auth_hosts: tuple[str, ...] = ()
    gap: float = 0.0
    deadline: float = 60.0
    connections: int = 4
    ca_bundle: str | None = None
    allow_insecure: bool = False
    proxy: str | None = None
    contact: str = ""

    def __repr__(self) -> str:
        return f"Settings(origin={self.origin!r})"

    def client(self, auth: httpx.Auth | None, *, signed: bool = False, stop: threading.Event | None = None) -> Http:
        """Make a client with an account, or what was lent of one."""
        return Http(**msgspec.structs.asdict(self), auth=auth, signed=signed, stop=stop)


class Http:
    """One catalogue's HTTP client. Close it, or use it as a context manager; threads may share it.

    `origin` is the catalogue's URL. `hosts` (``name`` or ``name:port``) may be asked and redirected to as
    well, and may have private addresses; `auth_hosts` may, besides the origin, see the credentials that
    `auth` adds: to downloads and to what is asked `authenticated`, or to everything if `signed`. `gap` is the
    pause between two requests to the origin, `deadline` the time for one whole answer, `backoff_base` the scale
    of the pauses between tries, all in seconds; `max_body` is in bytes, after decompression. `contact` is told to
    the origin: who asks. `stop`, once set, ends every wait with `Unreachable`. `asked` counts the requests of
    `get` and `post`, `received` the bytes of their answers, after decompression.

    Raises `ConfigError` for an origin, host, proxy or `ca_bundle` that is none.
    """

    def __init__(
        self,
        *,
        origin: str,
        hosts: Collection[str] = (),
        auth_hosts: Collection[str] = (),
        auth: httpx.Auth | None = None,
        signed: bool = False,
        gap: float = 0.0,
        deadline: float = 60.0,
        max_body: int = 16 * 2**20,
        connections: int = 4,
        ca_bundle: str | None = None,
        allow_insecure: bool = False,
        proxy: str | None = None,
        contact: str = "",
        stop: threading.Event | None = None,
        backoff_base: float = 1.0,
    ) -> None:
        if auth is not None and auth.requires_response_body:
            raise TypeError(f"{type(auth).__name__} would read every answer without a limit: let it read its own")
        allowed = reach(origin, hosts=hosts, auth_hosts=auth_hosts, insecure=allow_insecure)
        wire = Wire(allowed, connections=connections, ca_bundle=ca_bundle, proxy=proxy)
        self._way = Way(wire, allowed, Pace(gap), auth, deadline, contact)
        self._origin, self._all_signed = link(origin), signed
        self._max_body, self._backoff_base = max_body, backoff_base
        self.asked = self.received = 0
        self.stop = stop or threading.Event()

    def __enter__(self) -> Http:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._way.wire.close()

    def get(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        authenticated: bool = False,
    ) -> Answer:
        """Ask for `url`, with `params` added to its query.

        Credentials go along if `authenticated`. Raises `HttpError` for an answer that is not 2xx, and
        `Unreachable` for everything that is no complete answer, after as many tries as can help.
        """
        target = link(url)
        if params is not None:
            target = target.copy_merge_params(params)  # type: ignore[arg-type]  # a sequence of pairs will do
        return self._answer("GET", target, headers or {}, None, authenticated)

    def post(
        self, url: str, *, json: object, headers: Mapping[str, str] | None = None, authenticated: bool = False
    ) -> Answer:
        """Ask by a search in the body; otherwise as `get`. It may be sent more than once."""
        asked = {"Content-Type": "application/json", **(headers or {})}
        return self._answer("POST", link(url), asked, msgspec.json.encode(json), authenticated)

    def glance(self, url: str, *, limit: int, seconds: float, stop: threading.Event) -> Answer:
        """Ask once for something small that can be done without, such as a picture: of this catalogue's hosts only.

        No credentials go along. `limit` is in bytes; it ends after `seconds`, or as soon as `stop` is set. Raises as
        `get` does.
        """
        asked = {"Accept-Encoding": "gzip", "Accept": "image/*"}
        question = Question("GET", link(url), asked, None, signed=False, anywhere=False, patience=seconds)
        try:
            with within(seconds, stop):
                return self._read(question, limit, stop)
        except BROKEN as error:
            raise unreachable(question.url, error) from cause(error)

    @contextmanager
    def stream(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        patience: float = 60.0,
        stop: threading.Event | None = None,
    ) -> Iterator[httpx.Response]:
        """Open a download; the caller judges its status and reads it by `watcher.net.pieces`.

        Any public https host may be asked; credentials go to the origin and to `auth_hosts` only. The
        deadline holds up to the headers; from there each read may take `patience` seconds. What breaks, there
        or in the body of the ``with`` statement, is raised as `Unreachable`.
        """
        asked = {**(headers or {}), "Accept-Encoding": "identity"}
        question = Question("GET", link(url), asked, None, signed=True, anywhere=True, patience=patience)
        stop = stop or self.stop
        response = self._patiently(question, stop, lambda: ask(self._way, question, stop))
        try:
            with within(math.inf, stop):
                yield response
        except BROKEN as error:
            raise unreachable(question.url, error) from cause(error)
        finally:
            response.close()

    def converse(self, talk: Callable[[httpx.Request], Talk[T]]) -> T:
        """Make the requests of a login by themselves, to try it, and return what it came to.

        `talk` is given a request that those of the login shall be like (`watcher.net.logins.asking`).
        """
        question = Question("GET", self._origin, {}, None, signed=False, anywhere=True, patience=self._way.deadline)
        return self._patiently(question, self.stop, lambda: converse(self._way, question, talk))

    def lend(self, urls: Sequence[str], *, refused: Loan = NOTHING, stop: threading.Event | None = None) -> Loan:
        """Lend what these downloads need to show, to a client elsewhere that has it as its `Lent` account.

        What was `refused` of the last loan is made anew, if that was not done since.
        Raises as `get` does, and `CredentialError`.
        """
        stop = stop or self.stop
        headers = {"Accept-Encoding": "identity", "Range": "bytes=0-0"}
        asked: set[Origin] = set()

        def one(url: str) -> Loan:
            patience = self._way.deadline
            question = Question("GET", link(url), headers, None, signed=True, anywhere=True, patience=patience)
            return self._patiently(
                question, stop, lambda: lend(self._way, question, stop, refused=refused, asked=asked)
            )

        return joined(map(one, urls))

    def turn(self, url: str, *, stop: threading.Event | None = None) -> None:
        """Wait for the turn of a request that is to be made elsewhere: the origin has its pauses all the same."""
        if self._way.reach.home(link(url)):
            self._way.pace.wait(stop or self.stop)

    def _answer(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes | None, signed: bool
    ) -> Answer:
        question = Question(
            method,
            url,
            {"Accept-Encoding": "gzip", **headers},
            content,
            signed=signed or (self._all_signed and self._way.reach.bound(url)),
            anywhere=False,
            patience=self._way.deadline,
        )

        def once() -> Answer:
            self.asked += 1
            answer = self._read(question, self._max_body, self.stop)
            self.received += len(answer.body)
            return answer

        return self._patiently(question, self.stop, once)

    def _read(self, question: Question, limit: int, stop: threading.Event) -> Answer:
        response = ask(self._way, question, stop)
        try:
            if not response.is_success:
                raise refusal(response)
            body = whole(response, limit)
            return Answer(response.status_code, dict(response.headers), body, str(response.request.url))
        finally:
            response.close()

    def _patiently(self, question: Question, stop: threading.Event, once: Callable[[], T]) -> T:
        for tried in itertools.count(1):
            try:
                with within(self._way.deadline, stop):
                    return once()
            except (OnTheWay, *BROKEN) as broken:
                url, error = (broken.url, broken.error) if isinstance(broken, OnTheWay) else (question.url, broken)
                if tried >= TRIES or not passing(error):
                    raise unreachable(url, error) from cause(error)
                seconds = backoff(tried, self._backoff_base)
            except HttpError as error:
                if tried >= tries(error):
                    raise
                seconds = backoff(tried, self._backoff_base) if error.retry_after is None else error.retry_after
            pause(seconds, stop)
        raise AssertionError  # a count has no end
