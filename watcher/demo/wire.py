"""A request and an answer, as values between the routes and the socket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watcher.demo.answers import encoded


@dataclass(frozen=True)
class Request:
    """What was asked. `path` and `query` are the two halves of the target, header names are lower-case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What goes out. `announced` is the Content-Length when it is not the body's; then the connection ends.

    `api`: an answer of the application, which carries `Cache-Control: no-cache` and ends the connection on an
    error.
    """

    status: int
    body: bytes
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    announced: int | None = None
    api: bool = True

    @property
    def last_words(self) -> bool:
        """Whether the connection is closed after this answer."""
        return self.announced is not None or (self.api and self.status in (400, 500))


def answer_json(value: object, *, status: int = 200, pretty: bool = False) -> Answer:
    """A JSON body."""
    return Answer(status, encoded(value, pretty=pretty).encode())


def error(status: int, message: str) -> Answer:
    """Resto's error body."""
    return answer_json({"ErrorMessage": message, "ErrorCode": status}, status=status)
