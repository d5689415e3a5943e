from __future__ import annotations

import asyncio
import email
import email.policy
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class _PortZero(Controller):
    """Controller asks its own port to see that it listens; with port 0 only the bound socket knows it."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        super()._trigger_server()


class Mailman:
    """A real mail server; the name of a recipient scripts its answer. It hears every mail until `closed`."""

    def __init__(self, **options: Any) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.logins: list[LoginPassword] = []
        self.asked: list[str] = []
        self.controller = _PortZero(self, hostname="127.0.0.1", port=0, authenticator=self.login, **options)
        self._gone = False

    def login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        self.logins.append(data)
        return AuthResult(success=data.password == b"right/pass word", handled=False)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked.append(address)
        if address.startswith("refused"):
            return "550 5.1.1 no such person here"
        if address.startswith("later"):
            return "451 4.7.1 come back later"
        while address.startswith("hung") and not self._gone:
            await asyncio.sleep(0.02)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("stranger"):
            return "550 5.7.1 you may not write from there"
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        if envelope.rcpt_tos[0].startswith("spam"):
            return "554 5.7.1 this looks like spam"
        self.raw.append(content)
        self.mails.append(email.message_from_bytes(content, policy=email.policy.default))
        return "250 2.0.0 queued as 4711"

    def url(self, recipient: str, *, scheme: str = "mailto", user: str = "") -> str:
        return f"{scheme}://{user}127.0.0.1:{self.controller.port}/?from=watcher@example.org&to={recipient}"

    def close(self) -> None:
        self._gone = True
        self.controller.stop()


@contextmanager
def started(**options: Any) -> Iterator[Mailman]:
    mailman = Mailman(**options)
    mailman.controller.start()
    try:
        yield mailman
    finally:
        mailman.close()


@pytest.fixture
def mailman_with() -> Iterator[Callable[..., Mailman]]:
    with ExitStack() as opened:
        yield lambda **options: opened.enter_context(started(**options))


@pytest.fixture
def mailman(mailman_with: Callable[..., Mailman]) -> Mailman:
    return mailman_with()


class Hook:
    """A real web server that takes what is posted to it; the path scripts its answer."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, str], Any]] = []
        self.asked: list[str] = []
        self.release = threading.Event()
        hook = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                hook.asked.append(self.path)
                if self.path.startswith("/hung"):
                    hook.release.wait(60)
                if self.path.startswith("/status"):
                    self._say(int(self.path[-3:]), b"no")
                elif self.path.startswith("/redirect"):
                    self._say(302, b"", Location=f"{hook.origin}/elsewhere")
                elif self.path.startswith("/broken"):
                    self._say(500, f"cannot take {self.path} {self.headers} {body!r}".encode())
                else:
                    headers = {key.lower(): value for key, value in self.headers.items()}
                    is_json = headers.get("content-type", "").startswith("application/json")
                    hook.posts.append((self.path, headers, json.loads(body) if is_json else body))
                    self._say(200, b"ok")

            def _say(self, status: int, body: bytes, **headers: str) -> None:
                try:
                    self.send_response(status)
                    for key, value in {**headers, "Content-Length": str(len(body))}.items():
                        self.send_header(key, value)
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    hook.asked.append("hung up")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, path: str, *, user: str = "", scheme: str = "json") -> str:
        return f"{scheme}://{user}127.0.0.1:{self.port}/{path}"

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.close()
