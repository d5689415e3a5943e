"""What the answer to a question tells of its collection."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.given import NOW, box, product, site, watch
from watcher.core.decide import Listing
from watcher.core.questions.asking import Ask, Way
from watcher.core.questions.gauging import UNKNOWN, Gauge
from watcher.model import Query, Watch

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CURSOR = NOW - 30 * MINUTE
BEFORE = NOW - 15 * MINUTE


def by_ground(**terms: Any) -> Watch:
    usual = {"code": None, "baselined": NOW - timedelta(days=9), "cursor": CURSOR}
    return watch(1, site(1, "Field", box(0, 40, 1, 41)), **(usual | terms))


def news(*watches: Watch, way: Way = Way.PLACE) -> Ask:
    return Ask(Query("SPOT5", learnt_since=NOW - timedelta(days=3)), watches or (by_ground(),), whole=False, way=way)


def gauged(ask: Ask, *learnt: datetime | None, at_sites: bool = True, known: bool = False) -> Gauge:
    gauge = Gauge(ask, now=NOW)
    page = [product(f"P{n}", learnt=time) for n, time in enumerate(learnt)]
    found = [Listing(one, ask.watches) for one in page] if at_sites else []
    gauge.take(page, found, set() if known else {one.id for one in page})
    return gauge


def test_what_was_learnt_since_the_cursor_is_fresh_what_the_overlap_lists_again_is_not() -> None:
    gauge = gauged(news(), NOW - MINUTE, CURSOR, CURSOR - HOUR, None, known=True)
    assert gauge.fresh == 1
    assert gauge.appeared == {}


def test_it_is_counted_how_far_behind_the_cursor_a_new_product_comes_to_light() -> None:
    gauge = gauged(news(), NOW - MINUTE, CURSOR - 90 * MINUTE)
    assert gauge.appeared == {(NOW - HOUR, 0): 1, (NOW - 2 * HOUR, 90): 1}


def test_what_comes_from_before_a_baseline_says_nothing_of_lateness() -> None:
    gauge = gauged(news(by_ground(baselined=NOW - HOUR)), CURSOR - 90 * MINUTE)
    assert gauge.appeared == {(NOW - 2 * HOUR, UNKNOWN): 1}
    gauge = gauged(news(by_ground(cursor=None)), CURSOR)
    assert list(gauge.appeared) == [(NOW - HOUR, UNKNOWN)]


def test_a_sweep_counts_also_what_lies_at_no_watched_place() -> None:
    assert gauged(news(way=Way.SWEEP), NOW, at_sites=False).appeared == {(NOW, UNKNOWN): 1}
    assert gauged(news(), NOW, at_sites=False).appeared == {}


def test_a_product_of_the_future_counts_for_nothing() -> None:
    gauge = gauged(news(), NOW + timedelta(days=365))
    assert (gauge.fresh, gauge.appeared) == (0, {})


def test_a_first_look_counts_nothing_as_new() -> None:
    ask = Ask(Query("SPOT5"), (by_ground(baselined=None, cursor=None),), whole=True)
    assert gauged(ask, NOW).appeared == {}


def test_a_place_that_is_read_again_counts_what_was_never_seen() -> None:
    ask = Ask(Query("SPOT5"), (watch(),), whole=True)
    gauge = gauged(ask, None, None)
    assert gauge.appeared == {(NOW, UNKNOWN): 2}
    assert gauge.seconds(BEFORE) == 0


def test_what_is_fresh_was_published_since_the_last_poll() -> None:
    gauge = gauged(news(), NOW)
    assert gauge.seconds(BEFORE) == 15 * 60
    assert gauge.seconds(None) == 30 * 60


def test_a_sounding_measures_the_time_that_it_asks_for() -> None:
    query = Query("SPOT5", learnt_since=NOW - HOUR)
    gauge = gauged(Ask(query, (), whole=False, way=Way.SOUNDING), NOW - 2 * MINUTE, NOW - 50 * MINUTE, at_sites=False)
    assert (gauge.fresh, gauge.seconds(BEFORE)) == (2, 3600)
