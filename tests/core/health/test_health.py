"""What is not well is told in a sentence with the way out, and what is well is not told at all."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, time, timedelta

import pytest

from tests.given import NOW, subscription
from watcher.core import health
from watcher.core.calendar import last_week
from watcher.core.health import Concern, Unmatched
from watcher.core.outbox import Standing
from watcher.model import Rhythm

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def told(concern: Concern | None) -> str:
    assert concern is not None
    return f"{concern.title}\n{concern.body}\n{concern.hint}"


def failing(failures: int, *, since: datetime | None = NOW - 3 * HOUR) -> Concern | None:
    return health.failing("cdse", failures=failures, since=since, problem="503", most=3)


def test_a_catalogue_is_spoken_of_after_so_many_polls_that_failed() -> None:
    assert failing(2) is None
    text = told(failing(3))
    assert "cdse cannot be read" in text
    assert "3 polls in a row have failed; the last that went well ended at 2015-06-12 03:00 UTC" in text
    assert "watcher check --catalogue cdse" in text
    assert "none has gone well yet" in told(failing(3, since=None))


GIB = 1 << 30


@pytest.mark.parametrize(
    ("free", "total", "reserve", "tells"),
    [
        (100 * GIB, 1000 * GIB, 2 * GIB, False),
        (3 * GIB, 1000 * GIB, 2 * GIB, True),
        (3 * GIB, 20 * GIB, 0, False),
        (GIB, 20 * GIB, 0, True),
        (2 * GIB, 10 * GIB, 2 * GIB, True),
        (0, 10 * GIB, 0, True),
    ],
)
def test_a_disk_is_nearly_full_below_a_size_and_a_share_or_at_the_reserve(
    free: int, total: int, reserve: int, tells: bool
) -> None:
    concern = health.scarce("archive", "/srv", free=free, total=total, least=4 * GIB, reserve=reserve)
    assert (concern is not None) is tells
    if concern is not None:
        assert ("Downloads stop" in concern.body) is bool(reserve)


def token(**claims: object) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256'})}.{part(claims)}.c2ln"


@pytest.mark.parametrize("secret", ["", "a.b", "a.b.c", "p4ssw0rd", token(), token(exp="soon"), token(exp=1e300)])
def test_what_does_not_say_when_it_expires_is_left_alone(secret: str) -> None:
    assert health.expiry(secret) is None


def test_a_token_that_says_when_it_expires_is_believed() -> None:
    assert health.expiry(token(exp=1781000000, sub="me")) == datetime.fromtimestamp(1781000000, UTC)


def test_a_credential_is_spoken_of_before_it_expires_and_when_it_has() -> None:
    def at(left: timedelta) -> Concern | None:
        return health.expiring("cdse", NOW + left, within=14 * DAY, now=NOW)

    assert at(15 * DAY) is None
    assert "expires in 13 d" in told(at(13 * DAY))
    assert "has expired" in told(at(-HOUR))


def test_a_filter_that_lets_nothing_pass_is_spoken_of_once_it_was_shown_enough() -> None:
    watch = Unmatched("Pornic", "take5", "SPOT5", "L2A", 5.0, NOW, 49)
    assert health.unmatched(watch, least=50) is None
    text = told(health.unmatched(watch, least=49))
    assert "take5 SPOT5 L2A, cloud up to 5 % and acquired since 2015-06-12: none of the 49 products" in text


def test_an_address_is_spoken_of_when_it_is_set_aside_or_missed_notices_or_takes_none_for_a_day() -> None:
    def look(standing: Standing, given_up: int = 0, waiting: int = 0) -> Concern | None:
        return health.unheard("jane@example.org", standing, given_up=given_up, waiting=waiting, now=NOW)

    failing = Standing(failing=NOW - 23 * HOUR, failures=9, problem="refused")
    assert look(Standing()) is None
    assert look(failing, waiting=5) is None
    assert "takes no notices" in told(look(Standing(failing=NOW - DAY, problem="refused"), waiting=5))
    assert "Of its deliveries 5 wait." in told(look(Standing(failing=NOW - DAY, problem="x"), waiting=5))
    assert "has missed notices" in told(look(failing, given_up=2))
    aside = told(look(Standing(failing=NOW, aside=NOW, problem="550 no such person"), given_up=3, waiting=1))
    assert "is told of nothing any more" in aside
    assert "550 no such person" in aside
    assert "Of its deliveries 3 were given up and 1 waits." in aside
    assert "watcher retry jane@example.org" in aside


def test_what_is_over_says_for_how_long_it_was() -> None:
    assert "3 h 20 min" in told(health.over("catalogue cdse", raised=NOW - timedelta(minutes=200), now=NOW))
    for silent in ("filter Pornic take5", "expiry cdse", "notices jane", "approval cdse"):
        assert health.over(silent, raised=NOW, now=NOW) is None


def test_a_hostile_problem_is_one_short_line() -> None:
    concern = health.failing("c", failures=3, since=None, problem="\x1b[31m\n" + "x" * 5000, most=3)
    assert concern is not None
    assert "\x1b" not in concern.body
    assert len(concern.body) < 1000


@pytest.mark.parametrize(
    ("now", "began"),
    [
        ("2026-11-30T07:59", "2026-11-16T08:00"),  # Monday, a minute before eight
        ("2026-11-30T08:00", "2026-11-23T08:00"),
        ("2026-12-06T23:00", "2026-11-23T08:00"),
    ],
)
def test_a_week_goes_from_one_monday_at_eight_to_the_next(now: str, began: str) -> None:
    def utc(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert last_week(Rhythm(at=time(8)), utc(now)) == utc(began)


def test_a_week_in_which_clocks_change_is_a_week_on_the_wall() -> None:
    paris = Rhythm(at=time(8), weekday=0, zone="Europe/Paris")
    assert last_week(paris, datetime(2026, 10, 26, 12, tzinfo=UTC)) == datetime(2026, 10, 19, 6, tzinfo=UTC)
    assert last_week(paris, datetime(2026, 11, 2, 12, tzinfo=UTC)) == datetime(2026, 10, 26, 7, tzinfo=UTC)


def test_a_quiet_week_is_told_with_what_was_looked_at() -> None:
    concern = health.still(
        subscription(7),
        watches=3,
        sites=1,
        refused=12,
        read={"cdse": NOW - timedelta(minutes=4), "theia": None},
        since=NOW - 7 * DAY,
        now=NOW,
    )
    assert concern.topic == "7 2015-06-05"
    assert concern.body.splitlines() == [
        "Nothing that you asked for has come since 2015-06-05.",
        "12 products arrived that your subscription does not ask for.",
        "1 site is looked at, by 3 watches.",
        "cdse: last read 4 min ago.",
        "theia: not read yet.",
    ]


def test_a_flood_is_asked_about_with_its_size_and_places() -> None:
    concern = health.flood("cdse", count=10_000, size=6 * 10**11, sites={"A", "B", "C", "D"}, most=500)
    assert "10,000 products, 600 GB, for A, B, C and 1 more. More than 500" in concern.body
