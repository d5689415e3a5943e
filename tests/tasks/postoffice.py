"""A real mail server on loopback that goes down and comes up again at the same port, and who hands notices to it."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterator, Sequence
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

from bench.kill_send import PortZero
from watcher.model import Notice, Outcome, Sent


class PostOffice:
    """Takes mail, but none that holds a word that it `refuses` (with 550) or puts off (with 451)."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []
        self.refuses: dict[str, str] = {}
        self.asked = 0
        self._port = 0
        self._controller: PortZero | None = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        text = (envelope.content or b"").decode() if isinstance(envelope.content, bytes) else envelope.content or ""
        for word, answer in self.refuses.items():
            if word in text or word in envelope.rcpt_tos[0]:
                return answer
        self.mails.append((envelope.rcpt_tos[0], text))
        return "250 2.0.0 taken"

    def up(self) -> None:
        self._controller = PortZero(self, hostname="127.0.0.1", port=self._port)
        self._controller.start()
        self._port = self._controller.port

    def down(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def send(self, posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        """Hand notices over by SMTP, each as it is answered."""
        for index, (address, notice) in enumerate(posts):
            self.asked += 1
            mail = EmailMessage()
            mail["Subject"], mail["X-Key"], mail["To"] = notice.subject, notice.key, address.removeprefix("mail:")
            mail.set_content(notice.text)
            try:
                with smtplib.SMTP("127.0.0.1", self._port, timeout=30) as link:
                    link.send_message(mail, "watcher@example.org", mail["To"])
            except smtplib.SMTPResponseException as refusal:
                answer = f"{refusal.smtp_code} {refusal.smtp_error!r}"
                yield Sent(index, Outcome.FAILED, answer, permanent=refusal.smtp_code >= 500)
            except (OSError, smtplib.SMTPException) as error:
                yield Sent(index, Outcome.FAILED, str(error))
            else:
                yield Sent(index, Outcome.SENT, answer="250 2.0.0 taken")

    def told(self, address: str) -> list[str]:
        """The products that an address was told of, in order."""
        return [name for to, text in self.mails if to == address for name in re.findall(r"SPOT5_(\w+)_L2A", text)]
