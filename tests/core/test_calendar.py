"""Rhythm and quiet hours, held against a clock on a wall that is looked at every five minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clocks import DAY, STEP, YEARS, hushed, loud, moments, rhythms, times, turns
from watcher.core.calendar import due, quiet_until
from watcher.model import Rhythm


def at(text: str, zone: str = "Europe/Paris", fold: int = 0) -> datetime:
    """A local time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def local(moment: datetime, zone: str = "Europe/Paris") -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M%z}"


def watched(rhythm: Rhythm, since: datetime, until: datetime) -> list[datetime]:
    """The digests between two moments, by looking at the wall: when it shows the hour; as much later if it jumps."""
    zone = ZoneInfo(rhythm.zone)
    moment = since.replace(minute=since.minute // 5 * 5, second=0, microsecond=0)
    seen: set[date] = set()
    found = []
    while moment <= until:
        before, now = (one.astimezone(zone).replace(tzinfo=None) for one in (moment - STEP, moment))
        # A minute after `before` and up to `now` of the wall; more than five where it jumps forward.
        for day in {before.date(), before.date() + DAY, now.date()}:
            wanted = datetime.combine(day, rhythm.at)
            if before < wanted <= now and day not in seen:
                seen.add(day)
                if rhythm.every == "day" or day.weekday() == rhythm.weekday:
                    found.append(moment if wanted == now else moment - STEP + (wanted - before))
        moment += STEP
    return found


@settings(max_examples=100)
@given(st.data())
def test_nothing_is_due_in_quiet_hours_and_all_of_it_as_soon_as_the_rule_says(data: st.DataObject) -> None:
    rhythm = data.draw(rhythms())
    now = data.draw(moments(rhythm.zone))
    told = due(rhythm, now)
    assert not hushed(rhythm, told)
    if rhythm.every == "pass":
        earliest = now
    elif rhythm.every == "hour":
        earliest = now + timedelta(hours=1)
    else:
        # Also the last one before: it may be waiting for the end of quiet hours.
        span = 9 * DAY if rhythm.every == "week" else 3 * DAY
        digests = watched(rhythm, now - 2 * DAY, now + span)
        ends = [loud(rhythm, digest) for digest in digests]
        assert told == min(end for end in ends if end > now)
        return
    assert now <= told <= loud(rhythm, earliest)
    if rhythm.every == "hour" and not hushed(rhythm, told - timedelta(minutes=1)):
        assert told.astimezone(ZoneInfo(rhythm.zone)).minute == 0 or near(rhythm.zone, told)


def near(zone: str, moment: datetime) -> bool:
    return any(abs(turn - moment) <= timedelta(hours=2) for turn in turns(zone))


@settings(max_examples=100)
@given(st.data())
def test_quiet_hours_end_with_the_first_minute_that_is_not_quiet(data: st.DataObject) -> None:
    rhythm = data.draw(rhythms())
    now = data.draw(moments(rhythm.zone))
    until = quiet_until(rhythm, now)
    assert (until is not None) == hushed(rhythm, now)
    assert until is None or until == loud(rhythm, now)


@settings(max_examples=20)
@given(st.data())
def test_each_local_date_has_one_digest(data: st.DataObject) -> None:
    zone = data.draw(st.sampled_from(list(YEARS)))
    rhythm = Rhythm("day", data.draw(times), 0, zone)
    around = data.draw(st.sampled_from(turns(zone)))
    moment, end = around - 5 * DAY, around + 5 * DAY
    digests = []
    while (moment := due(rhythm, moment)) < end:
        digests.append(moment)
    walls = [digest.astimezone(ZoneInfo(zone)) for digest in digests]
    assert len({wall.date() for wall in walls}) == len(walls)
    lost = {date(2011, 12, 30)} if zone == "Pacific/Apia" else set()
    every = {walls[0].date() + n * DAY for n in range((walls[-1].date() - walls[0].date()).days + 1)}
    assert {wall.date() for wall in walls} == every - lost


@pytest.mark.parametrize(
    ("every", "now", "told"),
    [
        ("pass", "2026-06-01 21:59", "Mon 2026-06-01 21:59+0200"),
        ("pass", "2026-06-01 22:00", "Tue 2026-06-02 07:00+0200"),
        ("hour", "2026-06-01 09:00", "Mon 2026-06-01 10:00+0200"),
        ("hour", "2026-06-01 20:30", "Mon 2026-06-01 21:00+0200"),
        ("hour", "2026-06-01 21:30", "Tue 2026-06-02 07:00+0200"),
        ("day", "2026-06-01 07:59", "Mon 2026-06-01 08:00+0200"),
        ("day", "2026-06-01 08:00", "Tue 2026-06-02 08:00+0200"),
        ("week", "2026-06-01 08:00", "Fri 2026-06-05 08:00+0200"),
    ],
)
def test_what_comes_is_told_with_the_next_digest(every: str, now: str, told: str) -> None:
    rhythm = Rhythm(every, time(8), 4, "Europe/Paris", (time(22), time(7)))  # type: ignore[arg-type]
    assert local(due(rhythm, at(now))) == told


def test_what_comes_while_a_digest_waits_for_quiet_hours_to_end_is_told_with_it() -> None:
    rhythm = Rhythm("day", time(5), 0, "Europe/Paris", (time(22), time(7)))
    for now in ("2026-06-01 22:30", "2026-06-02 04:00", "2026-06-02 06:59"):
        assert local(due(rhythm, at(now))) == "Tue 2026-06-02 07:00+0200"
    assert local(due(rhythm, at("2026-06-02 07:00"))) == "Wed 2026-06-03 07:00+0200"


def test_a_digest_that_waits_over_midnight_takes_along_what_comes_after_it() -> None:
    rhythm = Rhythm("day", time(23), 0, "Europe/Paris", (time(22), time(7)))
    assert local(due(rhythm, at("2026-06-02 02:00"))) == "Tue 2026-06-02 07:00+0200"


def test_a_time_that_the_clocks_jump_over_is_as_much_later() -> None:
    rhythm = Rhythm("day", time(2, 30), 0, "Europe/Paris")
    assert local(due(rhythm, at("2026-03-29 01:00"))) == "Sun 2026-03-29 03:30+0200"


def test_a_digest_at_the_minute_to_which_clocks_jump_is_not_later() -> None:
    rhythm = Rhythm("day", time(3), 0, "Europe/Paris")
    assert local(due(rhythm, at("2026-03-29 01:59"))) == "Sun 2026-03-29 03:00+0200"
    assert local(due(rhythm, at("2026-03-29 03:00"))) == "Mon 2026-03-30 03:00+0200"


def test_of_a_time_that_a_day_has_twice_the_first_is_taken() -> None:
    rhythm = Rhythm("day", time(2, 30), 0, "Europe/Paris")
    first = due(rhythm, at("2026-10-25 01:00"))
    assert local(first) == "Sun 2026-10-25 02:30+0200"
    assert local(due(rhythm, first)) == "Mon 2026-10-26 02:30+0100"


def test_quiet_hours_are_what_the_wall_says_when_an_hour_comes_twice() -> None:
    rhythm = Rhythm("pass", time(8), 0, "Europe/Paris", (time(22), time(2, 30)))
    assert local(due(rhythm, at("2026-10-25 01:00"))) == "Sun 2026-10-25 02:30+0200"
    assert local(due(rhythm, at("2026-10-25 02:10", fold=1))) == "Sun 2026-10-25 02:30+0100"


def test_quiet_hours_that_would_end_in_the_hour_that_is_left_out_end_as_clocks_change() -> None:
    rhythm = Rhythm("pass", time(8), 0, "Europe/Paris", (time(22), time(2, 30)))
    assert local(due(rhythm, at("2026-03-29 01:00"))) == "Sun 2026-03-29 03:00+0200"
