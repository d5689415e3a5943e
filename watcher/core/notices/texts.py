"""A notice as plain text: whole, for mail and terminals, and short, for chats."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from watcher.core.notices.drafts import LATE, Draft, Place
from watcher.core.wording import Lines, calm, tame
from watcher.model import Short

_LINES = 3
"""So many arrivals of each site stand in a short notice."""

_ROWS = 8
"""So many sites of a flood stand in a short notice."""


def text(draft: Draft, last: Sequence[str]) -> str:
    """Write all of a draft as text, with these lines at its end."""
    lines: list[str] = [LATE, ""] if draft.late else []
    for title, body in draft.warnings:
        lines += [title, *(f"  {line}" for line in body), ""]
    if draft.flood:
        lines += [*draft.flood.sentences, ""]
        lines += [f"  {name}: {what}; acquired {span}; {size}" for name, what, span, size in draft.flood.sites]
        lines += ["", *draft.flood.advice, ""]
    for place in draft.places:
        lines += [place.name, ""]
        for arrival in place.arrivals:
            lines.append(f"  {arrival.what}: {arrival.title}")
            lines += [f"    {line}" for line in (arrival.facts, arrival.link, arrival.where) if line]
            lines.append("")
    stop = [f"Unsubscribe: {draft.unsubscribe}"] if draft.unsubscribe else []
    return calm("\n".join([*lines, "-- ", *last, *stop, ""]))


def short(draft: Draft) -> Short:
    """Write a draft for a chat: blocks, of which as many are shown as there is room for, and an end for each number.

    The end says how many arrivals are not shown, and where to read of them.
    """
    blocks: list[tuple[str, int]] = [(LATE, 0)] if draft.late else []
    blocks += [(tame("\n".join([title, *body])), 0) for title, body in draft.warnings]
    if draft.flood:
        blocks.append((tame("\n".join(draft.flood.sentences[:-1])), 0))
        blocks += [(f"• {tame(name)}: {tame(what)}", 0) for name, what, _, _ in draft.flood.sites[:_ROWS]]
    else:
        blocks += [block for place in draft.places for block in _blocks(place)]
    ends, left = [], draft.total
    for _, arrivals in [("", 0), *blocks]:
        left -= arrivals
        more = [f"{'all of them' if draft.flood else f'and {left:,} more'}: {_where(draft)}"] if left else []
        ends.append("\n".join([*more, *map(calm, draft.stop)]))
    return Short(tuple(block for block, _ in blocks), tuple(ends))


def _blocks(place: Place) -> list[tuple[str, int]]:
    shown = [(_line(arrival), 1) for arrival in place.arrivals[:_LINES]]
    return [(f"{tame(place.name)}\n{shown[0][0]}", 1), *shown[1:]]


def _line(arrival: Lines) -> str:
    facts = arrival.facts.removeprefix("acquired ")
    return f"• {tame(arrival.what)}: {tame(facts)}\n  {arrival.link or tame(arrival.title)}"


def _where(draft: Draft) -> str:
    names = {place.name for place in draft.places}
    if draft.flood is None and len(names) == 1:
        return f"watcher products --site {tame(shlex.quote(names.pop()))}"
    return tame(draft.flood.advice[0].partition(": ")[2]) if draft.flood else "watcher products"
