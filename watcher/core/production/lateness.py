"""What is to be said when something is later than its history explains, and how to know it again.

Only what came to be late while it was looked at is news, and only for a month. Where more than a few of one production
are late, that is said once.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from watcher.core.moments import roughly
from watcher.core.production import Step
from watcher.core.production.expected import Expected
from watcher.core.production.progress import Awaited, Line, Looked
from watcher.model import Level, Product
from watcher.names import plain

FEW = 5
"""So many late products of one production are told of one by one."""

OLD = timedelta(days=30)
"""What has been late for longer was not noticed then, and is history."""


class Late(msgspec.Struct, frozen=True):
    """Something late: what it is known by (`topic`), what to say, and the product that should have come."""

    topic: str
    title: str
    body: str
    product: Product


class Review(msgspec.Struct, frozen=True):
    """What is late, and the topics of all that may stay so: what is no longer among them has come, or never will."""

    late: Sequence[Late]
    topics: frozenset[str]


def review(
    site: str,
    lines: Iterable[Line],
    passes: Iterable[Expected],
    looked: Sequence[Looked],
    *,
    names: Mapping[int, tuple[str, str]],
    raised: Container[str],
    now: datetime,
) -> Review:
    """Say what is late at a site.

    `names` are the catalogue and the name of each collection by number; `raised` has the topics that people were told
    of and that are still so.
    """
    reviews = [_line(site, line, names[line.collection], raised, now) for line in lines]
    reviews += [_pass(site, one, looked, names) for one in passes if one.overdue]
    return Review(
        [late for one in reviews for late in one.late],
        frozenset(topic for one in reviews for topic in one.topics),
    )


def sentence(one: Awaited) -> str:
    """Say since when something is awaited, and what that is later than if it is overdue."""
    level = plain(one.source.level or "source", limit=20)
    if one.since is None or one.age is None:
        return f"its {level} was there before anybody looked"
    late = f", {one.limit.words}" if one.overdue and one.limit is not None else ""
    since, age = one.since.astimezone(UTC), timedelta(seconds=one.age)
    return f"awaited for {roughly(age)}{late}; its {level} came {since:%Y-%m-%d %H:%M} UTC"


def _line(site: str, line: Line, name: tuple[str, str], raised: Container[str], now: datetime) -> Review:
    whole = "/".join((site, *name, line.level))
    late = [one for one in line.awaited if one.overdue]
    topics = {f"{whole}/{one.acquisition.key}" for one in line.awaited} | ({whole} if late else set())
    news = [one for one in late if line.began is not None and _news(one, line.began, now)]
    if not news or whole in raised:
        return Review([], frozenset(topics))
    if len(news) <= FEW:
        told = [
            Late(
                f"{whole}/{one.acquisition.key}",
                plain(f"{line.level} of {_day(one.acquisition.acquired)} at {site} is overdue"),
                f"{_capital(sentence(one))}\n{plain(one.source.title)}",
                _missing(one.source, name[1], line.level, one.acquisition.acquired),
            )
            for one in news
        ]
        return Review(told, frozenset(topics))
    oldest, newest = news[0], news[-1]
    days = f"{_day(oldest.acquisition.acquired)} to {_day(newest.acquisition.acquired)}"
    several = Late(
        whole,
        plain(f"{len(news):,} {line.level} at {site} are overdue, in {' '.join(name)}"),
        f"Of {days}; the oldest is {sentence(oldest)}",
        _missing(oldest.source, name[1], line.level, oldest.acquisition.acquired),
    )
    return Review([several], frozenset(topics))


def _news(one: Awaited, began: datetime, now: datetime) -> bool:
    """Say whether something came to be late since it is looked at, and not long ago."""
    if one.since is None or one.limit is None:
        return False
    due = one.since + timedelta(seconds=one.limit.seconds)
    return due > began and now - due <= OLD


def _pass(site: str, one: Expected, looked: Sequence[Looked], names: Mapping[int, tuple[str, str]]) -> Review:
    brought = one.track.brought
    began = min((look.began for look in looked if look.collection == brought.collection and look.began), default=None)
    if began is None or one.at <= began:
        return Review([], frozenset())
    sensor = one.track.sensor.words
    late = Late(
        f"{site}/{sensor}/{_day(one.at)}",
        plain(f"{sensor} of {_day(one.at)} at {site} is overdue: nothing of it is there"),
        f"{one.track.hits:,} of {one.track.chances:,} passes before brought something, {100 * one.share:.0f} % sooner",
        _missing(brought, names[brought.collection][1], brought.level, one.at),
    )
    return Review([late], frozenset({late.topic}))


def _missing(like: Step, collection: str, level: Level | None, acquired: datetime) -> Product:
    """Return the product that should have come, as far as the filters of a subscription ask."""
    return Product(
        collection=collection,
        id="",
        title="",
        level=level,
        acquired=acquired,
        revision="",
        cloud=like.cloud,
        platform=like.platform,
        instrument=like.instrument,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _day(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d}"
