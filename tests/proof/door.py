"""The way to a catalogue, on loopback: an HTTP server in front of it, at which things happen and go wrong."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tests.catalogues.loopback import Asked, Reply
from tests.loopback import Request, served

FAULTS = ("500", "503", "cut", "empty", "html", "nothing", "slow")
"""An error, a busy server, a cut connection, an empty body, a login page, an empty list (a lie), silence."""

_PATIENCE = 20.0
_LISTS = ("features", "items", "value")
_COUNTS = ("numberMatched", "numberReturned", "hits", "@odata.count")


@dataclass
class Fault:
    """What goes wrong: `kind` of `FAULTS`, with the requests from `first` on, so many `times`."""

    kind: str
    first: int = 0
    times: int = 1


class Door:
    """Asks `answer` for each request. `between` is called before each; `fault` is what goes wrong, counted from now."""

    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        self._answer = answer
        self.url = ""
        self.requests = self._since = 0
        self.between: Callable[[], None] = lambda: None
        self.trouble: list[Exception] = []
        self._fault: Fault | None = None
        self._turn = threading.Lock()

    def goes_wrong(self, fault: Fault | None) -> None:
        """Let this go wrong from the next request on; `None` mends all."""
        self._fault, self._since = fault, 0

    def __call__(self, request: Request, connection: socket.socket) -> bytes | None:
        with self._turn:
            number, fault = self._since, self._fault
            self.requests += 1
            self._since += 1
            try:
                self.between()
                kind = fault.kind if fault and fault.first <= number < fault.first + fault.times else ""
                reply = Reply(500, b"{}") if kind == "500" else self._answer(_asked(request))
            except Exception as error:
                self.trouble.append(error)
                raise
        if kind == "slow":
            _silent(connection)
            return None
        if kind == "cut":
            connection.sendall(_written(reply)[: -max(1, len(reply.body) // 2)])
            return None
        return _written(_spoilt(reply, kind))


@contextmanager
def opened(answer: Callable[[Asked], Reply]) -> Iterator[Door]:
    """Open a door to a catalogue until the block ends; what broke behind it is raised there."""
    door = Door(answer)
    with served(door) as peer:
        door.url = peer.origin
        yield door
    if door.trouble:
        raise door.trouble[0]


def _silent(connection: socket.socket) -> None:
    """Say nothing until the other side has had enough."""
    connection.settimeout(_PATIENCE)
    with contextlib.suppress(OSError):
        connection.recv(1)


def _spoilt(reply: Reply, kind: str) -> Reply:
    match kind:
        case "503":
            return Reply(503, b"busy", "text/plain")
        case "empty":
            return reply._replace(body=b"")
        case "html":
            return Reply(200, b"<html><form>Who are you?</form></html>", "text/html")
        case "nothing":
            return _emptied(reply)
    return reply


def _emptied(reply: Reply) -> Reply:
    """Make an answer say that there is nothing, where it lists something."""
    try:
        said: Any = msgspec.json.decode(reply.body)
    except msgspec.DecodeError:
        return reply
    if not isinstance(said, dict) or not any(name in said for name in _LISTS):
        return reply
    said |= {name: [] for name in (*_LISTS, "links") if name in said} | {name: 0 for name in _COUNTS if name in said}
    said.pop("@odata.nextLink", None)
    if "context" in said:
        said["context"] |= {"matched": 0, "returned": 0}
    if "totalResults" in (said.get("properties") or {}):
        said["properties"] |= {"totalResults": 0, "links": []}
    headers = {name: "0" if name == "CMR-Hits" else text for name, text in reply.headers.items()}
    return reply._replace(body=msgspec.json.encode(said), headers=headers)


def _asked(request: Request) -> Asked:
    parts = urlsplit(request.target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Asked(parts.path, query, request.headers, request.method, request.body)


def _written(reply: Reply) -> bytes:
    headers = {"Content-Type": reply.type, "Content-Length": str(len(reply.body)), **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} Said", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body
