"""Which bytes of a file are there."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.core.archive.spans import Span, joined, length, missing, piece, prefix, within

SIZE = 60
SOME = st.lists(st.tuples(st.integers(-5, SIZE + 5), st.integers(-5, SIZE + 5)), max_size=8)


def bytes_of(spans: list[Span]) -> set[int]:
    return {at for first, end in spans for at in range(first, end)}


@settings(max_examples=200)
@given(SOME)
def test_spans_are_sets_of_bytes(spans: list[Span]) -> None:
    whole = joined(spans)
    assert bytes_of(list(whole)) == bytes_of(spans)
    assert all(one[1] < other[0] for one, other in pairwise(whole)), "they touch"
    inside = within(spans, SIZE)
    there = bytes_of(spans) & set(range(SIZE))
    assert bytes_of(list(inside)) == there
    assert length(inside) == len(there)
    assert bytes_of(list(missing(inside, SIZE))) == set(range(SIZE)) - there
    assert prefix(inside) == next(at for at in range(SIZE + 1) if at not in there)


@settings(max_examples=200)
@given(SOME, st.integers(1, 5), st.integers(1, 9))
def test_pieces_are_handed_out_in_order_until_nothing_is_left(spans: list[Span], streams: int, least: int) -> None:
    taken, handed = within(spans, SIZE), []
    while (span := piece(taken, SIZE, streams=streams, least=least, most=2 * least)) is not None:
        assert missing(taken, SIZE)[0][0] == span[0]
        assert not bytes_of([span]) & bytes_of(list(taken))
        assert length((span,)) < 3 * least
        handed.append(span)
        taken = joined([*taken, span])
    assert handed == sorted(handed)
    assert taken == ((0, SIZE),)


def test_pieces_become_smaller_towards_the_end_so_that_streams_end_together() -> None:
    taken, sizes = (), []
    while (span := piece(taken, 1000, streams=4, least=10, most=100)) is not None:
        sizes.append(span[1] - span[0])
        taken = joined([*taken, span])
    assert sizes[0] == 100
    assert sizes[:-1] == sorted(sizes[:-1], reverse=True)
    assert max(sizes[-4:]) < 20
