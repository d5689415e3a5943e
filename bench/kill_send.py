"""Kill a process that sends notices at every step of it, and count what is lost and what is doubled.

    python -m bench.kill_send [--every 1]

Two people are owed a notice each, one of them another one that failed before. A process sends them by SMTP to a server
on loopback, and is killed with SIGKILL: before each statement that it gives to SQLite, before and behind each commit,
before a mail is handed over, once it was taken and before its sender knows, and when the sender knows. After each kill
another process sends what is left. Counted, and judged: products that a person was never told of (must be 0), and
mails that came again, for each kill and person (must be at most 1).
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller

from watcher.core.audience import Owed
from watcher.core.decide import Arrival, Decision
from watcher.core.outbox import Standing
from watcher.model import Event, Level, Notice, Outcome, Product, Sent, Subscription
from watcher.store import deliveries, products, recipients, sites, subscriptions, watching
from watcher.store.connection import connect, writing
from watcher.tasks.notify import notify

ROOT = Path(__file__).resolve().parent.parent
JANE, JOHN = "mail:jane@example.org", "mail:john@example.org"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
OWED = {(JANE, "FRESH"), (JANE, "FAILED"), (JOHN, "FRESH")}


class PortZero(Controller):
    """It asks its own port to see that it listens; with port 0 only the bound socket knows it."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        super()._trigger_server()


class Damage(NamedTuple):
    """What the kills did: at how many steps, what was lost, mails that came again, the most at one kill and person."""

    kills: int
    lost: list[str]
    repeated: int
    worst: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="kill at every so-manieth step (default: 1)")
    parser.add_argument("--work", nargs=3, metavar=("DIRECTORY", "PORT", "EVERY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(Path(options.work[0]), int(options.work[1]), every=int(options.work[2]))
        return 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kill-send-") as name:
        damage = torment(Path(name), every=options.every)
    print(f"{damage.kills} kills in {time.monotonic() - begun:.0f} s, one at each step of sending")
    print(f"lost                 {len(damage.lost)} {' '.join(damage.lost[:5])}")
    print(f"duplicate mails      {damage.repeated}, at most {damage.worst} at a kill for one address")
    return int(bool(damage.lost) or damage.worst > 1)


def torment(directory: Path, *, every: int) -> Damage:
    """Kill at these steps of sending, and count the damage."""
    with listening() as (mails, port):
        command = [sys.executable, "-m", "bench.kill_send", "--work", str(directory), str(port), str(every)]
        worker = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=600)
    assert worker.returncode == 0, worker.stderr
    kills = int(worker.stdout)
    lost, repeated, worst = [], 0, 0
    for kill in range(kills):
        came = Counter((to, key) for number, to, key, _ in mails if number == kill)
        again = Counter[str]()
        for (to, _), times in came.items():
            again[to] += times - 1
        told = {(f"mail:{to}", name) for number, to, _, names in mails if number == kill for name in names}
        lost += [f"{name} for {to} at step {kill}" for to, name in OWED - told]
        repeated += again.total()
        worst = max(worst, *again.values(), 0)
    return Damage(kills, lost, repeated, worst)


@contextmanager
def listening() -> Iterator[tuple[list[tuple[int, str, str, list[str]]], int]]:
    """Take mail on loopback: of each the number of the kill, who to, the notice's key, and what it tells of."""
    mails: list[tuple[int, str, str, list[str]]] = []

    class Take:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            del server, session
            mail = message_from_bytes(envelope.original_content)
            text = str(mail.get_payload())
            names = [name for name in ("FRESH", "FAILED") if name in text]
            mails.append((int(mail["X-Kill"]), envelope.rcpt_tos[0], mail["X-Key"], names))
            return "250 taken"

    controller = PortZero(Take(), hostname="127.0.0.1", port=0)
    controller.start()
    try:
        yield mails, controller.port
    finally:
        controller.stop()


def work(directory: Path, port: int, *, every: int) -> None:
    """Fork a process for each step, kill it there, and have another one finish; print how many steps there are."""
    prepare(directory / "before.db")
    step = 1
    for kill in count():
        for suffix in ("", "-wal", "-shm"):
            (directory / f"watcher.db{suffix}").unlink(missing_ok=True)
        shutil.copy(directory / "before.db", directory / "watcher.db")
        if not forked(lambda kill=kill, step=step: send_all(directory / "watcher.db", port, kill, step)):  # type: ignore[misc]
            break  # there are no more steps: it came to its end
        assert not forked(lambda kill=kill: send_all(directory / "watcher.db", port, kill, 0)), "the second one died"  # type: ignore[misc]
        step += every
    print(kill)


def forked(act: Callable[[], None]) -> bool:
    """Do something in a process of its own; return whether it was killed."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - nothing of this process may go on
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    if os.WEXITSTATUS(status):
        raise SystemExit("a process failed by itself")
    return False


class Steps:
    """Counts the steps of a process, and kills it before one of them."""

    def __init__(self, fatal: int) -> None:
        self._fatal, self._count = fatal, 0

    def __call__(self, *_: object) -> None:
        self._count += 1
        if self._count == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(10)


def send_all(database: Path, port: int, kill: int, fatal: int) -> None:
    """Send all that is due; at the step that is `fatal` the process dies."""
    step = Steps(fatal)

    def send(posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        for index, (address, notice) in enumerate(posts):
            mail = EmailMessage()
            mail["Subject"], mail["X-Key"], mail["X-Kill"] = notice.subject, notice.key, str(kill)
            mail.set_content(notice.text)
            step()
            with smtplib.SMTP("127.0.0.1", port, timeout=30) as link:
                link.send_message(mail, "watcher@example.org", address.removeprefix("mail:"))
                step()
            yield Sent(index, Outcome.SENT)
            step()

    with closing(connect(database)) as db:
        db.set_trace_callback(step)
        clock = count()
        for minute in range(4):  # what was tried before has its turn a minute later
            at = NOW + timedelta(minutes=2 * minute)
            list(
                notify(
                    db,
                    send,
                    str,
                    now=lambda at=at: at + timedelta(milliseconds=next(clock)),
                    chance=lambda: 0.5,
                )
            )  # type: ignore[misc]


def prepare(database: Path) -> None:
    """Make a database in which two people are owed what came, and one of them what failed before."""
    with closing(connect(database)) as db, writing(db):
        site = sites.add(db, "Pornic", geometry=None, country=None, origin="kill_send", now=NOW)
        collection = watching.collection_number(db, "take5", "SPOT5")
        for person in (JANE, JOHN):
            subscriptions.add(db, Subscription(0, person, ""), now=NOW)
        for name, owed in (("FAILED", [Owed(JANE, 1)]), ("FRESH", [Owed(JANE, 1), Owed(JOHN, 2)])):
            number = products.first_free(db)
            described = Product("SPOT5", name, name, Level("L2A"), NOW - timedelta(days=1), "1")
            products.record(db, collection, Decision([(number, described)], [], [], [], [], [], set()), now=NOW)
            arrived = products.arrive(db, [Arrival(site.number, number, Event.NEW, owed, False)], now=NOW)
            deliveries.owe(db, arrived, now=NOW)
            if name == "FAILED":
                (due,) = deliveries.due(db, now=NOW)
                deliveries.claim(db, due, notice="first", now=NOW)
                deliveries.failed(db, due, problem="refused", again=NOW, now=NOW)
                recipients.keep(db, JANE, Standing(worked=NOW - timedelta(days=1)))
    with closing(connect(database)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


if __name__ == "__main__":
    sys.exit(main())
