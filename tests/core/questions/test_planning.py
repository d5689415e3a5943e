"""Which questions are asked."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tests.given import L1C, L2A, NOW, box, changed, site, watch
from watcher.core.questions.asking import Ask, Load, Way, halves, newest
from watcher.core.questions.choosing import SOUNDING
from watcher.core.questions.places import BEGINNING
from watcher.core.questions.planning import LOOKBACK, plan, settled
from watcher.core.questions.reach import LEAST, OVERLAP, REREAD
from watcher.model import Capability, Level, Site, Watch

NEWS = Capability(learns=True, codes=False)
WHOLE = Capability(learns=False, codes=True)
NEITHER = Capability(learns=False, codes=False)
FIELD = site(1, "Field", box(0, 40, 1, 41))
CURSOR = NOW - timedelta(days=2)


def by_ground(number: int = 1, **terms: object) -> Watch:
    return watch(number, FIELD, code=None, **terms)


def test_there_is_nothing_to_ask_without_a_watch() -> None:
    assert plan([], NEWS, now=NOW) == []


def test_a_site_by_code_is_read_whole() -> None:
    (ask,) = plan([watch()], WHOLE, now=NOW)
    assert (ask.query.code, ask.query.geometry, ask.query.level) == ("Pornic", None, L2A)
    assert ask.query.learnt_since is None
    assert ask.query.acquired == (None, None)
    assert ask.whole


def test_a_baselined_watch_asks_for_news_a_little_before_its_cursor() -> None:
    (ask,) = plan([by_ground(cursor=CURSOR)], NEWS, now=NOW)
    assert ask.query.learnt_since == CURSOR - OVERLAP
    assert ask.query.acquired == (None, None)
    assert (ask.query.geometry, ask.query.code, ask.query.level) == (FIELD.geometry, None, None)
    assert not ask.whole


def test_a_baseline_asks_for_what_was_acquired_lately() -> None:
    (ask,) = plan([by_ground(baselined=None)], NEWS, now=NOW)
    assert ask.query.learnt_since is None
    assert ask.query.acquired == (NOW - LOOKBACK, None)
    assert ask.whole


def test_a_baseline_that_found_nothing_still_asks_for_news_of_every_acquisition() -> None:
    (ask,) = plan([by_ground(cursor=None, baselined=NOW - timedelta(days=3))], NEWS, now=NOW)
    assert ask.query.learnt_since == NOW - timedelta(days=3) - BEGINNING
    assert ask.query.acquired == (None, None)
    assert not ask.whole


def test_a_catalogue_without_news_is_looked_through_over_the_lookback() -> None:
    (ask,) = plan([by_ground(cursor=CURSOR)], NEITHER, now=NOW, lookback=timedelta(days=30))
    assert ask.query.learnt_since is None
    assert ask.query.acquired == (NOW - timedelta(days=30), None)
    assert ask.whole


@pytest.mark.parametrize("can", [NEWS, WHOLE, NEITHER])
@pytest.mark.parametrize("baselined", [None, NOW])
def test_a_start_is_asked_for_by_every_way(can: Capability, baselined: datetime | None) -> None:
    start = NOW - timedelta(days=1000)
    (ask,) = plan([by_ground(since=start, baselined=baselined)], can, now=NOW)
    assert ask.query.acquired == (start, None)


def test_the_levels_of_a_site_share_a_question_where_the_catalogue_knows_no_codes() -> None:
    (ask,) = plan([by_ground(1, level=L1C), by_ground(2, level=L2A)], NEITHER, now=NOW)
    assert [w.number for w in ask.watches] == [1, 2]
    assert ask.query.level is None


def test_each_level_is_asked_for_where_it_can_be() -> None:
    asks = plan([watch(1, level=L1C), watch(2, level=L2A)], WHOLE, now=NOW)
    assert [ask.query.level for ask in asks] == [L1C, L2A]


def test_what_has_no_baseline_is_asked_apart() -> None:
    asks = plan([by_ground(1, level=L1C, cursor=CURSOR), by_ground(2, baselined=None)], NEWS, now=NOW)
    assert [[w.number for w in ask.watches] for ask in asks] == [[1], [2]]
    assert [ask.whole for ask in asks] == [False, True]


def test_a_shared_question_goes_back_to_the_oldest_cursor() -> None:
    older = CURSOR - timedelta(days=5)
    (ask,) = plan([by_ground(1, cursor=CURSOR), by_ground(2, level=L1C, cursor=older)], NEWS, now=NOW)
    assert ask.query.learnt_since == older - OVERLAP


def test_sites_and_collections_are_asked_apart() -> None:
    other = watch(2, site(2, "Nantes", box(5, 5, 6, 6)), code=None)
    asks = plan([by_ground(1), other, by_ground(3, collection="SPOT4")], NEITHER, now=NOW)
    assert [(ask.query.collection, ask.watches[0].number) for ask in asks] == [("SPOT5", 1), ("SPOT5", 2), ("SPOT4", 3)]


def test_a_cursor_moves_to_the_newest_value_only() -> None:
    assert newest(None, CURSOR, now=NOW) == CURSOR
    assert newest(CURSOR, None, now=NOW) == CURSOR
    assert newest(CURSOR, CURSOR - timedelta(days=1), now=NOW) == CURSOR
    assert newest(CURSOR, NOW, now=NOW) == NOW


def test_a_cursor_never_moves_to_the_future() -> None:
    assert newest(CURSOR, NOW + timedelta(minutes=6), now=NOW) == CURSOR
    assert newest(None, NOW + timedelta(days=365), now=NOW) is None


# Few questions for many places

SWEEPS = Capability(learns=True, codes=False, sweeps=True, places=1, page=100)
JOINS = Capability(learns=True, codes=False, places=50, page=100)
BOTH = Capability(learns=True, codes=False, sweeps=True, places=50, page=100)
PUNCTUAL = {0: 10_000}


def fields(count: int, *, level: Level | None = L2A, **terms: object) -> list[Watch]:
    """So many sites in a row, looked at a moment ago."""
    usual = {"baselined": NOW - timedelta(days=9), "cursor": NOW, "reread": NOW}
    places = [site(n, f"F{n}", box(n % 300 / 2 - 80, 40, n % 300 / 2 - 79.7, 40.3)) for n in range(count)]
    return [watch(n, place, code=None, level=level, **(usual | terms)) for n, place in enumerate(places)]


def ways(asks: list[Ask]) -> dict[str, int]:
    return dict(Counter(ask.way.value for ask in asks))


def covers(ask: Ask, place: Site) -> bool:
    if ask.query.geometry is None:
        return ask.query.code is None
    return bool(shapely.from_geojson(ask.query.geometry).buffer(1e-9).covers(shapely.from_geojson(place.geometry)))


def test_many_places_are_joined_as_the_server_takes_them() -> None:
    asks = plan(fields(120), JOINS, now=NOW)
    assert ways(asks) == {"places": 3}
    assert sorted(ask.places for ask in asks) == [20, 50, 50]
    assert all(covers(ask, w.site) for ask in asks for w in ask.watches)


def test_a_quiet_collection_is_swept_as_soon_as_that_is_known() -> None:
    (ask,) = plan(fields(47), SWEEPS, now=NOW, loads={"SPOT5": Load(everywhere=0.0)})
    assert (ask.way, ask.places, ask.requests) == (Way.SWEEP, 47, 1)
    assert (ask.query.geometry, ask.query.code, ask.query.learnt_since) == (None, None, NOW - OVERLAP)
    assert "47 requests" in ask.why


def test_a_busy_collection_is_swept_for_many_places_only() -> None:
    loads = {"SPOT5": Load(everywhere=20_000, place=0.4, late=PUNCTUAL)}
    few = plan(fields(200), BOTH, now=NOW, loads=loads)
    assert ways(few) == {"places": 4, "sounding": 1}
    (many,) = plan(fields(3000), BOTH, now=NOW, loads=loads)
    assert many.way is Way.SWEEP
    assert many.query.learnt_since == NOW - LEAST
    assert many.requests == 25
    assert not many.far


def test_a_sweep_goes_back_further_once_a_day() -> None:
    watches = fields(3000, reread=NOW - REREAD)
    loads = {"SPOT5": Load(everywhere=20_000, place=0.4, late=PUNCTUAL)}
    can = changed(BOTH, places=1)
    (ask,) = plan(watches, can, now=NOW, loads=loads)
    assert ask.far
    assert ask.query.learnt_since == NOW - timedelta(hours=0.99 * 18)
    assert ask.requests == 149


def test_what_a_sweep_lists_is_sounded_where_it_is_not_known() -> None:
    asks = plan(fields(3), SWEEPS, now=NOW)
    assert ways(asks) == {"place": 3, "sounding": 1}
    sounding = asks[-1]
    assert (sounding.query.learnt_since, sounding.query.brief, sounding.watches) == (NOW - SOUNDING, True, [])
    assert not sounding.whole
    known = {"SPOT5": Load(everywhere=1e6, sounded=NOW - timedelta(days=1))}
    assert ways(plan(fields(3), SWEEPS, now=NOW, loads=known)) == {"place": 3}
    stale = {"SPOT5": Load(everywhere=1e6, sounded=NOW - timedelta(days=8))}
    assert ways(plan(fields(3), SWEEPS, now=NOW, loads=stale)) == {"place": 3, "sounding": 1}
    assert ways(plan(fields(1), SWEEPS, now=NOW)) == {"place": 1}


def test_a_sweep_that_failed_today_is_not_tried_again_today() -> None:
    failed = {"SPOT5": Load(everywhere=10.0, failed=True)}
    asks = plan(fields(120), BOTH, now=NOW, loads=failed)
    assert ways(asks) == {"places": 3}
    assert "failed" in asks[0].why


def test_one_place_far_behind_does_not_take_a_sweep_back_with_it() -> None:
    behind = changed(fields(400)[0], cursor=NOW - timedelta(days=60))
    loads = {"SPOT5": Load(everywhere=20_000, late=PUNCTUAL)}
    asks = plan([behind, *fields(400)[1:]], SWEEPS, now=NOW, loads=loads)
    assert ways(asks) == {"sweep": 1, "place": 1}
    sweep, alone = asks
    assert sweep.query.learnt_since == NOW - LEAST
    assert alone.watches == [behind]
    assert alone.query.learnt_since == NOW - timedelta(days=60) - OVERLAP


def test_places_that_are_all_as_far_behind_are_swept_together() -> None:
    loads = {"SPOT5": Load(everywhere=1000, late=PUNCTUAL)}
    (ask,) = plan(fields(400, cursor=NOW - timedelta(days=7)), SWEEPS, now=NOW, loads=loads)
    assert ask.way is Way.SWEEP
    assert ask.requests == 72


def test_places_are_joined_with_those_whose_cursors_are_about_as_old() -> None:
    old = [changed(w, number=1000 + w.number, cursor=NOW - timedelta(days=50)) for w in fields(20)[10:]]
    asks = plan(fields(10) + old, JOINS, now=NOW)
    assert sorted((len(ask.watches), ask.query.learnt_since) for ask in asks) == [
        (10, NOW - timedelta(days=50) - OVERLAP),
        (10, NOW - OVERLAP),
    ]


def test_first_looks_that_begin_at_the_same_time_are_joined() -> None:
    asks = plan(fields(40, baselined=None) + fields(50, baselined=None, since=NOW)[40:], JOINS, now=NOW)
    assert [(ask.places, ask.whole, ask.query.acquired[0]) for ask in asks] == [
        (40, True, NOW - LOOKBACK),
        (10, True, NOW),
    ]


def test_a_first_look_joins_no_more_than_one_answer_can_list() -> None:
    asks = plan(fields(40, baselined=None), JOINS, now=NOW, loads={"SPOT5": Load(held=1500)})
    assert ways(asks) == {"places": 4}
    assert {ask.requests for ask in asks} == {151}, "and one for what was learnt lately"


def test_a_place_that_cannot_be_matched_is_asked_for_alone() -> None:
    nowhere = watch(999, site(999, "Nowhere"), code=None, cursor=NOW)
    asks = plan([*fields(3), nowhere], SWEEPS, now=NOW, loads={"SPOT5": Load(everywhere=0.0)})
    assert [(ask.way, [w.number for w in ask.watches]) for ask in asks] == [("sweep", [0, 1, 2]), ("place", [999])]


def test_places_by_code_can_be_swept_too() -> None:
    coded = [watch(n, site(n, f"Site {n}"), cursor=NOW, reread=NOW, level=level) for n, level in enumerate([L1C, L2A])]
    can = Capability(learns=True, codes=True, sweeps=True)
    (ask,) = plan(coded, can, now=NOW, loads={"SPOT5": Load(everywhere=1.0)})
    assert (ask.way, ask.query.level, ask.query.code) == (Way.SWEEP, None, None)


def test_a_question_for_many_places_is_split_to_find_the_one_that_fails() -> None:
    (ask,) = plan(fields(5), JOINS, now=NOW)
    parts = halves(ask)
    assert [part.places for part in parts] == [2, 3]
    assert [w.number for part in parts for w in part.watches] == [w.number for w in ask.watches]
    assert all(covers(part, w.site) for part in parts for w in part.watches)
    assert not any(covers(parts[0], w.site) for w in parts[1].watches)
    (single, other) = halves(parts[0])
    assert (single.way, other.way, single.query.geometry) == (Way.PLACE, Way.PLACE, single.watches[0].site.geometry)
    assert halves(single) == []
    assert halves(plan(fields(9), SWEEPS, now=NOW, loads={"SPOT5": Load(everywhere=0.0)})[0]) == []


def test_a_usual_day_is_planned_as_if_all_had_been_looked_at() -> None:
    usual = settled(fields(3000, baselined=None, cursor=None), now=NOW, due=False)
    loads = {"SPOT5": Load(everywhere=20_000, late=PUNCTUAL)}
    (ask,) = plan(usual, SWEEPS, now=NOW, loads=loads)
    assert (ask.far, ask.requests) == (False, 25)
    (long,) = plan(settled(usual, now=NOW, due=True), SWEEPS, now=NOW, loads=loads)
    assert (long.far, long.requests) == (True, 149)


MOMENTS = st.integers(-500, 0).map(lambda days: NOW + timedelta(days=days))
WATCHES = st.builds(
    watch,
    st.integers(1, 10**6),
    st.sampled_from([FIELD, site(2, "Pornic", box(5, 5, 6, 6)), *(w.site for w in fields(8)[3:])]),
    level=st.sampled_from([L1C, L2A, None]),
    code=st.none(),
    collection=st.sampled_from(["SPOT4", "SPOT5"]),
    since=st.none() | MOMENTS,
    baselined=st.none() | MOMENTS,
    cursor=st.none() | MOMENTS,
    reread=st.none() | MOMENTS,
)
CAPABILITIES = st.builds(
    Capability,
    learns=st.booleans(),
    codes=st.booleans(),
    sweeps=st.booleans(),
    places=st.sampled_from([1, 2, 50]),
    page=st.sampled_from([1, 100]),
)
RATES = st.none() | st.floats(0, 50_000)
LOADS = st.dictionaries(
    st.sampled_from(["SPOT4", "SPOT5"]),
    st.builds(Load, RATES, RATES, RATES, st.sampled_from([{}, PUNCTUAL]), st.none() | MOMENTS, st.booleans()),
)


@given(st.lists(WATCHES, max_size=12), CAPABILITIES, LOADS)
def test_every_watch_is_served_by_one_question_that_covers_it(
    watches: list[Watch], can: Capability, loads: dict[str, Load]
) -> None:
    asks = plan(watches, can, now=NOW, loads=loads)
    served = [w for ask in asks for w in ask.watches]
    assert sorted(w.number for w in served) == sorted(w.number for w in watches)
    for ask in asks:
        places = {w.site.number for w in ask.watches}
        assert ask.way is not Way.SWEEP or (can.sweeps and not ask.whole)
        assert ask.way is not Way.PLACES or 1 < len(places) <= can.places
        assert ask.way is not Way.PLACE or len(places) == 1
        assert ask.way is not Way.SOUNDING or not ask.watches
        for w in ask.watches:
            assert ask.query.collection == w.collection
            assert covers(ask, w.site)
            assert ask.query.level in (None, w.level)
            start = ask.query.acquired[0]
            if w.since is not None and start is not None:
                assert start <= w.since
            if w.since is None and not ask.whole:
                assert start is None
            assert ask.whole is (w.baselined is None or not can.learns)
            if ask.query.learnt_since is not None:
                assert w.baselined is not None
                assert ask.query.learnt_since <= (w.cursor - LEAST if w.cursor else w.baselined - BEGINNING)


def test_ten_thousand_places_of_which_no_two_are_as_far_behind_are_planned_at_once() -> None:
    watches = [changed(w, cursor=NOW - timedelta(minutes=w.number)) for w in fields(10_000)]
    loads = {"SPOT5": Load(everywhere=2000, late=PUNCTUAL)}
    begun = time.process_time()
    sweep = plan(watches, SWEEPS, now=NOW, loads=loads)[0]
    assert time.process_time() - begun < 5
    assert (sweep.way, len(sweep.watches)) == (Way.SWEEP, 10_000)
    assert sweep.requests == 142
