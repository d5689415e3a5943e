"""The terms of a subscription as options, which `subscribe` and `edit-subscription` share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from watcher.cli.options import ANY, DateType, LevelType, Percent, SiteName, TagName
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.model import Subscription, Watch

F = TypeVar("F", bound=Callable[..., Any])

_EVENTS = ["new", "revised", "withdrawn", "downloaded", "late", "health"]


class Word(click.ParamType[Any]):
    """A word that `watcher.core.agreements.terms` reads, by the function of that name."""

    def __init__(self, reader: str, words: Sequence[str] = ()) -> None:
        self.name, self._reader, self._words = reader, reader, words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the word."""
        from watcher.core.agreements import terms

        try:
            return getattr(terms, self._reader)(value)
        except UsageError as error:
            self.fail(f"{error}; {error.hint}", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Offer the words; of time zones, all that there are."""
        del ctx, param
        from zoneinfo import available_timezones

        from click.shell_completion import CompletionItem

        words = sorted(available_timezones()) if self._reader == "zone" else self._words
        return [CompletionItem(word) for word in words if word.casefold().startswith(incomplete.casefold())]


_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_OPTIONS = (
    click.option("--site", "sites", type=SiteName(), multiple=True, help="Only at this place. May be repeated."),
    click.option("--tag", "tags", type=TagName(), multiple=True, help="Only at places with this tag. May be repeated."),
    click.option("--level", "levels", type=LevelType(), multiple=True, help="Only of this level. May be repeated."),
    click.option(
        "--collection",
        "collections",
        metavar="NAME",
        multiple=True,
        help="Only of this collection; * is anything. May be repeated.",
    ),
    click.option(
        "--platform",
        "platforms",
        metavar="NAME",
        multiple=True,
        help="Only from this satellite, or family: S2A, Sentinel-2, LANDSAT_9; * is anything. May be repeated.",
    ),
    click.option(
        "--event",
        "events",
        type=click.Choice(_EVENTS, case_sensitive=False),
        multiple=True,
        help="What to hear of [default: new, revised, withdrawn]. May be repeated.",
    ),
    click.option("--max-cloud", type=Percent(), help="Only up to this cloud cover."),
    click.option(
        "--unknown-cloud",
        type=click.Choice(["pass", "refuse"], case_sensitive=False),
        help="What becomes of products whose cloud cover nobody says [default: pass].",
    ),
    click.option("--min-coverage", type=Percent(), help="Only what covers so much of the place; unknown passes."),
    click.option("--since", type=DateType(), help="Only what was acquired since."),
    click.option("--name", help="Whose it is, for the listing."),
    click.option(
        "--every",
        type=Word("every", ("pass", "hour", "day", "week")),
        metavar="pass|hour|day|week",
        help="How often: with each pass that found something, or what came as one digest [default: pass].",
    ),
    click.option(
        "--at", type=Word("time_of_day"), metavar="HH:MM", help="The time of the day of a digest [default: 08:00]."
    ),
    click.option(
        "--on", type=Word("weekday", _DAYS), metavar="DAY", help="The day of a weekly digest [default: monday]."
    ),
    click.option("--zone", type=Word("zone"), help="The time zone of all times [default: this machine's, else UTC]."),
    click.option(
        "--quiet", type=Word("quiet_hours"), metavar="FROM-TO", help="Send nothing then, but first thing afterwards."
    ),
    click.option(
        "--fields",
        type=Word("fields"),
        metavar="A,B,…",
        help="The columns of a notice, in your order: acquired, level, platform, cloud, coverage, size, change, link, "
        "file, catalogue.",
    ),
    click.option("--still/--no-still", default=None, help="A word once a week also when nothing came."),
)


def terms(function: F) -> F:
    """Give a command the options that are terms of a subscription."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


WITHOUT = (
    "site",
    "tag",
    "level",
    "collection",
    "platform",
    "event",
    "max-cloud",
    "min-coverage",
    "since",
    "name",
    "every",
    "quiet",
    "fields",
)
"""What can be taken away, so that it is as usual."""


def agreed(
    db: sqlite3.Connection, before: Subscription, given: Mapping[str, Any], without: Sequence[str] = ()
) -> Subscription:
    """Return a subscription `without` some of its terms, and with those that were given; the others stay."""
    from msgspec.structs import replace

    from watcher.core.agreements import terms as reading
    from watcher.model import Event
    from watcher.names import key
    from watcher.store import sites

    said = {name: value for name, value in given.items() if value not in (None, ())}
    terms = dict(_without(before, without))
    rhythm = terms.pop("rhythm", before.rhythm)
    if "sites" in said:
        terms["sites"] = tuple({sites.named(db, name).number: None for name in said["sites"]})
    if "tags" in said:
        terms["tags"] = tuple(dict.fromkeys(key(tag) for tag in said["tags"]))
    if "events" in said:
        terms["events"] = tuple(event for event in Event if event.value in said["events"])
    if "unknown_cloud" in said:
        terms["unknown_cloud"] = said["unknown_cloud"] == "pass"
    if "since" in said:
        terms["acquired_since"] = said["since"]
    if any(level.casefold() == ANY for level in said.get("levels", ())):
        terms["levels"] = ()
        del said["levels"]
    for name in ("levels", "collections", "platforms"):
        if name in said:
            terms[name] = tuple(dict.fromkeys(said[name]))
    terms |= {name: said[name] for name in ("max_cloud", "min_coverage", "name", "fields", "still") if name in said}
    terms["rhythm"] = reading.rhythm(
        rhythm, weekday=said.get("on"), **{name: said.get(name) for name in ("every", "at", "zone", "quiet")}
    )
    return reading.checked(replace(before, **terms))


def _without(before: Subscription, words: Sequence[str]) -> dict[str, Any]:
    from msgspec.structs import replace

    from watcher.model import ARRIVALS, Rhythm

    usual: dict[str, dict[str, Any]] = {
        "site": {"sites": None},
        "tag": {"tags": ()},
        "level": {"levels": ()},
        "collection": {"collections": ()},
        "platform": {"platforms": ()},
        "event": {"events": ARRIVALS},
        "max-cloud": {"max_cloud": None, "unknown_cloud": True},
        "min-coverage": {"min_coverage": None},
        "since": {"acquired_since": None},
        "name": {"name": ""},
        "fields": {"fields": ()},
    }
    terms: dict[str, Any] = {}
    rhythm = before.rhythm
    for word in words:
        if word == "every":
            rhythm = Rhythm(zone=rhythm.zone, quiet=rhythm.quiet)
        elif word == "quiet":
            rhythm = replace(rhythm, quiet=None)
        else:
            terms |= usual[word]
    return terms | {"rhythm": rhythm}


def doubts(
    subscription: Subscription,
    tags: Mapping[int, Collection[str]],
    watches: Sequence[Watch],
    platforms: Callable[[], Collection[str]],
) -> Iterator[str]:
    """Say what may be a slip: a tag that no site has, a level, collection or platform that nobody looks for.

    `tags` are those of the sites by number, `platforms` returns those that were seen.
    """
    from watcher.core.filters import means
    from watcher.names import near

    known = frozenset[str]().union(*tags.values())
    for tag in subscription.tags:
        if tag not in known:
            close = near(tag, known)
            way = f"; did you mean {' or '.join(close)}?" if close else f": watcher tag-site NAME {tag}"
            yield f'No site is tagged "{tag}" yet{way}'
    there = [one for one in watches if means(subscription, one.site.number, tags.get(one.site.number, ()))]
    levels = {one.level for one in there}
    for level in subscription.levels:
        if levels and None not in levels and level not in levels:
            yield f"No {level} is watched there; watched are {', '.join(sorted(filter(None, levels)))}."
    collections = {one.collection for one in watches}
    yield from _unwatched(subscription.collections, collections)
    if subscription.platforms:
        yield from _strange(subscription.platforms, platforms(), collections)


def _unwatched(patterns: Sequence[str], collections: Collection[str]) -> Iterator[str]:
    from fnmatch import fnmatchcase

    for pattern in patterns:
        if not any(fnmatchcase(name.casefold(), pattern.casefold()) for name in collections):
            watched = f"; watched are {', '.join(sorted(collections))}." if collections else " yet."
            yield f'No collection "{pattern}" is watched{watched}'


def _strange(patterns: Sequence[str], seen: Collection[str], collections: Collection[str]) -> Iterator[str]:
    """Doubt platforms that nobody knows, and those that no collection that is watched has."""
    from watcher.core.filters import of_platform
    from watcher.core.identity.missions import PLATFORMS, may_hold, named
    from watcher.names import fold, near

    for pattern in patterns:
        if any(of_platform(platform, [pattern]) for platform in seen):
            continue
        platform = named(pattern)
        if platform is None and set("*?[") & set(pattern):
            if seen:  # until then it may be anything
                yield f'No satellite "{pattern}" was seen; seen were {", ".join(seen)}.'
        elif platform is None:
            names = {fold(one): one for one in seen} | PLATFORMS
            close = list(dict.fromkeys(names[word] for word in near(pattern, names, most=6)))[:3]
            others = f"; seen were {', '.join(seen)}." if seen else "."
            yield f'No satellite "{pattern}" is known' + (f"; did you mean {' or '.join(close)}?" if close else others)
        elif collections and not any(may_hold(collection, [platform]) for collection in collections):
            yield f"Nothing of {platform} is watched; watched are {', '.join(sorted(collections))}."
