"""Which questions are asked."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.given import L1C, L2A, NOW, box, site, watch
from watcher.core.planning import BEGINNING, LOOKBACK, OVERLAP, newest, plan
from watcher.model import Capability, Watch

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


MOMENTS = st.integers(-500, 500).map(lambda days: NOW + timedelta(days=days))
WATCHES = st.builds(
    watch,
    st.integers(1, 10**6),
    st.sampled_from([FIELD, site(2, "Pornic", box(5, 5, 6, 6))]),
    level=st.sampled_from([L1C, L2A, None]),
    code=st.none(),
    collection=st.sampled_from(["SPOT4", "SPOT5"]),
    since=st.none() | MOMENTS,
    baselined=st.none() | MOMENTS,
    cursor=st.none() | MOMENTS,
)


@settings(deadline=None)
@given(st.lists(WATCHES, max_size=8), st.booleans(), st.booleans())
def test_every_watch_is_served_by_one_question_that_covers_it(watches: list[Watch], learns: bool, codes: bool) -> None:
    asks = plan(watches, Capability(learns=learns, codes=codes), now=NOW)
    served = [w for ask in asks for w in ask.watches]
    assert sorted(w.number for w in served) == sorted(w.number for w in watches)
    for ask in asks:
        for w in ask.watches:
            assert ask.query.collection == w.collection
            assert ask.query.geometry == w.site.geometry
            assert ask.query.level in (None, w.level)
            start = ask.query.acquired[0]
            if w.since is not None:
                assert start is not None
                assert start <= w.since
            if ask.query.learnt_since is not None:
                assert w.baselined is not None
                assert ask.query.learnt_since < (w.cursor or w.baselined)
                assert start == w.since
