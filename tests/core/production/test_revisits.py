"""When a sensor comes again, by when it came before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

import pytest

from tests.given import L1C, NOW
from watcher.core.production import Acquisition, Step, acquisitions
from watcher.core.production.expected import Outlook, outlook
from watcher.core.production.passes import Sensor
from watcher.core.production.revisits import Track, tracks

DAY = timedelta(days=1)
START = NOW - 100 * DAY


def seen(days: Iterable[float], platform: str = "SPOT5", takes: float = 1, **facts: str) -> list[Acquisition]:
    """Acquisitions so many days after the start, each there a day later."""
    steps = [
        Step(1, L1C, START + day * DAY, START + (day + takes) * DAY, "published", platform=platform, **facts)
        for day in days
    ]
    return acquisitions(steps)


def learnt(found: Iterable[Acquisition]) -> list[tuple[int, float]]:
    """The period and the phase of each track, in days after the start."""
    return [(track.period, (track.last - START) / DAY % track.period) for track in tracks(found)[0]]


def test_a_pass_comes_again_after_as_many_days_as_before() -> None:
    (track,) = tracks(seen(range(0, 100, 5)))[0]
    assert (track.period, track.own, track.sensor) == (5, (19, 19), Sensor("SPOT-5"))
    assert list(islice(track.after(NOW), 2)) == [NOW + 5 * DAY, NOW + 10 * DAY]
    assert next(track.after(START + 97 * DAY)) == NOW
    assert track.chance == pytest.approx(20 / 21)


def test_passes_that_brought_nothing_do_not_make_the_period_longer() -> None:
    some = [day for day in range(0, 100, 5) if day not in (5, 20, 25, 45, 60, 80)]
    (track,) = tracks(seen(some))[0]
    assert (track.period, track.own) == (5, (13, 19))


def test_two_orbits_over_one_place_are_two_tracks_of_one_period() -> None:
    both = [turn + day for turn in range(0, 100, 10) for day in (0, 3)]
    assert learnt(seen(both)) == [(10, 0.0), (10, 3.0)]


def test_an_orbit_that_a_name_or_a_cell_tells_is_learnt_alone_and_sooner() -> None:
    few = [
        *seen([0, 16, 32, 48], "LANDSAT8", grid="WRS2-198030"),
        *seen([7, 23, 39, 55], "LANDSAT8", grid="WRS2-199030"),
    ]
    assert [(track.sensor.orbit, track.period) for track in tracks(few)[0]] == [("path 198", 16), ("path 199", 16)]
    title = "S2A_MSIL1C_20260601T105031_N0511_R051_T31TCJ_20260601T141000"
    (track,) = tracks(seen([0, 10, 20, 30], "sentinel-2a", title=title))[0]
    assert track.sensor.words == "SENTINEL-2A, orbit 51"


def test_a_pass_is_seen_once_in_however_many_tiles_and_catalogues() -> None:
    steps = [
        Step(number, L1C, START + day * DAY + number * timedelta(minutes=4), None, None, platform=name, grid=grid)
        for day in range(0, 60, 10)
        for number, name, grid in ((1, "sentinel-2a", "MGRS-31TCJ"), (2, "S2A", "MGRS-31TDJ"))
    ]
    (track,) = tracks(acquisitions(steps))[0]
    assert (track.period, track.places, track.own) == (10, ("31TCJ", "31TDJ"), (5, 5))


def test_either_of_two_cameras_may_see_the_next_but_other_instruments_have_their_own_rhythm() -> None:
    cameras = [*seen(range(0, 100, 10), instrument="HRG1"), *seen(range(5, 100, 10), instrument="HRG2")]
    assert [(t.sensor.instrument, t.period) for t in tracks(cameras)[0]] == [("HRG", 5)]
    wide = seen(range(0, 60, 2), "sentinel-3a", instrument="OLCI")
    narrow = seen([day + 0.1 for day in range(0, 60, 9)], "sentinel-3a", instrument="SLSTR")
    assert {(t.sensor.instrument, t.period) for t in tracks([*wide, *narrow])[0]} == {("OLCI", 2), ("SLSTR", 9)}


def test_an_instrument_has_one_name_however_a_catalogue_writes_it() -> None:
    both = [
        *seen(range(0, 96, 32), "LANDSAT8", instrument="OLI_TIRS"),
        *seen(range(16, 96, 32), "landsat-8", instrument="oli"),
    ]
    assert [(track.sensor.instrument, track.period) for track in tracks(both)[0]] == [("OLI", 16)]


def test_of_few_passes_and_of_passes_without_rhythm_nothing_is_foretold() -> None:
    assert tracks(seen([0, 5, 10])) == ([], [Sensor("SPOT-5")])
    odd = [0, 1.3, 7.7, 9.05, 20.6, 33.31, 34.9, 50.2, 61.75, 77.4]
    assert tracks(seen(odd)) == ([], [Sensor("SPOT-5")])
    assert tracks([]) == ([], [])


def test_a_pass_is_as_uncertain_as_past_ones_were() -> None:
    late = [day + (0.005 if day % 10 else 0) for day in range(0, 100, 5)]
    (track,) = tracks(seen(late))[0]
    assert track.spread == pytest.approx(0.005 * DAY, abs=timedelta(seconds=1))


def look(found: list[Acquisition], *, now: datetime = NOW, days: int = 14) -> Outlook:
    return outlook(found, looked=now, now=now, until=now + days * DAY)


def test_the_next_acquisitions_are_expected_and_one_that_just_passed_until_its_products_are_there() -> None:
    ahead = look(seen(range(0, 97, 5)), now=NOW + DAY / 2)
    assert [one.at for one in ahead.expected] == [NOW, NOW + 5 * DAY, NOW + 10 * DAY]
    passed, coming = ahead.expected[:2]
    assert (passed.share, coming.share) == (0, 0)
    assert passed.usually == NOW + DAY
    assert (coming.early, coming.late) == (coming.at - timedelta(minutes=1), coming.at + timedelta(minutes=1))
    assert [one.at for one in look(seen(range(0, 97, 5)), now=NOW + 1.5 * DAY).expected] == [
        NOW + n * DAY for n in (5, 10, 15)
    ]


def test_a_pass_is_overdue_once_history_leaves_one_chance_in_a_hundred() -> None:
    years = seen([day - 300 for day in range(0, 396, 3)])  # 132 passes, none without products
    overdue = look(years, now=START + 97.5 * DAY)
    assert [one.at for one in overdue.expected if one.overdue] == [START + 96 * DAY]
    few = look(seen(range(0, 97, 5)), now=NOW + 2 * DAY)
    assert not any(one.overdue for one in few.expected)


def test_a_satellite_that_has_left_is_not_expected_for_ever() -> None:
    gone = look(seen(range(0, 60, 5)))
    assert gone.expected == []
    assert [track.last for track in gone.left] == [START + 55 * DAY]
    assert not tracks(seen(range(0, 60, 5)))[0][0].left(START + 61 * DAY, settled=DAY)


def test_all_passes_of_an_instrument_tell_how_often_one_brings_something() -> None:
    both = [
        *seen(range(0, 100, 10), "sentinel-2a", instrument="MSI"),
        *seen(range(5, 100, 10), "sentinel-2b", instrument="msi"),
    ]
    found: list[Track] = tracks(both)[0]
    assert [(track.own, track.hits, track.chances) for track in found] == [((9, 9), 18, 18)] * 2
