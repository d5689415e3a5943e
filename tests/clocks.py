"""Clocks on walls: zones whose clocks do odd things, rhythms and moments to try on them, and what is quiet there."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import assume
from hypothesis import strategies as st

from watcher.model import Rhythm

# Apia left out the 30th of December 2011; Lord Howe's clocks change by half an hour.
YEARS = {
    "Europe/Paris": datetime(2026, 1, 1, tzinfo=UTC),
    "America/St_Johns": datetime(2026, 1, 1, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 1, 1, tzinfo=UTC),
    "Pacific/Apia": datetime(2011, 1, 1, tzinfo=UTC),
}
STEP = timedelta(minutes=5)
DAY = timedelta(days=1)


@cache
def turns(zone: str) -> list[datetime]:
    """When the clocks of a zone change in its two years, to the hour."""
    found = []
    moment = YEARS[zone]
    while moment < YEARS[zone] + 730 * DAY:
        hour = moment + timedelta(hours=1)
        if moment.astimezone(ZoneInfo(zone)).utcoffset() != hour.astimezone(ZoneInfo(zone)).utcoffset():
            found.append(hour)
        moment = hour
    return found


wall_times = st.builds(time, st.integers(0, 23), st.integers(0, 11).map(lambda n: 5 * n))
# Near midnight, where clocks change, things go wrong first.
small_hours = st.builds(time, st.integers(0, 4), st.sampled_from([0, 30, 45]))
times = wall_times | small_hours


@st.composite
def rhythms(draw: st.DrawFn, zone: str | None = None) -> Rhythm:
    """Any rhythm, in a zone or in any of them."""
    quiet = draw(st.none() | st.tuples(times, times))
    assume(quiet is None or quiet[0] != quiet[1])
    every = draw(st.sampled_from(["pass", "hour", "day", "week"]))
    return Rhythm(every, draw(times), draw(st.integers(0, 6)), zone or draw(st.sampled_from(list(YEARS))), quiet)


@st.composite
def moments(draw: st.DrawFn, zone: str) -> datetime:
    """Any moment of the two years, every second one within two days of a change of clocks."""
    if draw(st.booleans()):
        around = draw(st.sampled_from(turns(zone)))
        return around + draw(st.integers(-48 * 60, 48 * 60)) * timedelta(minutes=1)
    return YEARS[zone] + draw(st.integers(0, 730 * 24 * 60)) * timedelta(minutes=1)


def hushed(rhythm: Rhythm, moment: datetime) -> bool:
    """Whether the clock on the wall shows quiet hours."""
    if rhythm.quiet is None:
        return False
    wall, (start, end) = moment.astimezone(ZoneInfo(rhythm.zone)).time(), rhythm.quiet
    inside = start <= wall < end
    return inside if start < end else not (end <= wall < start)


def loud(rhythm: Rhythm, moment: datetime) -> datetime:
    """The first moment at or after this one that is not in quiet hours."""
    while hushed(rhythm, moment):
        moment = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return moment
