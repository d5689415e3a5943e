"""A notice in words, before anything is laid out: what is told one by one, what is summed up, which pictures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec

from watcher.core.notices.floods import Flood, flood
from watcher.core.notices.strips import MOST, Frame, Shot, strips
from watcher.core.notices.subjects import events, headline, subject_of
from watcher.core.wording import Lines, Told, Warned, lines
from watcher.model import Event
from watcher.names import fold, plain

FULL = 100
"""As many arrivals are told of one by one: more, and mail programs cut the page off (Gmail at 102 KB)."""

NEWEST = 20
"""So many are told of when there are more than `FULL`."""

LATE = "Delivered late: this waited because it could not be sent before."


class Place(msgspec.Struct, frozen=True):
    """A site in a notice: its name, what arrived there, and the filmstrip."""

    name: str
    arrivals: list[Lines]
    strip: list[Frame]


class Draft(msgspec.Struct, frozen=True):
    """A notice in words. `key` tells it from every other.

    `warnings` are alerts, each a title and lines. `total` is how many arrivals it tells of, `events` the same in words,
    by event; they stand at `places` one by one, or summed up in `flood`. `stop` says how to hear no more, `unsubscribe`
    is an address on the web that does it. `follows` are the keys of earlier notices that this one goes on with, oldest
    first; `again` says that it was tried before.
    """

    key: str
    subject: str
    total: int
    events: str
    warnings: list[tuple[str, list[str]]]
    places: list[Place]
    flood: Flood | None
    late: bool
    stop: list[str]
    unsubscribe: str | None
    follows: tuple[str, ...]
    again: bool


def draft(
    arrivals: Sequence[Told],
    alerts: Sequence[Warned] = (),
    *,
    key: str,
    footer: str = "",
    fields: Sequence[str] = (),
    late: bool = False,
    unsubscribe: str | None = None,
    follows: Sequence[str] = (),
    again: bool = False,
) -> Draft:
    """Put these arrivals and alerts into the words of one notice; alerts come first.

    `fields` are what is said of each product (`watcher.core.wording.FIELDS`), `footer` says how to stop these notices.
    Sites stand in alphabetical order, their newest acquisitions first. Raises `ValueError` when there is nothing to
    tell.
    """
    if not arrivals and not alerts:
        raise ValueError("there is nothing to tell: a notice needs an arrival or an alert")
    told = [arrivals[place] for place in _singled(arrivals)]
    warnings = _warnings(alerts)
    subject = subject_of(arrivals, late=late) if arrivals else headline(warnings[0][0], late=late)
    return Draft(
        key=key,
        subject=subject,
        total=len(arrivals),
        events=events(arrivals),
        warnings=warnings,
        places=_places(told, fields),
        flood=flood(arrivals, shown=len(told)) if len(told) < len(arrivals) else None,
        late=late,
        stop=[line for line in map(plain, footer.splitlines()) if line],
        unsubscribe=unsubscribe,
        follows=tuple(follows),
        again=again,
    )


def leading(arrivals: Sequence[Told]) -> list[int]:
    """Return the places of those arrivals that want a clear look from before beside them: of each site the newest."""
    sites: dict[str, int] = {}
    for place in _singled(arrivals):
        arrival = arrivals[place]
        if arrival.product.quicklook and arrival.event is not Event.WITHDRAWN:
            sites.setdefault(arrival.site, place)
    return list(sites.values())[:MOST]


def _singled(arrivals: Sequence[Told]) -> list[int]:
    """Return the places of the arrivals that are told of one by one: all, or of too many the newest; newest first."""
    # Sorts are stable: of one acquisition what is processed furthest comes first, then it goes by name.
    newest = sorted(range(len(arrivals)), key=lambda place: arrivals[place].product.title)
    newest.sort(key=lambda place: arrivals[place].product.level or "", reverse=True)
    newest.sort(key=lambda place: _age(arrivals[place]))
    return newest if len(newest) <= FULL else newest[:NEWEST]


def shots(draft: Draft) -> list[Shot]:
    """Return the quicklooks that a notice would like to show, those that matter most first."""
    frames = [frame for place in draft.places for frame in place.strip]
    return [frame.shot for frame in sorted(frames, key=lambda frame: frame.before)]


def _places(told: Sequence[Told], fields: Sequence[str]) -> list[Place]:
    # The sort is stable: within a site they stay newest first.
    sites = sorted(told, key=lambda arrival: (fold(arrival.site), arrival.site))
    groups = [(site, list(group)) for site, group in groupby(sites, key=lambda arrival: arrival.site)]
    return [
        Place(plain(site, limit=100), [lines(arrival, fields) for arrival in group], strip)
        for (site, group), strip in zip(groups, strips([group for _, group in groups]), strict=True)
    ]


def _warnings(alerts: Sequence[Warned]) -> list[tuple[str, list[str]]]:
    """Say what is wrong, the first `NEWEST` in full; of more than that the titles, as many as a notice may have."""
    shown, rest = alerts[:NEWEST], alerts[NEWEST:]
    told = [_warning(alert) for alert in shown]
    if rest:
        titles = [plain(alert.title) for alert in rest[:FULL]]
        more = [f"and {len(rest) - FULL} more"] if len(rest) > FULL else []
        told.append((f"{len(rest)} more:", [*titles, *more, "→ watcher status"]))
    return told


def _warning(alert: Warned) -> tuple[str, list[str]]:
    words = [*alert.body.splitlines(), *([f"→ {alert.hint}"] if alert.hint else [])]
    return plain(alert.title), [plain(line, limit=1000) for line in words]


def _age(arrival: Told) -> float:
    acquired = arrival.product.acquired
    return -acquired.timestamp() if acquired else float("inf")
