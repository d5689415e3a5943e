"""The terms of a subscription as options, which `subscribe` and `edit-subscription` share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from watcher.cli.options import DateType, LevelType, Percent, SiteName, TagName
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.model import Subscription

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
        "--collection", "collections", metavar="NAME", multiple=True, help="Only of this collection; * is anything."
    ),
    click.option(
        "--platform", "platforms", metavar="NAME", multiple=True, help="Only from this satellite; * is anything."
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


def doubts(subscription: Subscription, tags: Collection[str], collections: Collection[str]) -> Iterator[str]:
    """Say what may be a slip: a tag that no site has, a collection that is not watched."""
    from fnmatch import fnmatchcase

    from watcher.names import near

    for tag in subscription.tags:
        if tag not in tags:
            close = near(tag, tags)
            way = f"; did you mean {' or '.join(close)}?" if close else f": watcher tag-site NAME {tag}"
            yield f'No site is tagged "{tag}" yet{way}'
    for pattern in subscription.collections:
        if not any(fnmatchcase(name.casefold(), pattern.casefold()) for name in collections):
            watched = f"; watched are {', '.join(sorted(collections))}." if collections else " yet."
            yield f'No collection "{pattern}" is watched{watched}'
