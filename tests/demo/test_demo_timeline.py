"""What the pretend ground segment publishes, and when."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.demo.asking import AUGUST, ask, listed, names
from watcher.demo.catalogue import serve
from watcher.demo.files import archive, size_and_md5
from watcher.demo.products import L1C, L2A, OPENING, PRODUCTS
from watcher.demo.sites import HEROES
from watcher.demo.timeline import Timeline


def test_the_first_l1c_and_many_l2a_are_there_before_anything_happens(stopwatch):
    timeline = Timeline(clock=stopwatch)
    with serve(timeline=timeline) as catalogue:
        l1c = listed(catalogue, "processingLevel=LEVEL1C&maxRecords=500")
        l2a = listed(catalogue, "processingLevel=LEVEL2A&maxRecords=500")
        assert max(f["properties"]["startDate"] for f in l1c) < "2015-06-03"
        assert max(f["properties"]["startDate"] for f in l2a) < "2015-05-21"
        assert catalogue.published_count() == len(l1c) + len(l2a) + len(listed(catalogue, "", collection="SPOT4"))
        stopwatch.seconds += 3600
        assert timeline.now() == OPENING, "time stands still until it is told to begin"


def test_one_pace_brings_one_arrival_until_the_story_is_told(stopwatch):
    timeline = Timeline(pace=2.0, clock=stopwatch)
    timeline.begin()
    known = {(p.id, p.version) for p in timeline.offered()}
    for number, arrival in enumerate(timeline.arrivals, 1):
        assert not timeline.finished
        stopwatch.seconds += 2.0
        fresh = {(p.id, p.version) for p in timeline.offered()} - known
        assert fresh == {(arrival.id, arrival.version)}
        assert timeline.arrived() == timeline.arrivals[:number]
        known |= fresh
    assert timeline.finished
    stopwatch.seconds += 1e6
    assert {(p.id, p.version) for p in timeline.offered()} <= known


def test_the_story_has_arrivals_of_both_levels_over_three_sites_and_some_are_old():
    arrivals = Timeline().arrivals
    assert 15 <= len(arrivals) <= 20
    assert {p.site for p in arrivals} == set(HEROES)
    assert set(Counter(p.level for p in arrivals)) == {L1C, L2A}
    assert [p.acquired for p in arrivals] != sorted(p.acquired for p in arrivals)
    late = [p for p in arrivals if p.version == "1.0" and p.published - p.acquired > timedelta(days=30)]
    assert len(late) >= 2


def test_every_line_of_the_story_is_a_product():
    told = {(p.site.code, p.level, p.acquired.date(), p.published) for p in Timeline().arrivals}
    assert len(told) == 18
    assert all(p.published > p.acquired for p in PRODUCTS)


def test_a_late_product_lands_in_the_middle_of_the_list(stopwatch):
    timeline = Timeline(pace=1.0, clock=stopwatch)
    with serve(timeline=timeline) as catalogue:
        query = "zone_geo=Litchfield&processingLevel=LEVEL2A&maxRecords=500"
        timeline.begin()
        stopwatch.seconds += 3
        before = names(catalogue, query)
        stopwatch.seconds += 1
        after = names(catalogue, query)
        (arrived,) = set(after) - set(before)
        assert "20150503" in arrived
        assert 0 < after.index(arrived) < len(after) - 1


def test_a_reprocessed_product_is_away_for_a_moment_and_comes_back_under_its_id(stopwatch):
    timeline = Timeline(pace=1.0, clock=stopwatch)
    again = next(number for number, p in enumerate(timeline.arrivals) if p.version == "1.1")
    product = timeline.arrivals[again]
    record = f"/resto/collections/SPOT5/{product.id}.json"
    with serve(timeline=timeline) as catalogue:
        timeline.begin()
        stopwatch.seconds += again
        old = json.loads(ask(catalogue, record).body)
        stopwatch.seconds += 0.9
        assert ask(catalogue, record).status == 404
        assert ask(catalogue, record.replace(".json", "/download")).status == 404
        stopwatch.seconds += 0.1
        new = json.loads(ask(catalogue, record).body)
    assert old["id"] == new["id"]
    changed = {key for key in old["properties"] if old["properties"][key] != new["properties"][key]}
    assert changed == {"published", "updated", "productionDate", "version", "services"}
    before, after = old["properties"]["services"]["download"], new["properties"]["services"]["download"]
    assert before["url"] == after["url"]
    assert before["size"] != after["size"]
    assert before["checksum"] != after["checksum"]


def test_times_of_publication_are_paris_time_labelled_z(stopwatch):
    timeline = Timeline(pace=1.0, clock=stopwatch)
    with serve(timeline=timeline) as catalogue:
        timeline.begin()
        stopwatch.seconds += 1
        (first,) = timeline.arrived()
        (feature,) = listed(catalogue, f"identifier={first.ident}")
    shown = datetime.fromisoformat(feature["properties"]["published"])
    assert shown - first.published == timedelta(hours=2)
    assert feature["properties"]["updated"] == feature["properties"]["published"]


def test_everything_is_published_in_the_end():
    timeline = Timeline(start=AUGUST)
    assert timeline.finished
    assert not timeline.arrivals
    offered = timeline.offered()
    assert len({p.id for p in offered}) == len(offered) == len(PRODUCTS) - 1
    assert max(p.acquired for p in offered) > datetime(2015, 6, 29, tzinfo=UTC)


def test_the_pretend_products_are_the_same_at_every_start():
    archive.cache_clear()
    size_and_md5.cache_clear()
    first = size_and_md5(PRODUCTS[61])
    archive.cache_clear()
    size_and_md5.cache_clear()
    assert size_and_md5(PRODUCTS[61]) == first


def test_a_timeline_without_pace_is_refused():
    with pytest.raises(ValueError, match="seconds per arrival"):
        Timeline(pace=0)
