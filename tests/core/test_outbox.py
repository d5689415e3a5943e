"""What an address is owed becomes few notices, whatever its server does; and none of it is lost."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.given import NOW
from watcher.core.outbox import LATE, LONGEST, PACE, Debt, Standing, Verdict, accepted, bundles, late, refused
from watcher.model import Outcome, Sent

FAILED = Sent(0, Outcome.FAILED, "451 later")
UNKNOWN = Sent(0, Outcome.UNKNOWN, "no answer in 30 s")
NEVER = Sent(0, Outcome.FAILED, "550 no such person", permanent=True)
MINUTE = timedelta(minutes=1)
WORKED = Standing(worked=NOW - timedelta(days=1))


def numbers(debts: list[Debt]) -> list[list[int]]:
    return [[debt.number for debt in bundle] for bundle in bundles(debts)]


def after(sent: Sent, *debts: Debt, standing: Standing = WORKED, now: datetime = NOW) -> Verdict:
    return refused(debts, standing, sent, now=now, chance=0.5)


def test_all_that_is_new_is_one_notice_and_all_that_waited_another() -> None:
    debts = [Debt(n, attempts=n % 2, notice="old" if n % 2 else None, tried=NOW if n % 2 else None) for n in range(6)]
    assert numbers(debts) == [[0, 2, 4], [1, 3, 5]]


def test_what_was_cut_short_goes_first_and_as_the_same_notice() -> None:
    debts = [Debt(1), Debt(2, notice="k", cut=True), Debt(3, notice="k", cut=True)]
    assert numbers(debts) == [[2, 3], [1]]


def test_one_notice_without_an_answer_is_repeated_as_it_was_and_many_of_them_become_one() -> None:
    one = [Debt(n, attempts=1, unknown=True, notice="k") for n in (1, 2)]
    assert numbers([*one, Debt(3, attempts=1, notice="x")]) == [[1, 2], [3]]
    assert numbers([*one, Debt(3, attempts=1, unknown=True, notice="x")]) == [[1, 2, 3]]


def test_an_address_that_takes_nothing_is_tried_soon_at_first_and_then_once_an_hour() -> None:
    standing, now, waits = WORKED, NOW, []
    for _ in range(8):
        verdict = after(FAILED, Debt(1, attempts=1, tried=now), standing=standing, now=now)
        assert verdict.again == verdict.standing.again
        assert verdict.again is not None
        waits.append(round((verdict.again - now) / MINUTE))
        standing, now = verdict.standing, verdict.again
    assert waits == [1, 5, 15, 30, 60, 60, 60, 60]
    assert standing.failing == NOW
    assert accepted(waiting=True, now=now) == Standing(worked=now, again=now + PACE)


def test_a_refusal_for_good_gives_a_notice_up_and_the_third_in_a_row_sets_the_address_aside() -> None:
    first = after(NEVER, Debt(1))
    assert (first.again, first.standing.aside) == (None, None)
    second = after(NEVER, Debt(2), standing=first.standing)
    assert second.standing.aside is None
    third = after(NEVER, Debt(3), standing=second.standing)
    assert (third.again, third.standing.aside) == (None, NOW)


def test_an_address_that_never_took_anything_is_set_aside_at_the_first_refusal_for_good() -> None:
    verdict = after(NEVER, Debt(1), Debt(2), standing=Standing())
    assert (verdict.again, verdict.standing.aside, verdict.standing.problem) == (None, NOW, "550 no such person")


def test_no_answer_twice_gives_a_notice_up() -> None:
    assert after(UNKNOWN, Debt(1)).again is not None
    alone = Standing(worked=NOW - 3 * MINUTE, failing=NOW - 2 * MINUTE, failures=1)
    assert after(UNKNOWN, Debt(1, attempts=1, unknown=True, tried=NOW - 2 * MINUTE), standing=alone).again is None


def test_a_notice_that_fails_while_others_are_taken_is_halved_until_it_stands_alone_and_given_up_after_two_days() -> (
    None
):
    tried = NOW - 10 * MINUTE
    several = [Debt(n, attempts=1, tried=tried, notice="k") for n in range(3)]
    verdict = after(FAILED, *several, standing=Standing(worked=NOW - MINUTE))
    assert (verdict.odd, verdict.halve) == (1, True)
    alone, now, since = Debt(1, attempts=1, tried=tried, odd=0), NOW, NOW
    while True:
        verdict = after(FAILED, alone, standing=Standing(worked=now - timedelta(seconds=1)), now=now)
        if verdict.again is None:
            break
        assert not verdict.halve
        alone = replace(alone, attempts=alone.attempts + 1, odd=verdict.odd, tried=now)
        now = verdict.again
    assert timedelta(days=1.9) < now - since < timedelta(days=2.2)


def test_what_waited_for_an_hour_is_late() -> None:
    assert not late([Debt(1)], now=NOW)
    assert not late([Debt(1, attempts=1, failed=NOW, tried=NOW)], now=NOW + LATE - MINUTE)
    assert late([Debt(1), Debt(2, attempts=1, failed=NOW, tried=NOW)], now=NOW + LATE)


class Server:
    """An address and the rows that it is owed, as the store keeps them; `poison` is refused whatever is with it."""

    def __init__(self, poison: set[int]) -> None:
        self.poison = poison
        self.rows: dict[int, Debt] = {}
        self.due: dict[int, datetime | None] = {}
        self.standing = Standing()
        self.came: Counter[int] = Counter()
        self.messages: list[datetime] = []
        self.tries = 0

    def turn(self, now: datetime, answer: Sent | None) -> None:
        """Send the first notice that is due, if one is; `answer` is what the server does to all, `None` takes it."""
        ready = [self.rows[n] for n, due in self.due.items() if due is not None and due <= now]
        ready.sort(key=lambda debt: (debt.attempts, debt.number))
        if not ready or self.standing.aside or (self.standing.again or now) > now:
            return
        bundle = bundles(ready)[0]
        self.tries += 1
        said = answer or (FAILED if self.poison & {debt.number for debt in bundle} else None)
        if said is None:
            self.messages.append(now)
            for debt in bundle:
                self.came[debt.number] += 1
                del self.rows[debt.number], self.due[debt.number]
            waiting = [n for n, debt in self.rows.items() if debt.attempts and debt.odd == 0]
            for number in waiting:
                if self.due[number] is not None or self.rows[number].unknown:
                    self.due[number] = now + PACE
            self.standing = accepted(waiting=bool(self.rows), now=now)
            return
        verdict = refused(bundle, self.standing, said, now=now, chance=0.5)
        self.standing = verdict.standing
        key = f"{now}{bundle[0].number}"
        for place, debt in enumerate(bundle):
            half = "ab"[place >= (len(bundle) + 1) // 2] if verdict.halve else ""
            self.rows[debt.number] = replace(
                debt,
                attempts=debt.attempts + 1,
                odd=verdict.odd,
                unknown=said.outcome is Outcome.UNKNOWN,
                notice=key + half,
                tried=now,
                failed=debt.failed or now,
            )
            lost = (debt.failed or now) <= now - LONGEST
            self.due[debt.number] = None if lost else verdict.again

    def owe(self, number: int, now: datetime) -> None:
        self.rows[number], self.due[number] = Debt(number), now

    def next(self, now: datetime) -> datetime | None:
        """When something may be sent next."""
        times = [max(due, self.standing.again or due, now) for due in self.due.values() if due is not None]
        return min(times, default=None)


@settings(max_examples=25)
@given(
    days=st.floats(0.05, 3.0),
    hangs=st.lists(st.booleans(), min_size=1, max_size=6),
    each=st.integers(20, 600),
    poison=st.sets(st.integers(0, 40), max_size=2),
)
def test_after_an_outage_all_arrives_in_few_messages_but_for_what_is_refused_by_itself(
    days: float, hangs: list[bool], each: int, poison: set[int]
) -> None:
    server, now = Server(poison), NOW
    server.standing = WORKED
    back = NOW + timedelta(days=days)
    count = int(days * 1440 / each) + 1
    # One more when it is back, so that who gave no answer is known to live; and one much later.
    arrivals = [(n, NOW + n * each * MINUTE) for n in range(count)]
    arrivals += [(1000, back + timedelta(hours=2)), (1001, back + timedelta(days=5))]
    while arrivals or server.next(now) is not None:
        turn = min(moment for moment in (server.next(now), arrivals[0][1] if arrivals else None) if moment is not None)
        now = max(now, turn)
        while arrivals and arrivals[0][1] <= now:
            server.owe(arrivals.pop(0)[0], now)
        down = UNKNOWN if hangs[server.tries % len(hangs)] else FAILED
        server.turn(now, down if now < back else None)
        now += timedelta(seconds=1)
    assert {*range(count), 1000, 1001} - set(server.came) <= poison
    assert set(server.came.values()) <= {1}
    if not poison & set(range(count)):
        assert len(server.messages) <= 5
    assert all(later - earlier >= PACE for earlier, later in pairwise(server.messages))
