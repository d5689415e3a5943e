"""Which bytes of a file are there: spans of it, each from its first byte to the one after its last. Pure."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]
Spans = tuple[Span, ...]
"""Spans in the order of the file; they neither overlap nor touch."""


def joined(spans: Iterable[Span]) -> Spans:
    """Put spans in order, and those that overlap or touch together; empty ones are left out."""
    whole: list[Span] = []
    for first, end in sorted(spans):
        if end <= first:
            continue
        if whole and first <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((first, end))
    return tuple(whole)


def within(spans: Iterable[Span], size: int) -> Spans:
    """Return what of the spans lies in a file of `size` bytes."""
    return joined((max(0, first), min(end, size)) for first, end in spans)


def missing(spans: Spans, size: int) -> Spans:
    """Return what of a file of `size` bytes is in none of the spans."""
    gaps, at = [], 0
    for first, end in spans:
        gaps.append((at, first))
        at = end
    return joined([*gaps, (at, size)])


def prefix(spans: Spans) -> int:
    """Return how many bytes from the start are there without a gap."""
    return spans[0][1] if spans and spans[0][0] == 0 else 0


def length(spans: Spans) -> int:
    """Return how many bytes these are in all."""
    return sum(end - first for first, end in spans)


def piece(taken: Spans, size: int, *, streams: int, least: int, most: int) -> Span | None:
    """Choose the bytes that one of several streams fetches next; `None` when all are taken.

    Pieces are handed out in the order of the file, so that a digest can follow, and become smaller towards its end, so
    that the streams end together: two thirds of an even share of what is left, between `least` and `most` bytes.
    """
    free = missing(taken, size)
    if not free:
        return None
    first, end = free[0]
    wanted = min(max(2 * length(free) // (3 * streams), least), most)
    return (first, end) if end - first < wanted + least // 2 else (first, first + wanted)
