"""What follows from what a catalogue lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.given import ACQUIRED, FILE, L1C, L2A, NOW, changed, product, site, subscription, version, watch
from watcher.core.audience import Audience
from watcher.core.decide import Decision, Known, Listing, decide
from watcher.core.filters import accepts, wanted
from watcher.core.identity.revisions import token
from watcher.model import Event, Level, Product, Subscription, Watch

JANE = subscription(1, "mail:jane@example.org")
PORNIC, NANTES = site(1, "Pornic"), site(2, "Nantes")


def decided(
    *listed: tuple[Product, Sequence[Watch]],
    known: dict[str, Known] | None = None,
    subscriptions: Sequence[Subscription] = (JANE,),
    levels: Collection[Level] = (),
) -> Decision:
    return decide(
        [Listing(one, watches) for one, watches in listed],
        known or {},
        Audience(subscriptions, now=NOW),
        first_number=100,
        download_levels=levels,
    )


def events(decision: Decision) -> list[tuple[int, int, Event]]:
    return [(arrival.site, arrival.revision, arrival.event) for arrival in decision.arrivals]


def nothing_is_announced_or_stored(decision: Decision) -> bool:
    return not (decision.revisions or decision.sightings or decision.arrivals)


def test_a_product_never_seen_is_new() -> None:
    decision = decided((product(), [watch()]))
    assert decision.revisions == [(100, product())]
    assert decision.sightings == [(100, 1)]
    assert events(decision) == [(1, 100, Event.NEW)]
    assert decision.listed == {100}


def test_an_arrival_is_owed_to_each_address_once() -> None:
    again = subscription(2, "mail:jane@example.org")
    other = subscription(3, "channel:team")
    (arrival,) = decided((product(), [watch()]), subscriptions=[JANE, again, other]).arrivals
    assert [(owed.address, owed.subscription) for owed in arrival.owed] == [
        ("mail:jane@example.org", 1),
        ("channel:team", 3),
    ]


def test_what_is_known_at_its_site_is_no_news() -> None:
    known = {"P1": Known({version(1): 7}, {1: 7})}
    decision = decided((product(), [watch()]), known=known)
    assert nothing_is_announced_or_stored(decision)
    assert decision.listed == {7}


def test_what_is_known_elsewhere_is_new_here() -> None:
    known = {"P1": Known({version(1): 7}, {2: 7})}
    decision = decided((product(), [watch(at=PORNIC)]), known=known)
    assert decision.revisions == []
    assert events(decision) == [(1, 7, Event.NEW)]


def test_a_product_listed_twice_in_a_page_arrives_once() -> None:
    decision = decided((product(), [watch()]), (product(), [watch()]))
    assert events(decision) == [(1, 100, Event.NEW)]
    assert len(decision.revisions) == len(decision.sightings) == 1


def test_one_product_at_two_sites_arrives_at_both() -> None:
    decision = decided((product(), [watch(1, PORNIC), watch(2, NANTES)]))
    assert len(decision.revisions) == 1
    assert events(decision) == [(1, 100, Event.NEW), (2, 100, Event.NEW)]


def test_two_watches_of_one_site_make_one_arrival() -> None:
    decision = decided((product(), [watch(1), watch(2, level=None)]))
    assert events(decision) == [(1, 100, Event.NEW)]


def test_a_product_processed_again_is_revised() -> None:
    known = {"P1": Known({version(1): 7}, {1: 7})}
    decision = decided((product(revision=version(2)), [watch()]), known=known)
    assert events(decision) == [(1, 100, Event.REVISED)]
    assert decision.sightings == [(100, 1)]
    assert decision.listed == {7, 100}


def test_a_revision_is_told_at_each_site_that_saw_the_product() -> None:
    known = {"P1": Known({version(1): 7}, {1: 7, 2: 7})}
    first = decided((product(revision=version(2)), [watch(1, PORNIC)]), known=known)
    assert events(first) == [(1, 100, Event.REVISED)]
    # The other site's own question lists it a moment later, when the revision is known already.
    known = {"P1": Known({version(1): 7, version(2): 100}, {1: 100, 2: 7})}
    second = decided((product(revision=version(2)), [watch(2, NANTES)]), known=known)
    assert second.revisions == []
    assert events(second) == [(2, 100, Event.REVISED)]


def test_a_revision_is_new_where_the_product_was_never_seen() -> None:
    known = {"P1": Known({version(1): 7}, {1: 7})}
    decision = decided((product(revision=version(2)), [watch(1, PORNIC), watch(2, NANTES)]), known=known)
    assert events(decision) == [(1, 100, Event.REVISED), (2, 100, Event.NEW)]


def test_a_listing_that_flaps_back_announces_nothing_more() -> None:
    known = {"P1": Known({version(1): 7, version(2): 8}, {1: 8})}
    assert nothing_is_announced_or_stored(decided((product(revision=version(1)), [watch()]), known=known))
    assert nothing_is_announced_or_stored(decided((product(revision=version(2)), [watch()]), known=known))


def test_an_older_revision_is_no_news_to_a_site_that_only_saw_the_newer() -> None:
    known = {"P1": Known({version(1): 7, version(2): 8}, {1: 8})}
    assert nothing_is_announced_or_stored(decided((product(revision=version(1)), [watch()]), known=known))


def test_metadata_gained_later_completes_silently() -> None:
    later = version(1, checksum="md5:00")
    known = {"P1": Known({version(1): 7}, {1: 7})}
    decision = decided((product(revision=later), [watch()]), known=known)
    assert decision.completed == [(7, product(revision=later))]
    assert nothing_is_announced_or_stored(decision)


def test_a_server_that_lags_behind_neither_announces_nor_takes_away() -> None:
    older, fuller, newer = version(1), version(1, checksum="md5:00"), version(2)
    known = {"P1": Known({fuller: 7}, {1: 7})}
    decision = decided((product(revision=older, assets=()), [watch()]), known=known)
    assert nothing_is_announced_or_stored(decision)
    assert decision.completed == []
    known = {"P1": Known({fuller: 7, newer: 8}, {1: 8})}
    decision = decided((product(revision=older), [watch()]), known=known)
    assert nothing_is_announced_or_stored(decision)
    assert decision.completed == []
    assert decision.listed == {7, 8}


def test_what_was_completed_is_known_by_its_new_token_within_the_page() -> None:
    later = version(1, checksum="md5:00")
    known = {"P1": Known({version(1): 7}, {1: 7})}
    decision = decided((product(revision=later), [watch()]), (product(revision=later), [watch()]), known=known)
    assert len(decision.completed) == 1


def test_files_that_come_with_the_completed_metadata_are_offered() -> None:
    later = version(1, checksum="md5:00")
    known = {"P1": Known({version(1): 7}, {1: 7})}
    mine = watch()
    assert decided((product(revision=later), [mine]), known=known, levels={L2A}).offered == [(7, mine)]
    known = {"P1": Known({version(1): 7}, {1: 7})}
    assert decided((product(revision=later, assets=()), [mine]), known=known, levels={L2A}).offered == []


def test_a_baseline_remembers_and_announces_nothing() -> None:
    decision = decided((product(), [watch(baselined=None)]))
    assert decision.sightings == [(100, 1)]
    assert decision.arrivals == []


def test_a_baseline_announces_what_is_there_if_asked_to() -> None:
    decision = decided((product(), [watch(baselined=None, announce=True)]), levels={L2A})
    assert events(decision) == [(1, 100, Event.NEW)]
    assert not decision.arrivals[0].download


def test_a_baselined_watch_speaks_for_a_site_that_another_watch_still_baselines() -> None:
    decision = decided((product(), [watch(1), watch(2, level=None, baselined=None)]))
    assert events(decision) == [(1, 100, Event.NEW)]


def test_a_late_publication_of_an_old_acquisition_is_announced() -> None:
    decision = decided((product(acquired=NOW - timedelta(days=400)), [watch()]))
    assert events(decision) == [(1, 100, Event.NEW)]


@pytest.mark.parametrize(
    ("cloud", "announced"), [(19.9, True), (20.0, True), (20.1, False), (100.0, False), (None, True)]
)
def test_a_watch_announces_up_to_its_cloud_cover_and_what_is_unknown(cloud: float | None, announced: bool) -> None:
    decision = decided((product(cloud=cloud), [watch(max_cloud=20.0)]))
    assert decision.sightings == [(100, 1)]
    assert bool(decision.arrivals) is announced


@pytest.mark.parametrize(("cloud", "hears"), [(5.0, True), (50.0, False), (None, True)])
def test_a_subscription_hears_up_to_its_cloud_cover_and_of_what_is_unknown(cloud: float | None, hears: bool) -> None:
    (arrival,) = decided((product(cloud=cloud), [watch()]), subscriptions=[subscription(max_cloud=10.0)]).arrivals
    assert bool(arrival.owed) is hears


def test_what_was_acquired_before_a_watch_begins_is_not_announced() -> None:
    begins = watch(since=ACQUIRED)
    assert accepts(begins, product(acquired=ACQUIRED), again=False)
    assert accepts(begins, product(acquired=None), again=False)
    assert not accepts(begins, product(acquired=ACQUIRED - timedelta(milliseconds=1)), again=False)


def test_what_a_baseline_did_not_read_is_news_only_if_it_was_published_since() -> None:
    partly = watch(looked_from=ACQUIRED)
    older = ACQUIRED - timedelta(days=1)
    assert accepts(partly, product(acquired=ACQUIRED), again=False)
    assert not accepts(partly, product(acquired=older), again=False)
    assert accepts(partly, product(acquired=older), again=True)
    assert accepts(partly, product(acquired=older, published=NOW), again=False)
    assert accepts(partly, product(acquired=older, learnt=NOW), again=False)
    assert not accepts(partly, product(acquired=older, published=older, learnt=NOW), again=False)


def test_a_subscription_hears_of_its_sites_and_levels_only() -> None:
    audience = Audience(
        [
            subscription(1, "mail:a@example.org", sites=(1,)),
            subscription(2, "mail:b@example.org", levels=(L1C,)),
            subscription(3, "mail:c@example.org", sites=()),
            subscription(4, "mail:d@example.org"),
        ],
        now=NOW,
    )
    hears = {
        (place, level): "".join(sorted(owed.address[5] for owed in audience.owed(place, product(level=level))))
        for place in (1, 2)
        for level in (L1C, L2A, None)
    }
    assert hears == {(1, L1C): "abd", (1, L2A): "ad", (1, None): "ad", (2, L1C): "bd", (2, L2A): "d", (2, None): "d"}


@pytest.mark.parametrize(
    ("choice", "level", "expected"),
    [(None, L2A, True), (None, L1C, False), (True, L1C, True), (False, L2A, False)],
)
def test_a_watch_decides_on_downloads_before_the_configuration(
    choice: bool | None, level: Level, expected: bool
) -> None:
    assert wanted(watch(download=choice), product(level=level), {L2A}) is expected


def test_what_has_no_file_or_is_of_the_baseline_is_not_downloaded() -> None:
    assert wanted(watch(), product(), {L2A})
    assert not wanted(watch(), product(assets=()), {L2A})
    assert not wanted(watch(baselined=None, announce=True, download=True), product(), {L2A})


def test_a_download_is_wanted_if_any_accepting_watch_wants_it() -> None:
    no, yes = watch(1, PORNIC, download=False), watch(2, PORNIC, level=None, download=True)
    (arrival,) = decided((product(), [no, yes])).arrivals
    assert arrival.download
    cloudy = watch(2, PORNIC, level=None, download=True, max_cloud=5.0)
    (arrival,) = decided((product(cloud=50.0), [no, cloudy])).arrivals
    assert not arrival.download


def test_what_was_missing_and_is_listed_again_has_returned() -> None:
    known = {"P1": Known({version(1): 7, version(2): 8}, {1: 8}, missing=True)}
    decision = decided((product(revision=version(2)), [watch()]), known=known)
    assert decision.returned == [7, 8]
    assert nothing_is_announced_or_stored(decision)


TOKENS = st.builds(
    token,
    updated=st.none() | st.sampled_from("ab"),
    produced=st.none() | st.sampled_from("ab"),
    version=st.none() | st.sampled_from("12"),
    checksum=st.none() | st.sampled_from("xy"),
    size=st.none() | st.integers(1, 2),
)


@settings(max_examples=60)
@given(st.lists(st.lists(st.tuples(st.sampled_from("PQ"), TOKENS, st.sets(st.integers(1, 3), min_size=1)), max_size=6)))
def test_whatever_is_listed_no_arrival_repeats_and_no_number_is_used_twice(
    pages: list[list[tuple[str, str, set[int]]]],
) -> None:
    """Decisions are carried over from page to page as the store would, from sightings alone."""
    tokens: dict[str, dict[str, int]] = {}
    sighted: set[tuple[int, int]] = set()
    numbers: list[int] = []
    arrived: list[tuple[int, int]] = []
    for page in pages:
        known = {
            ident: Known(
                dict(sorted(found.items(), key=lambda one: one[1])),
                {
                    place: max(n for n in found.values() if (n, place) in sighted)
                    for place in (1, 2, 3)
                    if any((n, place) in sighted for n in found.values())
                },
            )
            for ident, found in tokens.items()
        }
        decision = decide(
            [
                Listing(product(ident, revision=text), [watch(n, site(n, str(n))) for n in places])
                for ident, text, places in page
            ],
            known,
            Audience([JANE], now=NOW),
            first_number=len(numbers) + 1,
            download_levels=(),
        )
        for number, one in decision.revisions:
            assert one.revision not in tokens.setdefault(one.id, {})
            tokens[one.id][one.revision] = number
            numbers.append(number)
        for number, one in decision.completed:
            found = tokens[one.id]
            del found[next(text for text, n in found.items() if n == number)]
            found[one.revision] = number
        assert not sighted & set(decision.sightings)
        sighted |= set(decision.sightings)
        arrived += [(arrival.site, arrival.revision) for arrival in decision.arrivals]
        listed = {(one[0], place) for one in page for place in one[2]}
        for ident, place in listed:
            assert any((n, place) in sighted for n in tokens[ident].values())
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(arrived) == len(set(arrived)) == len(sighted)


def test_a_decision_leaves_the_product_as_it_was_listed() -> None:
    seen = changed(product(), assets=(FILE, FILE))
    assert decided((seen, [watch()])).revisions[0][1] is seen


_IDS = st.sampled_from([f"SPOT5_HRG1_XS_2015060{day}_N2A_PornicD0000B000{copy}" for day in (1, 2, 3) for copy in "01"])
_WATCHES = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([None, NOW]), st.booleans()), min_size=1, max_size=4, unique=True
)


@settings(max_examples=200)
@given(st.lists(st.tuples(_IDS, st.sampled_from([version(1), version(2)]), _WATCHES), max_size=5))
def test_what_only_is_to_be_remembered_is_decided_as_all_else(
    page: list[tuple[str, str, list[tuple[int, object, bool]]]],
) -> None:
    """What is known of another product takes nothing from a page but the short way."""
    listed = [
        Listing(
            product(ident, title=ident, revision=text),
            [
                watch(
                    4 * n + 2 * (baselined is None) + announce, site(n, str(n)), baselined=baselined, announce=announce
                )
                for n, baselined, announce in watches
            ],
        )
        for ident, text, watches in page
    ]
    short, long = (
        decide(listed, known, Audience([JANE], now=NOW), first_number=7, download_levels=(L2A,))
        for known in ({}, {"another": Known({}, {})})
    )
    assert sorted(short.sightings) == sorted(long.sightings)
    assert changed(short, sightings=[]) == changed(long, sightings=[])


def test_most_pages_of_a_baseline_go_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.core.decide._Page", None)
    silent = watch(baselined=None)
    decision = decided((product("P1"), [silent]), (product("P2"), [silent, watch(2, NANTES, baselined=None)]))
    assert decision.sightings == [(100, 1), (101, 1), (101, 2)]
