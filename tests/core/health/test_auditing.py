"""What an audit counts, what is late, and what a reconcile has to read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.given import ACQUIRED, NOW, changed, product, site, version, watch
from watcher.core.audience import Audience
from watcher.core.decide import Decision, Known, Listing, decide
from watcher.core.health.auditing import Audit, late, passed_over, recorded, spans
from watcher.core.identity.revisions import token
from watcher.core.questions.planning import reconciliation
from watcher.core.questions.reach import OVERLAP
from watcher.model import Capability, Product, Watch

HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
BEFORE = (NOW - HOUR, NOW - HOUR + SECOND)
LOOKBACK = timedelta(days=90)
FIELD = watch(baselined=NOW - 30 * DAY, reread=NOW - HOUR, cursor=NOW - HOUR, code=None)
NEWS = Capability(learns=True, codes=False)
WINDOWS = Capability(learns=False, codes=False)
SITES = Capability(learns=False, codes=True)


# What is late


def found_late(listed: Product, *watches: Watch, known: dict[str, Known] | None = None, **terms: Any) -> list[int]:
    """By how many seconds each sighting of a product was late, as a poll would note it."""
    found = [Listing(listed, watches or (FIELD,))]
    records = known or {}
    decision = decide(found, records, Audience((), now=NOW), first_number=9, download_levels=())
    return [seconds for *_, seconds in late(decision, found, records, **({"before": BEFORE, "now": NOW} | terms))]


def test_what_the_catalogue_had_before_the_last_poll_began_is_late() -> None:
    assert found_late(product(learnt=NOW - 3 * HOUR)) == [3 * 3600]
    assert found_late(product(learnt=BEFORE[0])) == []
    assert found_late(product(published=NOW - 2 * HOUR)) == [2 * 3600]
    assert found_late(product(learnt=NOW, published=NOW - 2 * HOUR)) == []


def test_nothing_is_late_before_a_poll_went_well_nor_what_says_no_time() -> None:
    assert found_late(product(learnt=NOW - 3 * HOUR), before=None) == []
    assert found_late(product()) == []


def test_what_was_published_before_the_baseline_is_not_late() -> None:
    assert found_late(product(learnt=NOW - 31 * DAY)) == []
    assert found_late(product(learnt=NOW - 3 * HOUR), changed(FIELD, baselined=None)) == []


def test_the_oldest_watch_of_a_site_says_since_when_it_might_have_been_found() -> None:
    young = changed(FIELD, number=2, level=None, baselined=NOW - HOUR)
    for watches in ((FIELD, young), (young, FIELD)):
        assert found_late(product(learnt=NOW - 3 * DAY), *watches) == [3 * 86_400]


def test_what_came_while_a_site_was_paused_is_not_late() -> None:
    assert found_late(product(learnt=NOW - 3 * HOUR), changed(FIELD, reread=None)) == []


def test_a_reprocessing_is_late_by_its_own_time_not_by_that_of_the_product() -> None:
    record = {"P1": Known({version(1): 3}, {1: 3})}
    again = {"revision": version(2), "published": NOW - 20 * DAY}
    assert found_late(product(updated=NOW - 2 * HOUR, **again), known=record) == [2 * 3600]
    record = {"P1": Known({version(1): 3}, {1: 3})}
    assert found_late(product(**again), known=record) == []


def test_what_is_known_is_not_late_when_it_is_listed_again() -> None:
    assert found_late(product(learnt=NOW - 3 * HOUR), known={"P1": Known({version(1): 3}, {1: 3})}) == []


def test_a_product_is_late_at_each_site_that_sees_it_and_had_a_baseline() -> None:
    other = changed(FIELD, number=2, site=site(2, "Nantes"))
    young = changed(FIELD, number=3, site=site(3, "Auch"), baselined=NOW - HOUR)
    found = [Listing(product(learnt=NOW - 3 * HOUR), [FIELD, other, young])]
    decision = decide(found, {}, Audience((), now=NOW), first_number=9, download_levels=())
    assert sorted(late(decision, found, {}, before=BEFORE, now=NOW)) == [(9, 1, 10800), (9, 2, 10800)]
    assert list(late(Decision([], [], [], [], [], [], set()), [], {}, before=BEFORE, now=NOW)) == []


# What a brief answer names


def brief(**facts: Any) -> Listing:
    return Listing(product(**facts), [FIELD])


def test_a_brief_token_that_says_less_is_that_of_the_recorded_revision() -> None:
    full = token(updated="u1", produced=None, version="3", checksum="md5:00", size=7)
    less = token(updated="u1", produced=None, version="3", checksum=None, size=None)
    assert recorded(brief(revision=less), Known({full: 4}, {1: 4})) == full
    older = token(updated="u0", produced=None, version="2", checksum=None, size=None)
    assert recorded(brief(revision=less), Known({older: 2, full: 4}, {1: 4})) == full
    assert recorded(brief(revision=older), Known({older: 2, full: 4}, {1: 4})) == older


def test_what_is_unknown_or_changed_or_not_seen_at_a_site_has_to_be_described() -> None:
    assert recorded(brief(), None) is None
    assert recorded(brief(revision=version(2)), Known({version(1): 4}, {1: 4})) is None
    assert recorded(brief(), Known({version(1): 4}, {2: 4})) is None
    assert recorded(brief(revision=version(2)), Known({version(1): 4, version(2): 5}, {1: 4, 2: 5})) is None


# What polls pass over


def over(can: Capability, listed: Product, watching: Watch = FIELD) -> bool:
    return passed_over(listed, watching, can, now=NOW, lookback=LOOKBACK)


def test_polls_pass_over_what_was_stamped_further_back_than_they_ask() -> None:
    cursor = FIELD.cursor or NOW
    assert over(NEWS, product(learnt=cursor - OVERLAP - SECOND))
    assert not over(NEWS, product(learnt=cursor - OVERLAP))
    assert not over(NEWS, product(learnt=NOW))
    assert over(NEWS, product())


def test_polls_pass_over_old_acquisitions_where_only_a_window_is_read() -> None:
    assert over(WINDOWS, product(acquired=NOW - LOOKBACK - SECOND))
    assert not over(WINDOWS, product(acquired=NOW - LOOKBACK))
    assert not over(WINDOWS, product(acquired=None))
    assert not over(WINDOWS, product(acquired=NOW - 400 * DAY), changed(FIELD, since=NOW - 500 * DAY))


def test_polls_pass_over_nothing_where_all_of_a_site_is_read() -> None:
    assert not over(SITES, product(learnt=None, acquired=ACQUIRED - 999 * DAY))


def test_what_was_there_before_the_first_look_was_not_passed_over() -> None:
    begun = changed(FIELD, looked_from=NOW - 120 * DAY)
    old = {"acquired": NOW - 300 * DAY}
    assert not over(NEWS, product(learnt=NOW - 200 * DAY, **old), begun)
    assert not over(WINDOWS, product(published=NOW - 200 * DAY, **old), begun)
    assert over(NEWS, product(learnt=NOW - 20 * DAY, **old), begun)


# Windows of what has to be described


def test_times_that_are_near_are_asked_for_together() -> None:
    near = [ACQUIRED, ACQUIRED + 3 * HOUR, ACQUIRED + 9 * DAY]
    assert spans(near, (None, None)) == [
        (ACQUIRED - SECOND, ACQUIRED + 3 * HOUR + SECOND),
        (ACQUIRED + 9 * DAY - SECOND, ACQUIRED + 9 * DAY + SECOND),
    ]


def test_without_a_time_all_is_asked_for() -> None:
    assert spans([ACQUIRED, None], (NOW, None)) == [(NOW, None)]
    assert spans([], (NOW, None)) == []


@given(st.lists(st.integers(0, 45 * 366 * 86_400), min_size=1, max_size=200))
def test_a_few_windows_hold_every_time(seconds: list[int]) -> None:
    moments = [NOW - number * SECOND for number in seconds]
    found = [(start, end) for start, end in spans(moments, (None, None)) if start is not None and end is not None]
    assert len(found) <= 20
    assert all(sum(start <= moment <= end for start, end in found) == 1 for moment in moments)


# Which questions


def test_a_reconcile_asks_from_the_start_of_a_watch_or_from_where_its_baseline_looked() -> None:
    begun = changed(FIELD, code="Pornic", looked_from=NOW - 200 * DAY)
    for since, start in (
        (None, begun.looked_from),
        (NOW - 20 * DAY, NOW - 20 * DAY),
        (NOW - 900 * DAY, NOW - 900 * DAY),
    ):
        (ask,) = reconciliation([changed(begun, since=since)], NEWS, now=NOW)
        assert (ask.whole, ask.query.brief, ask.query.learnt_since, ask.query.acquired) == (
            True,
            True,
            None,
            (start, None),
        )
        assert ask.watches == [changed(begun, since=since)]


@pytest.mark.parametrize("can", [NEWS, WINDOWS, SITES])
def test_a_reconcile_asks_for_everything_where_the_baseline_read_everything(can: Capability) -> None:
    (ask,) = reconciliation([changed(FIELD, code="Pornic")], can, now=NOW)
    assert ask.query.acquired == (None, None)


def test_what_has_no_baseline_is_not_reconciled_and_nothing_is_sounded() -> None:
    fresh = [changed(FIELD, number=n, site=site(n, f"S{n}"), code=f"S{n}", baselined=None) for n in (1, 2)]
    sweeping = Capability(learns=True, codes=True, sweeps=True)
    assert reconciliation(fresh, sweeping, now=NOW) == []
    begun = [changed(one, baselined=NOW, cursor=NOW) for one in fresh]
    assert [ask.query.code for ask in reconciliation(begun, sweeping, now=NOW)] == ["S1", "S2"]


# What is printed


def test_the_share_and_the_middle_of_what_was_late() -> None:
    usual: dict[str, Any] = {"site": "Pornic", "catalogue": "take5", "collection": "SPOT5", "level": None}
    audit = Audit(**usual, counted=812, missing=2, total=812, late=[60, 11_400, 147_600])
    assert audit.seen == 810
    assert round(audit.share, 2) == 0.37
    assert (audit.usually, audit.worst) == (timedelta(hours=3, minutes=10), timedelta(hours=41))
    none = Audit(**usual)
    assert (none.seen, none.share, none.usually, none.worst) == (None, 0.0, None, None)
