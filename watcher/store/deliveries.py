"""Deliveries: arrivals owed to addresses, until sent."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from watcher.core.audience import Audience, Owed
from watcher.core.decide import Arrival
from watcher.core.outbox import LONGEST, TRIES, Debt, bundles, late
from watcher.model import Event, Product
from watcher.store.connection import moment, stamp

_DIGEST = timedelta(hours=1)


class Due(msgspec.Struct, frozen=True):
    """What one address is owed now and one notice tells of: its debts, and by number the `arrivals` and `alerts`.

    Those `at_home` among the arrivals are told of because their files are at home now. `late` says that some of it
    could not be sent for some time.
    """

    address: str
    subscription: int
    debts: Sequence[Debt]
    arrivals: list[int]
    alerts: list[int]
    at_home: frozenset[int] = frozenset()
    late: bool = False

    @property
    def deliveries(self) -> list[int]:
        """The numbers of its deliveries."""
        return [debt.number for debt in self.debts]

    @property
    def attempts(self) -> int:
        """How often the most tried of them was."""
        return max((debt.attempts for debt in self.debts), default=0)

    @property
    def notice(self) -> str | None:
        """The key of the notice that it has to be again, as that may have arrived; `None` for a new one."""
        doubtful = all(debt.cut or debt.unknown for debt in self.debts)
        keys = {debt.notice for debt in self.debts}
        return self.debts[0].notice if doubtful and len(keys) == 1 else None


def owe(db: sqlite3.Connection, arrivals: Iterable[tuple[int, Arrival]], *, now: datetime) -> int:
    """Owe each arrival to its addresses, when each is to hear of it; return how many are new."""
    before = db.total_changes
    since = stamp(now)
    # A thousand subscriptions want to hear at a handful of times.
    times: dict[datetime | None, str] = {None: since}
    db.executemany(
        "INSERT INTO deliveries (arrival, subscription, address, owed, due, hold) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (
            (
                number,
                to.subscription,
                to.address,
                since,
                times.get(to.due) or times.setdefault(to.due, stamp(to.due or now)),
                to.hold,
            )
            for number, arrival in arrivals
            for to in arrival.owed
        ),
    )
    return db.total_changes - before


def owe_alert(db: sqlite3.Connection, alert: int, to: Iterable[Owed], *, now: datetime) -> None:
    """Owe an alert to these addresses."""
    db.executemany(
        "INSERT INTO deliveries (alert, subscription, address, owed, due, hold) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        ((alert, owed.subscription, owed.address, stamp(now), stamp(owed.due or now), owed.hold) for owed in to),
    )


def owe_home(db: sqlite3.Connection, revision: int, product: Product, audience: Audience, *, now: datetime) -> None:
    """Owe the news that the files of a revision are at home to those who asked for it.

    A notice that has yet to leave will say so by itself. Where the revision was no news, as another catalogue had the
    acquisition first, it is news of what that one told; what nobody was ever told of is told to nobody.
    """
    arrivals = db.execute(
        "SELECT number, site, coverage FROM arrivals WHERE revision = ? AND event IN ('new', 'revised')", (revision,)
    ).fetchall()
    itself = bool(arrivals)
    if not itself:
        arrivals = db.execute(
            "SELECT a.number, a.site, a.coverage FROM revisions AS this CROSS JOIN revisions AS other"
            " ON other.acquisition = this.acquisition CROSS JOIN arrivals AS a ON a.revision = other.number"
            " CROSS JOIN sightings AS s ON s.revision = this.number AND s.site = a.site"
            " WHERE this.number = ? AND a.event IN ('new', 'revised')",
            (revision,),
        ).fetchall()
    db.executemany(
        "INSERT INTO deliveries (arrival, home, subscription, address, owed, due, hold)"
        " SELECT ?1, 1, ?2, ?3, ?4, ?5, ?6 WHERE NOT (?7 AND EXISTS (SELECT 1 FROM deliveries WHERE arrival = ?1"
        " AND address = ?3 AND home = 0 AND due IS NOT NULL AND sending IS NULL)) ON CONFLICT DO NOTHING",
        (
            (number, owed.subscription, owed.address, stamp(now), stamp(owed.due or now), owed.hold, itself)
            for number, site, coverage in arrivals
            for owed in audience.owed(site, product, event=Event.DOWNLOADED, coverage=coverage)
        ),
    )


_DUE = (
    "FROM deliveries AS d LEFT JOIN arrivals AS a ON a.number = d.arrival LEFT JOIN recipients AS r"
    " ON r.address = d.address WHERE d.due <= ?1 AND d.sending IS NULL AND r.aside IS NULL"
    " AND coalesce(r.again, '') <= ?1 AND NOT EXISTS (SELECT 1 FROM downloads AS f WHERE f.revision = a.revision"
    " AND (f.due IS NOT NULL OR f.held = 'poll') AND f.problem IS NULL AND a.arrived > ?2)"
    " AND NOT EXISTS (SELECT 1 FROM watches AS w WHERE w.site = a.site AND w.announce AND w.baselined IS NULL"
    " AND a.arrived > ?3)"
)


def waits(db: sqlite3.Connection, *, now: datetime, patience: timedelta = timedelta(0)) -> bool:
    """Say whether anything is `due`."""
    terms = (stamp(now), stamp(now - patience), stamp(now - _DIGEST))
    return bool(db.execute(f"SELECT EXISTS (SELECT 1 {_DUE})", terms).fetchone()[0])


def due(db: sqlite3.Connection, *, now: datetime, patience: timedelta = timedelta(0)) -> list[Due]:
    """Return what is due and not being sent, one value for each address and notice, in the order in which to send them.

    An arrival whose files are on their way waits for them, but not longer than `patience`; what a baseline announces
    waits, an hour at most, until the baseline is complete, so that it is one digest. An address that rests, or is set
    aside, is due nothing. Those tried least come first.
    """
    debts: dict[str, list[Debt]] = {}
    about: dict[int, tuple[int | None, int | None, bool, int]] = {}
    for address, arrival, alert, home, subscription, *facts, tried, failed_since in db.execute(
        "SELECT d.address, d.arrival, d.alert, d.home, d.subscription, d.number, d.attempts, d.odd, d.unknown,"
        " d.cut IS NOT NULL, d.notice, d.tried, d.failed"
        f" {_DUE} ORDER BY d.attempts, d.number",
        (stamp(now), stamp(now - patience), stamp(now - _DIGEST)),
    ):
        number, attempts, odd, unknown, cut, notice = facts
        about[number] = arrival, alert, bool(home), subscription
        debts.setdefault(address, []).append(
            Debt(number, attempts, odd, bool(unknown), bool(cut), notice, moment(tried), moment(failed_since))
        )
    return [_due(address, bundle, about, now=now) for address in debts for bundle in bundles(debts[address])]


def _due(
    address: str, bundle: Sequence[Debt], about: dict[int, tuple[int | None, int | None, bool, int]], *, now: datetime
) -> Due:
    told = [about[debt.number] for debt in bundle]
    news = {arrival for arrival, _, home, _ in told if arrival is not None and not home}
    homes = {arrival: None for arrival, _, home, _ in told if arrival is not None and home and arrival not in news}
    return Due(
        address,
        told[0][3],
        bundle,
        [*(arrival for arrival, _, home, _ in told if arrival is not None and not home), *homes],
        [alert for _, alert, _, _ in told if alert is not None],
        frozenset(homes),
        late(bundle, now=now),
    )


def hold(db: sqlite3.Connection, subscription: int, *, until: datetime, now: datetime) -> None:
    """Keep what is due to a subscriber until the quiet hours end."""
    # By what is due, not by all that the subscriber ever got.
    db.execute(
        "UPDATE deliveries SET due = ?, hold = 'quiet' WHERE +subscription = ? AND due <= ? AND sending IS NULL",
        (stamp(until), subscription, stamp(now)),
    )


def claim(db: sqlite3.Connection, owed: Due, *, notice: str, now: datetime) -> None:
    """Give deliveries the notice that is to tell of them, and note that it is being sent.

    If we die now they are `interrupted`, and paid again, for twice is better than never. But then it is the same
    notice, with the same key, so that who gets it twice can tell.
    """
    db.executemany(
        "UPDATE deliveries SET notice = ?, sending = ?, hold = NULL WHERE number = ?",
        ((notice, stamp(now), number) for number in owed.deliveries),
    )


def release(db: sqlite3.Connection, owed: Due) -> None:
    """Note that a notice was not handed over after all."""
    db.executemany(
        "UPDATE deliveries SET notice = ?, sending = NULL WHERE number = ?",
        ((debt.notice, debt.number) for debt in owed.debts),
    )


def interrupted(db: sqlite3.Connection) -> int:
    """Note of what is being sent that nobody sends it any more: it may have arrived. Return how many deliveries."""
    return db.execute(
        "UPDATE deliveries SET cut = sending, sending = NULL, doubtful = doubtful + 1 WHERE sending IS NOT NULL"
    ).rowcount


def sent(db: sqlite3.Connection, owed: Due, *, now: datetime, answer: str | None = None) -> None:
    """Note that a notice has left, and what was answered: the debt is paid."""
    db.executemany(
        "UPDATE deliveries SET sent = ?1, tried = ?1, sending = NULL, cut = NULL, due = NULL, problem = NULL,"
        " unknown = 0, answer = ?2 WHERE number = ?3",
        ((stamp(now), answer, number) for number in owed.deliveries),
    )


def failed(
    db: sqlite3.Connection,
    owed: Due,
    *,
    problem: str,
    again: datetime | None,
    now: datetime,
    unknown: bool = False,
    odd: int = 0,
    halve: bool = False,
) -> None:
    """Note that a notice did not leave, or that nobody knows, and when to try again; `None` gives it up.

    What could not be sent for too long, by many tries, is given up in any case. Each half is a notice of its own if it
    is to `halve`. Only what ended counts as a try: what a crash or a stop cut short does not.
    """
    middle = (len(owed.debts) + 1) // 2
    db.executemany(
        "UPDATE deliveries SET due = iif(failed <= ?2 AND attempts + 1 >= ?9, NULL, ?3),"
        " given_up = iif(?3 IS NULL OR (failed <= ?2 AND attempts + 1 >= ?9), ?1, NULL),"
        " problem = ?4, unknown = ?5, doubtful = doubtful + ?5, odd = ?6, notice = coalesce(notice, '') || ?7,"
        " failed = coalesce(failed, ?1), tried = ?1, sending = NULL, cut = NULL, attempts = attempts + 1"
        " WHERE number = ?8",
        (
            (
                stamp(now),
                stamp(now - LONGEST),
                stamp(again) if again else None,
                problem,
                unknown,
                odd,
                ("a" if place < middle else "b") if halve else "",
                debt.number,
                TRIES,
            )
            for place, debt in enumerate(owed.debts)
        ),
    )


def counts(db: sqlite3.Connection) -> tuple[int, int, int]:
    """Return how many deliveries are owed, were sent, and were given up."""
    owed, sent_count, given_up = db.execute(
        "SELECT count(due), count(sent), count(given_up) FROM deliveries"
    ).fetchone()
    return int(owed), int(sent_count), int(given_up)
