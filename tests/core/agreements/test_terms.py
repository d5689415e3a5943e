"""The terms of a subscription as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from tests.given import L1C, L2A, NOW, subscription
from watcher.core.agreements import terms
from watcher.core.agreements.terms import essence
from watcher.errors import UsageError
from watcher.model import FOR_GOOD, Event, Rhythm


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (terms.time_of_day, "08:00", time(8)),
        (terms.time_of_day, "8", time(8)),
        (terms.time_of_day, " 23:59 ", time(23, 59)),
        (terms.quiet_hours, "22:00-07:00", (time(22), time(7))),
        (terms.quiet_hours, "22 \u2013 7:30", (time(22), time(7, 30))),
        (terms.weekday, "monday", 0),
        (terms.weekday, "Sun", 6),
        (terms.every, "Daily", "day"),
        (terms.zone, "europe/paris", "Europe/Paris"),
        (terms.zone, "America/new york", "America/New_York"),
        (terms.zone, "utc", "UTC"),
        (terms.fields, "cloud, acquired,link", ("cloud", "acquired", "link")),
        (terms.tag, "  dry  season ", "dry season"),
    ],
)
def test_terms_are_read_as_people_write_them(read: object, text: str, value: object) -> None:
    assert callable(read)
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "hint"),
    [
        (terms.time_of_day, "24:00", "08:00"),
        (terms.time_of_day, "8:60", "08:00"),
        (terms.time_of_day, "", "08:00"),
        (terms.quiet_hours, "22:00", "22:00-07:00"),
        (terms.quiet_hours, "8:00-8:00", "watcher mute"),
        (terms.weekday, "t", "tuesday"),
        (terms.weekday, "tu", "tuesday"),
        (terms.every, "fortnight", "pass, hour, day or week"),
        (terms.zone, "Paris", "Europe/Paris"),
        (terms.zone, "Europe/Pari", "Europe/Paris"),
        (terms.zone, "../../etc/passwd", "IANA"),
        (terms.zone, "", "IANA"),
        (terms.fields, "clud", "cloud"),
        (terms.fields, "cloud,cloud", "once"),
        (terms.tag, "a,b", "comma"),
        (terms.tag, "\x1b[2J", "printed"),
    ],
)
def test_what_is_no_term_is_refused_with_the_way_out(read: object, text: str, hint: str) -> None:
    assert callable(read)
    with pytest.raises(UsageError) as refused:
        read(text)
    assert hint in str(refused.value.hint)


def test_a_day_means_weekly_and_a_time_means_daily() -> None:
    assert terms.rhythm(Rhythm(), weekday=4) == Rhythm("week", weekday=4)
    assert terms.rhythm(Rhythm(), at=time(7)) == Rhythm("day", time(7))
    assert terms.rhythm(Rhythm("week"), at=time(7)) == Rhythm("week", time(7))
    assert terms.rhythm(Rhythm("day", time(7)), every="pass") == Rhythm("pass", time(7))


@pytest.mark.parametrize(
    "said", [{"every": "hour", "at": time(8)}, {"every": "pass", "at": time(8)}, {"every": "day", "weekday": 1}]
)
def test_a_rhythm_that_contradicts_itself_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="go"):
        terms.rhythm(Rhythm(), **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("3d", NOW + timedelta(days=3)),
        ("2 w", NOW + timedelta(weeks=2)),
        ("2015-06-20", datetime(2015, 6, 19, 22, tzinfo=UTC)),
        ("2015-06-20T18:00", datetime(2015, 6, 20, 16, tzinfo=UTC)),
        ("2015-06-20T18:00Z", datetime(2015, 6, 20, 18, tzinfo=UTC)),
    ],
)
def test_until_when_is_a_local_time_or_a_duration(text: str, end: datetime) -> None:
    assert terms.until(text, zone="Europe/Paris", now=NOW) == end


@pytest.mark.parametrize("text", ["2015-06-01", "0d", "soon", "", "-3d", "9999999w", "3"])
def test_a_time_that_is_over_or_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        terms.until(text, zone="Europe/Paris", now=NOW)


def test_subscriptions_are_alike_that_promise_the_same() -> None:
    one = subscription(1, levels=(L1C, L2A), sites=(2, 1), rhythm=Rhythm("pass", time(7), 3, "Asia/Tokyo"))
    other = subscription(2, levels=(L2A, L1C), sites=(1, 2), changed=NOW)
    assert essence(one) == essence(other)
    assert essence(one) != essence(subscription(2, levels=(L2A, L1C), sites=(1,)))
    assert essence(subscription()) != essence(subscription(muted=FOR_GOOD))
    quiet = Rhythm(quiet=(time(22), time(7)))
    assert essence(subscription(rhythm=quiet)) != essence(subscription(rhythm=terms.rhythm(quiet, zone="Asia/Tokyo")))
    assert essence(subscription(fields=("cloud", "link"))) != essence(subscription(fields=("link", "cloud")))


def test_terms_that_say_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match="maximum of cloud"):
        terms.checked(subscription(unknown_cloud=False))
    with pytest.raises(UsageError, match="no event") as refused:
        terms.checked(subscription(events=()))
    assert ", ".join(Event) in str(refused.value.hint)
