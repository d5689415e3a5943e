"""What is to be said when something is late."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from tests.core.production.test_progress import DAY, days, look, one
from tests.core.production.test_revisits import START, seen
from tests.given import NOW
from watcher.core.production import Step, acquisitions
from watcher.core.production.expected import outlook
from watcher.core.production.lateness import FEW, OLD, Review, review
from watcher.core.production.progress import progress

NAMES = {1: ("take5", "SPOT5")}


def found(steps: list[Step], *, raised: Collection[str] = (), began: datetime = NOW - 100 * DAY) -> Review:
    looked = [look(began=began)]
    return review("Pornic", progress(acquisitions(steps), looked), (), looked, names=NAMES, raised=raised, now=NOW)


def test_an_l2a_that_is_overdue_is_told_of_with_what_it_is_later_than() -> None:
    steps = [*days(30), *one(NOW - 2 * DAY / 3, takes=None, title="SPOT5_X")]
    (late,) = found(steps).late
    assert late.title == "L2A of 2015-06-11 at Pornic is overdue"
    assert late.body.splitlines() == [
        "Awaited for 15 h, more than twice as late as any of the 30 before; its L1C came 2015-06-11 15:00 UTC",
        "SPOT5_X",
    ]
    assert late.topic == "Pornic/take5/SPOT5/L2A/20150611T140000/SPOT-5/"
    assert (late.product.level, late.product.collection, late.product.platform) == ("L2A", "SPOT5", "SPOT5")


def test_what_is_awaited_and_not_overdue_may_stay_raised_and_is_not_told_of() -> None:
    quiet = found([*days(30), *one(NOW - timedelta(hours=2), takes=None)])
    assert quiet.late == []
    assert quiet.topics == {"Pornic/take5/SPOT5/L2A/20150612T040000/SPOT-5/"}


def test_what_was_late_when_it_was_first_looked_at_is_no_news_nor_what_is_long_past() -> None:
    assert found([*days(30), *one(NOW - 5 * DAY, takes=None)], began=NOW - 4 * DAY).late == []
    old = NOW - OLD - 2 * DAY
    assert found([*days(30), *one(old, takes=None)]).late == []


def stuck(count: int) -> list[Step]:
    return [*days(30), *(step for n in range(count) for step in one(NOW - 15 * DAY / 24 - n * DAY / 24, takes=None))]


def test_where_more_than_a_few_are_late_that_is_said_once() -> None:
    assert len(found(stuck(FEW)).late) == FEW
    (late,) = found(stuck(FEW + 1)).late
    assert late.title == "6 L2A at Pornic are overdue, in take5 SPOT5"
    assert late.body.startswith("Of 2015-06-11 to 2015-06-11; the oldest is awaited for 19 h, more than twice as late")
    assert found(stuck(FEW + 1), raised=[late.topic]).late == []
    assert found(stuck(2), raised=[late.topic]).late == []
    assert late.topic in found(stuck(2)).topics
    assert late.topic not in found(days(30)).topics


def test_a_pass_that_brought_nothing_is_told_of_once_history_does_not_explain_it() -> None:
    acquired = seen([day - 300 for day in range(0, 396, 3)])
    now = START + 97.5 * DAY
    passes = outlook(acquired, looked=now, now=now, until=now).expected
    looked = [look(began=START)]
    (late,) = review("Pornic", (), passes, looked, names=NAMES, raised=(), now=now).late
    assert late.title == "SPOT-5 of 2015-06-08 at Pornic is overdue: nothing of it is there"
    assert late.body == "131 of 131 passes before brought something, 100 % sooner"
    new = [look(began=START + 97 * DAY)]
    assert review("Pornic", (), passes, new, names=NAMES, raised=(), now=now).late == []


def test_hostile_titles_are_plain_in_what_is_told() -> None:
    (late,) = found([*days(30), *one(NOW - DAY / 2, takes=None, title="a\r\nBcc: x\u202e\x1b[31m")]).late
    assert late.body.splitlines()[1] == "a Bcc: x [31m"
