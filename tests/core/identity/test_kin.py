"""What a product is where others of its acquisition are known: new, a revision, or no news."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.given import ACQUIRED, FILE, L2A, NOW, changed, product, site, subscription, watch
from watcher.core.audience import Audience
from watcher.core.decide import Decision, Known, Listing, acquisitions, decide
from watcher.core.identity.acquisitions import key, processing
from watcher.core.identity.kin import Kin
from watcher.core.identity.revisions import token
from watcher.model import Event, Product, Subscription, Watch

HERE, ELSEWHERE, THIRD = 1, 2, 3
OLD = "S2A_MSIL2A_20200808T010311_N0209_R045_T54PXA_20200808T022143"
NEW = "S2A_MSIL2A_20200808T010311_N0500_R045_T54PXA_20230413T212505"
PART = "S2A_MSIL2A_20200808T010311_N0500_R045_T54PXA_20230413T230000"
DAY = "S2A_54PXA_20200808_0_L2A"
MAJA = "SENTINEL2A_20200808-010411-123_L2A_T54PXA_C_V2-2"
SCENE = "LC08_L2SP_047027_20201204_{}_02_{}_SR"
PORNIC = site(1, "Pornic")


def tile(ident: str, *, version: str | None = None, **facts: Any) -> Product:
    said = token(updated=None, produced=None, version=version, checksum=facts.pop("checksum", None), size=None)
    return product(
        ident, **{"title": ident, "acquired": ACQUIRED.replace(year=2020, month=8, day=8)} | facts, revision=said
    )


def known_as(number: int, collection: int, ident: str, *, version: str | None = None, **facts: Any) -> Kin:
    listed = tile(ident, version=version)
    usual: dict[str, Any] = {"seen": frozenset({1}), "told": frozenset({1}), "level": L2A}
    return Kin(number, collection, ident, processing(listed), **(usual | facts))


def decided(
    *listed: Product,
    kin: Sequence[Kin] = (),
    known: dict[str, Known] | None = None,
    watches: Sequence[Watch] = (watch(),),
    subscriptions: Sequence[Subscription] = (subscription(),),
    once: bool = True,
    levels: Sequence[str] = (),
) -> Decision:
    acquisition = key(listed[0])
    assert acquisition is not None
    return decide(
        [Listing(one, watches) for one in listed],
        known or {},
        Audience(subscriptions, now=NOW),
        first_number=100,
        download_levels=levels,  # type: ignore[arg-type]
        kin={acquisition: kin},
        collection=HERE,
        once=once,
    )


def events(decision: Decision) -> list[tuple[int, Event]]:
    return [(arrival.revision, arrival.event) for arrival in decision.arrivals]


# In one collection


def test_what_only_is_to_be_remembered_replaces_an_older_processing_and_is_replaced_by_a_newer_one() -> None:
    silent = [watch(baselined=None)]
    assert decided(tile(NEW), kin=[known_as(7, HERE, OLD)], watches=silent).replaced == [(7, 100)]
    assert decided(tile(OLD), tile(NEW), watches=silent).replaced == [(100, 101)]


def test_a_newer_processing_under_another_id_is_a_revision_and_replaces_the_older() -> None:
    decision = decided(tile(NEW), kin=[known_as(7, HERE, OLD)])
    assert events(decision) == [(100, Event.REVISED)]
    assert decision.replaced == [(7, 100)]


def test_it_is_new_to_a_site_that_never_saw_the_older() -> None:
    decision = decided(tile(NEW), kin=[known_as(7, HERE, OLD, seen=frozenset({2}), told=frozenset({2}))])
    assert events(decision) == [(100, Event.NEW)]
    assert decision.replaced == [(7, 100)]


def test_an_older_processing_that_comes_late_is_recorded_and_not_told() -> None:
    decision = decided(tile(OLD), kin=[known_as(7, HERE, NEW)])
    assert [number for number, _ in decision.revisions] == [100]
    assert decision.sightings == [(100, 1)]
    assert decision.arrivals == []
    assert decision.replaced == [(100, 7)]


def test_a_processing_that_is_listed_under_two_ids_arrives_once() -> None:
    decision = decided(tile(f"{NEW}.SAFE"), kin=[known_as(7, HERE, NEW)])
    assert decision.sightings == [(100, 1)]
    assert (decision.arrivals, decision.replaced) == ([], [])


def test_another_part_of_a_tile_is_new() -> None:
    decision = decided(tile(PART), kin=[known_as(7, HERE, NEW)])
    assert events(decision) == [(100, Event.NEW)]
    assert decision.replaced == []


def test_near_real_time_is_replaced_by_nominal() -> None:
    nominal = tile(SCENE.format("20210313", "T1"), acquired=ACQUIRED)
    hasty = SCENE.format("20201205", "RT")
    decision = decided(nominal, kin=[known_as(7, HERE, hasty)])
    assert events(decision) == [(100, Event.REVISED)]
    assert decision.replaced == [(7, 100)]


def test_products_of_one_page_know_of_each_other() -> None:
    decision = decided(tile(OLD), tile(NEW), tile(f"{NEW}.SAFE"))
    assert events(decision) == [(100, Event.NEW), (101, Event.REVISED)]
    assert decision.replaced == [(100, 101), (100, 102)]
    assert [number for number, _ in decision.revisions] == [100, 101, 102]


@pytest.mark.parametrize("others", [[2], []], ids=["another site has seen them", "the site that saw them was removed"])
def test_processings_that_a_site_sees_for_the_first_time_know_of_each_other(others: list[int]) -> None:
    known = {one: Known({tile(one).revision: n}, dict.fromkeys(others, n)) for n, one in ((7, OLD), (8, NEW))}
    kin = [known_as(n, HERE, one, seen=frozenset(others)) for n, one in ((7, OLD), (8, NEW)) if others]
    assert events(decided(tile(OLD), tile(NEW), kin=kin, known=known)) == [(7, Event.NEW), (8, Event.REVISED)]
    known = {one: Known({tile(one).revision: n}, dict.fromkeys(others, n)) for n, one in ((7, OLD), (8, NEW))}
    assert events(decided(tile(NEW), tile(OLD), kin=kin, known=known)) == [(8, Event.NEW)]


def test_a_reprocessed_old_acquisition_is_told_where_it_was_seen_before() -> None:
    """Older than what a baseline read, a record that is touched is no news; a new processing of what was seen is."""
    partly = [watch(looked_from=NOW.replace(year=2021))]
    assert events(decided(tile(NEW), kin=[known_as(7, HERE, OLD)], watches=partly)) == [(100, Event.REVISED)]
    assert events(decided(tile(NEW), watches=partly)) == []


# In several


@pytest.mark.parametrize("other", [NEW, DAY, MAJA, OLD.replace("N0209", "N0511")])
def test_what_another_catalogue_has_told_of_is_not_told_again(other: str) -> None:
    decision = decided(tile(NEW), kin=[known_as(7, ELSEWHERE, other)])
    assert decision.sightings == [(100, 1)]
    assert (decision.arrivals, decision.replaced) == ([], [])


def test_it_is_told_from_each_if_that_is_asked_for() -> None:
    assert events(decided(tile(NEW), kin=[known_as(7, ELSEWHERE, NEW)], once=False)) == [(100, Event.NEW)]
    revised = decided(tile(NEW), kin=[known_as(7, HERE, OLD), known_as(8, ELSEWHERE, NEW)], once=False)
    assert events(revised) == [(100, Event.REVISED)]


def test_what_another_catalogue_has_told_of_elsewhere_only_or_not_at_all_is_new() -> None:
    for one in (
        known_as(7, ELSEWHERE, NEW, told=frozenset()),
        known_as(7, ELSEWHERE, NEW, seen=frozenset({2}), told=frozenset({2})),
    ):
        assert events(decided(tile(NEW), kin=[one])) == [(100, Event.NEW)]


def test_a_newer_processing_than_others_have_told_of_is_a_revision() -> None:
    decision = decided(tile(NEW), kin=[known_as(7, ELSEWHERE, OLD), known_as(8, THIRD, MAJA)])
    assert events(decision) == [(100, Event.REVISED)]
    assert decision.replaced == []


def test_a_revision_that_another_catalogue_has_told_of_is_not_told_again() -> None:
    behind = [known_as(7, HERE, OLD), known_as(8, ELSEWHERE, OLD)]
    assert events(decided(tile(NEW), kin=behind)) == [(100, Event.REVISED)]
    ahead = [*behind, known_as(9, ELSEWHERE, DAY, version="05.00")]
    assert events(decided(tile(NEW), kin=ahead)) == []
    other_processor = [*behind, known_as(9, THIRD, MAJA)]
    assert events(decided(tile(NEW), kin=other_processor)) == [(100, Event.REVISED)]


def test_a_second_part_is_told_unless_another_catalogue_has_told_of_two() -> None:
    first = [known_as(7, HERE, NEW, told=frozenset()), known_as(8, ELSEWHERE, NEW)]
    assert events(decided(tile(PART), kin=first)) == [(100, Event.NEW)]
    both = [*first, known_as(9, ELSEWHERE, PART)]
    assert events(decided(tile(PART), kin=both)) == []


def test_what_is_processed_again_in_its_place_is_told_once_too() -> None:
    """Earth Search keeps its id when a tile is processed again."""
    before, after = tile(DAY, version="05.00"), tile(DAY, version="05.11")
    known = {DAY: Known({before.revision: 7}, {1: 7})}
    mine = known_as(7, HERE, DAY, version="05.00")
    ahead = known_as(8, ELSEWHERE, OLD.replace("N0209", "N0511"))
    assert events(decided(after, known=known, kin=[mine])) == [(100, Event.REVISED)]
    known = {DAY: Known({before.revision: 7}, {1: 7})}
    assert events(decided(after, known=known, kin=[mine, ahead])) == []


def test_a_product_that_was_mended_in_its_place_is_told_whatever_others_have() -> None:
    broken, mended = tile(NEW, checksum="md5:00"), tile(NEW, checksum="md5:11")
    known = {NEW: Known({broken.revision: 7}, {1: 7})}
    kin = [known_as(7, HERE, NEW), known_as(8, ELSEWHERE, NEW)]
    assert events(decided(mended, known=known, kin=kin)) == [(100, Event.REVISED)]


def test_an_address_whose_filter_kept_the_first_from_it_hears_of_the_second() -> None:
    picky, easy = subscription(1, "mail:picky@example.org", max_cloud=20.0), subscription(2, "mail:easy@example.org")
    first = known_as(7, ELSEWHERE, NEW, cloud=30.0)
    (arrival,) = decided(tile(NEW, cloud=10.0), kin=[first], subscriptions=[picky, easy]).arrivals
    assert [to.address for to in arrival.owed] == ["mail:picky@example.org"]
    assert decided(tile(NEW, cloud=40.0), kin=[first], subscriptions=[picky, easy]).arrivals == []


# Downloads


def test_files_come_home_once_however_many_catalogues_have_them() -> None:
    mine = tile(NEW, assets=(FILE,))
    coming, without = known_as(7, ELSEWHERE, NEW, wanted=True), known_as(7, ELSEWHERE, NEW)
    assert decided(mine, kin=[coming], levels=[L2A]).fetched == []
    assert decided(mine, kin=[without], levels=[L2A]).fetched == [(100, 1)]
    assert decided(mine, kin=[without]).fetched == []


def test_files_of_another_processor_or_that_a_watch_asks_for_come_home_too() -> None:
    mine = tile(MAJA, assets=(FILE,))
    assert decided(mine, kin=[known_as(7, ELSEWHERE, NEW, wanted=True)], levels=[L2A]).fetched == [(100, 1)]
    same = tile(NEW, assets=(FILE,))
    asking = [watch(download=True)]
    assert decided(same, kin=[known_as(7, ELSEWHERE, NEW, wanted=True)], watches=asking).fetched == [(100, 1)]


def test_nothing_is_fetched_for_a_baseline_or_for_an_older_processing() -> None:
    mine = tile(OLD, assets=(FILE,))
    assert decided(mine, kin=[known_as(7, ELSEWHERE, OLD)], watches=[watch(baselined=None)], levels=[L2A]).fetched == []
    assert decided(mine, kin=[known_as(7, HERE, NEW)], levels=[L2A]).fetched == []


# What has to be looked up


def test_only_acquisitions_with_something_new_are_looked_up() -> None:
    one, other = tile(NEW), tile(MAJA.replace("54PXA", "54PXB"))
    here = Listing(one, [watch()])
    assert acquisitions([here], {}) == [key(one)]
    assert acquisitions([here], {NEW: Known({one.revision: 7}, {1: 7})}) == [None]
    assert acquisitions([here], {NEW: Known({one.revision: 7}, {2: 7})}) == [key(one)]
    assert acquisitions([here], {NEW: Known({"another": 7}, {1: 7})}) == [key(one)]
    assert acquisitions([here, Listing(other, [watch()])], {}) == [key(one), key(other)]
    assert acquisitions([Listing(product("P1"), [watch()])], {}) == [None]


def test_a_revision_that_only_another_site_has_seen_is_looked_up_too() -> None:
    one = tile(NEW)
    known = {NEW: Known({"another": 7, one.revision: 8}, {1: 7, 2: 8})}
    assert acquisitions([Listing(one, [watch()])], known) == [key(one)]


# In any order

VERSIONS = ("0204", "0209", "0500", "0511")
LISTED = st.tuples(st.sampled_from([HERE, ELSEWHERE, THIRD]), st.sampled_from(VERSIONS), st.sampled_from("ab"))


@settings(max_examples=200)
@given(st.lists(LISTED, max_size=12))
def test_in_whatever_order_catalogues_list_it_an_acquisition_is_told_of_and_its_newest_processing_too(
    listed: list[tuple[int, str, str]],
) -> None:
    """Catalogues list processings, each in one or two parts; what is decided is carried over as the store would."""
    family: list[Kin] = []
    known: dict[tuple[int, str], Known] = {}
    told: list[tuple[str, Event, str]] = []
    for collection, version, part in listed:
        one = tile(OLD.replace("N0209", f"N{version}").replace("022143", f"0221{ord(part)}"))
        record = known.get((collection, one.id))
        decision = decide(
            [Listing(one, [watch()])],
            {} if record is None else {one.id: record},
            Audience([subscription()], now=NOW),
            first_number=len(family) + 1,
            download_levels=(),
            kin={str(key(one)): family},
            collection=collection,
        )
        for number, _ in decision.revisions:
            known[collection, one.id] = Known({one.revision: number}, {1: number})
            announced = frozenset({1} if decision.arrivals else ())
            family.append(known_as(number, collection, one.id, told=announced))
        told += [(version, arrival.event, one.id) for arrival in decision.arrivals]
        for older, newer in decision.replaced:
            family = [changed(kin, replaced=True) if kin.number == older else kin for kin in family]
            assert processing_of(family, newer) > processing_of(family, older)
    if listed:
        assert told[0][:2] == (listed[0][1], Event.NEW)
        assert max(version for _, version, _ in listed) == max(version for version, _, _ in told)
        parts = {version: len({part for _, v, part in listed if v == version}) for version in VERSIONS}
        for version in VERSIONS:
            assert sum(v == version for v, _, _ in told) <= parts[version] * len({c for c, _, _ in listed})


def processing_of(family: Sequence[Kin], number: int) -> tuple[int, ...]:
    (found,) = [kin.processing for kin in family if kin.number == number]
    assert found is not None
    return found.version
