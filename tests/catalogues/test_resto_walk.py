"""A search of a resto lists everything once, or fails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.catalogues.pretend_resto import APRIL, Held, Pretend, season
from watcher.catalogues.resto.walk import MOST_PRODUCTS, Listing, complete
from watcher.errors import CatalogueError
from watcher.model import Product


def asking(server, size):
    """Return how `complete` asks this server, without a network between them."""

    def ask(window, number):
        start, end = window
        asked = {}
        if start is not None:
            asked["startDate"] = start.isoformat()
        if end is not None:
            asked["completionDate"] = end.isoformat()
        page, total, exact, more = server.page(server.found(asked, "SPOT5"), number, size)
        products = [Product("SPOT5", held.id, held.id, None, held.acquired.replace(microsecond=0), "") for held in page]
        return Listing(products, None if exact is False else total, more)

    return ask


def read(server, size, window=(None, None), most_requests=10_000):
    pages = complete(asking(server, size), window, size=size, most_requests=most_requests)
    return [product.id for page in pages for product in page]


def densest(held):
    seconds = [one.acquired.replace(microsecond=0) for one in held]
    return max(map(seconds.count, seconds), default=0)


@st.composite
def servers(draw):
    """Draw a server whose products tie, and a page size that does not suit it."""
    moments = st.integers(0, 12).map(lambda step: APRIL + timedelta(milliseconds=400 * step**2))
    held = [Held(f"p{number}", moment) for number, moment in enumerate(draw(st.lists(moments, max_size=40)))]
    arriving = [Held(f"late{number}", m) for number, m in enumerate(draw(st.lists(moments, max_size=3)))]
    server = Pretend(
        held,
        seed=draw(st.integers(0, 999)),
        cap=draw(st.sampled_from([3, 5, 500])),
        counts=draw(st.sampled_from(["exact", "estimate", "none"])),
        links=draw(st.booleans()),
        loops=draw(st.sampled_from([None, None, 2, 3])),
        arriving=tuple(arriving),
    )
    return server, draw(st.sampled_from([2, 4, 7, 500]))


@given(servers())
@settings(max_examples=400)
def test_everything_is_listed_once_or_the_search_fails(drawn):
    server, size = drawn
    there = {held.id for held in server.held}
    everything = server.held + server.arriving
    pages = min(size, server.cap)
    try:
        listed = read(server, size)
    except CatalogueError:
        # Nothing helps where a second has more than a page, or where pages neither turn nor are counted.
        assert densest(everything) >= pages or (server.loops == 2 and server.counts != "exact")
    else:
        assert len(listed) == len(set(listed))
        assert there <= set(listed) <= {held.id for held in everything}


@pytest.mark.parametrize("counts", ["exact", "estimate", "none"])
@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("cap", [20, 500])
def test_a_long_answer_is_listed_whole_whatever_the_server_tells(counts, links, cap):
    held = season(1203)
    for seed in range(5):
        listed = read(Pretend(held, seed=seed, cap=cap, counts=counts, links=links), 500)
        assert sorted(listed) == sorted(one.id for one in held)


def test_one_page_costs_one_request():
    server = Pretend(season(34))
    assert len(read(server, 500)) == 34
    assert server.requests == 1


def test_no_product_costs_one_request():
    server = Pretend([])
    assert read(server, 500) == []
    assert server.requests == 1


def test_a_page_that_nothing_vouches_for_costs_one_more():
    server = Pretend(season(34), counts="none")
    assert len(read(server, 500)) == 34
    assert server.requests == 2


def test_a_count_that_agrees_on_every_page_is_believed():
    server = Pretend(season(1203, per_second=1))
    assert len(read(server, 500)) == 1203
    assert server.requests == 3


def test_pages_that_lost_a_product_are_asked_again_by_windows():
    held = season(100)
    lost = 0
    for seed in range(30):
        server = Pretend(held, seed=seed)
        assert len(read(server, 7)) == 100
        lost += server.requests > 15  # a walk is 15 pages; more means that it was not complete
    assert lost, "no walk of the thirty lost anything: the server is kinder than a real one"


def test_a_long_answer_is_asked_again_with_few_requests():
    server = Pretend(season(15_000), counts="none")
    assert len(read(server, 500, most_requests=200)) == 15_000
    assert server.requests < 120


def test_an_arrival_between_two_pages_hides_nothing():
    held = season(60, per_second=1)
    for seed in range(10):
        newest = Held("newest", APRIL + timedelta(days=999))
        server = Pretend(held, seed=seed, arriving=(newest, Held("oldest", APRIL - timedelta(days=1))))
        assert {one.id for one in held} <= set(read(server, 20))


def test_pages_that_repeat_are_not_followed():
    server = Pretend(season(60), loops=2)
    assert len(read(server, 20)) == 60
    assert server.requests < 30


def test_fractions_of_seconds_that_the_server_hides_are_not_lost_between_windows():
    held = [Held(f"p{n}", APRIL + timedelta(milliseconds=250 * n)) for n in range(200)]
    server = Pretend(held, counts="none")
    assert sorted(read(server, 7)) == sorted(one.id for one in held)


def test_a_second_with_more_than_a_page_is_a_failure():
    held = [*season(20), *[Held(f"tie{n}", APRIL + timedelta(days=7)) for n in range(9)]]
    with pytest.raises(CatalogueError, match="acquired at 2015-04-17T01:30:00Z than fit") as failed:
        read(Pretend(held, counts="none"), 6)
    assert failed.value.permanent
    assert "page_size" in failed.value.hint


def test_a_second_with_more_than_a_page_is_no_failure_where_the_count_agrees():
    held = [Held(f"tie{n}", APRIL) for n in range(3)]
    assert len(read(Pretend(held), 3)) == 3


def test_a_count_that_nothing_bears_out_is_a_failure():
    def ask(window, number):
        one = Product("SPOT5", "a", "a", None, APRIL, "")
        return Listing([one] if number == 1 else [], 2 if number == 1 else None, False)

    with pytest.raises(CatalogueError, match="counts 2 products but lists 1"):
        list(complete(ask, (None, None), size=500, most_requests=200))


def test_an_answer_without_end_is_given_up():
    def ask(window, number):
        page = [Product("SPOT5", f"{number}-{n}", "", None, APRIL, "") for n in range(20)]
        return Listing(page, None, True)

    with pytest.raises(CatalogueError, match="did not end within 50 requests") as failed:
        list(complete(ask, (None, None), size=20, most_requests=50))
    assert "--since" in failed.value.hint


def test_an_answer_of_too_many_products_is_given_up():
    def ask(window, number):
        page = [Product("SPOT5", f"{number}-{n}", "", None, APRIL, "") for n in range(1000)]
        return Listing(page, None, True)

    with pytest.raises(CatalogueError, match=f"more than {MOST_PRODUCTS}"):
        list(complete(ask, (None, None), size=1000, most_requests=200))


def test_what_was_listed_before_a_failure_was_given_already():
    held = [Held(f"tie{n}", APRIL) for n in range(9)]
    pages = complete(asking(Pretend(held, counts="none"), 6), (None, None), size=6, most_requests=200)
    assert len(next(pages)) == 6
    with pytest.raises(CatalogueError):
        list(pages)


def test_a_window_is_kept_to():
    held = season(60, per_second=1)
    window = (datetime(2015, 5, 1, tzinfo=UTC), datetime(2015, 9, 1, tzinfo=UTC))
    inside = [one.id for one in held if window[0] <= one.acquired <= window[1]]
    assert sorted(read(Pretend(held, counts="none"), 7, window)) == sorted(inside)
