"""Why nothing was heard of a place on a day, as a colleague would say it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from watcher.cli import Context
from watcher.cli.options import DateType, SiteName
from watcher.cli.output import json_option, several, show_json
from watcher.cli.told.deliveries import named
from watcher.cli.told.why import as_plain, heard, subscribers
from watcher.names import plain

if TYPE_CHECKING:
    from watcher.tasks.stories import Story
    from watcher.tasks.stories.days import Asked, Day
    from watcher.tasks.stories.hearing import Hearer

_SHOWN = 20
"""So many products are told of one by one."""

_OTHERS = "not announced: the terms were others then."


@click.command("why-not")
@click.argument("site", type=SiteName())
@click.argument("date", type=DateType())
@click.option("--for", "address", metavar="ADDRESS|ID", help="Only what concerns this address or subscription.")
@json_option
@click.pass_obj
def why_not(context: Context, site: str, date: datetime, address: str | None, as_json: bool) -> None:
    """Say why nothing was heard of a SITE on a DATE (the day in UTC).

    Whether the catalogues were asked that day, and how it went; what they listed for the first time, and what the
    watches and subscriptions made of it; what was acquired that day, whenever it was listed; and who was to hear of it.

    \b
    Examples:
      watcher why-not Litchfield 2026-11-28
      watcher why-not Litchfield 2026-11-28 --for you@example.org
    """
    from watcher.store import sites
    from watcher.tasks.stories.days import day
    from watcher.wiring import now

    parts = context.parts
    db = parts.db()
    place = sites.named(db, site)
    wanted = named(parts, db, address)
    only = None if wanted is None else {one.number for one in wanted}
    start = date.replace(hour=0, minute=0, second=0, microsecond=0)
    moment = now()
    told = day(db, place, start, subscribers(parts, db), only=only, now=moment)
    if as_json:
        from msgspec import to_builtins
        from msgspec.structs import asdict

        lists = {"listed": [as_plain(one) for one in told.listed], "acquired": [as_plain(one) for one in told.acquired]}
        rest = {name: to_builtins(value) for name, value in asdict(told).items() if name not in lists}
        show_json({"answer": _answer(told, moment), **rest, **lists})
        return
    click.echo(f"{plain(place.name)} on {start:%Y-%m-%d} (UTC): {_answer(told, moment)}")
    for line in _lines(told) if start <= moment else ():
        click.echo(f"  {plain(line, limit=1000)}")


def _answer(told: Day, now: datetime) -> str:
    """Say in a sentence what it comes down to."""
    answer, later = _came(told, now), _hearers(told.acquired)
    sent = sum(one.state == "sent" for one in later)
    if sent:
        return f"{answer}; what was acquired that day was told of later, {several(sent, 'time')}."
    if told.acquired:
        return f"{answer}; {several(len(told.acquired), 'product')} acquired that day came to be seen on another."
    return f"{answer}."


def _came(told: Day, now: datetime) -> str:
    end, hearers = told.start + timedelta(days=1), _hearers(told.listed)
    sent = sum(one.state == "sent" for one in hearers)
    if sent:
        return f"something was heard, {several(sent, 'time')}"
    if told.start > now:
        return "that day is still to come"
    if told.added >= end or (told.watches and all(watch.added >= end for watch in told.watches)):
        return "it was not watched yet"
    if not told.watches:
        return "nothing watches it any more"
    if told.paused is not None and told.paused < end and not told.listed:
        return "it was paused, so no catalogue was asked for it"
    waiting = Counter(one.state for one in hearers if one.rule is None)
    if waiting:
        return f"what came has not been told of: {', '.join(f'{count} {state}' for state, count in waiting.items())}"
    if told.listed:
        reasons = Counter(_rule(story) for story in told.listed)
        said = ", ".join(
            f"{count} by {reason}" if len(reasons) > 1 else f"by {reason}" for reason, count in reasons.items()
        )
        return (
            f"{several(len(told.listed) + told.more, 'product')} came to be seen, and nobody was told: kept back {said}"
        )
    return _unlisted(told, end)


def _hearers(listed: Sequence[Story]) -> list[Hearer]:
    return [one for story in listed for here in story.sites for there in here.arrivals for one in there.hearers]


def _unlisted(told: Day, end: datetime) -> str:
    if all(not one.polls for one in told.asked):
        known = any(one.known for one in told.asked)
        return "no catalogue was asked" if known else "what was asked then is not remembered"
    if all(not one.well for one in told.asked):
        return "no catalogue could be read"
    if all(watch.baselined is None or watch.baselined >= end for watch in told.watches):
        return "its first poll was not complete yet; what that finds is remembered, not announced"
    return "the catalogues were read, and listed nothing new there"


def _rule(story: Story) -> str:
    """Name what kept a product from everybody."""
    for here in story.sites:
        rules = [one.rule for there in here.arrivals for one in there.hearers if one.rule]
        if rules:
            return f"the filters of those who subscribe ({', '.join(dict.fromkeys(rules))})"
        if here.arrivals:
            return "nobody's subscribing"
        refused = [one.refused.by for one in here.watches if one.refused is not None]
        if refused and not here.taken:
            by = dict.fromkeys(refused)
            return "the baseline" if list(by) == ["baseline"] else f"the filter of the watch ({', '.join(by)})"
        if here.others:
            return "the acquisition's being known from another catalogue"
    return "terms that were others then"


def _lines(told: Day) -> Iterator[str]:
    end = told.start + timedelta(days=1)
    yield from _watching(told, end)
    for asked in told.asked:
        yield from _asked(asked)
    yield from _products(told.listed, "Seen for the first time, or announced, that day:")
    yield from _products(told.acquired, "Acquired that day, but seen on another:")
    if told.more:
        yield f"… and {told.more:,} more."
    if not told.acquired and not any(_within(story, told.start, end) for story in told.listed):
        yield "Nothing that was acquired that day has been listed there so far."
    for title, hearer in told.waiting[:_SHOWN]:
        yield f"Still owed that day: {title}, {heard(hearer)}"
    yield from _subscribers(told, end)


def _watching(told: Day, end: datetime) -> Iterator[str]:
    from watcher.tasks.stories.hearing import time

    if told.added >= told.start:
        yield f"It is watched since {time(told.added)}."
    if told.paused is not None:
        yield f"It is paused since {time(told.paused)}: watcher resume-site {shlex.quote(told.site)}."
    for watch in told.watches:
        if watch.added >= end:
            yield f"The watch {watch.watch} was added after that, on {time(watch.added)}."
        elif watch.baselined is None:
            yield f"The watch {watch.watch} has no baseline yet: no poll of it was complete."
        elif watch.baselined >= told.start:
            yield (
                f"The watch {watch.watch} had its first complete poll on {time(watch.baselined)}:"
                " what was listed until then is remembered, not announced."
            )


def _subscribers(told: Day, end: datetime) -> Iterator[str]:
    from watcher.tasks.stories.hearing import time

    if not told.subscriptions:
        yield f"Nobody subscribes to it: watcher subscribe you@example.org --site {shlex.quote(told.site)}"
    for one in told.subscriptions:
        if one.added >= end:
            yield f"{one.address} (subscription {one.subscription}) subscribes since {time(one.added)}, after that."
        if one.muted is not None and one.muted > told.start:
            yield f"{one.address} (subscription {one.subscription}) is muted until {time(one.muted)}."


def _asked(asked: Asked) -> Iterator[str]:
    from watcher.tasks.stories.hearing import time

    if not asked.polls:
        if asked.known:
            yield f"{asked.catalogue} was not asked that day: did watcher run?"
        elif asked.first is None:
            yield f"{asked.catalogue} has never been asked."
        else:
            yield f"{asked.catalogue}: polls before {time(asked.first)} are not remembered."
        return
    well = "each time well" if asked.well == asked.polls else f"{several(asked.well, 'time')} well"
    yield f"{asked.catalogue} was asked {several(asked.polls, 'time')} that day, {well}."
    for one in asked.failures[:_SHOWN]:
        span = f"at {one.first:%H:%M}" if one.count == 1 else f"from {one.first:%H:%M} to {one.last:%H:%M}"
        yield f"{several(one.count, 'poll')} failed, {span}: {one.problem}"


def _products(listed: Sequence[Story], heading: str) -> Iterator[str]:
    """Tell of products, those together of which there is the same to tell."""
    if listed:
        yield heading
    alike: dict[str, list[Story]] = {}
    for story in listed:
        alike.setdefault(_outcome(story), []).append(story)
    for outcome, stories in list(alike.items())[:_SHOWN]:
        more = f" and {len(stories) - 3:,} more" if len(stories) > 3 else ""
        yield f"- {', '.join(_named(story) for story in stories[:3])}{more}: {outcome}"
    if len(alike) > _SHOWN:
        yield f"- and {len(alike) - _SHOWN:,} more (watcher why PRODUCT tells of each; --json has all)"


def _named(story: Story) -> str:
    product = story.product
    facts = [*([f"cloud {product.cloud:.0f} %"] if product.cloud is not None else []), f"seen {story.seen:%m-%d %H:%M}"]
    return f"{product.title or product.id} ({', '.join(facts)})"


def _outcome(story: Story) -> str:
    said = []
    for here in story.sites:
        for there in here.arrivals:
            said += [heard(one) for one in there.hearers] or [f"{there.arrival.event}, and nobody subscribes"]
        if not here.arrivals:
            refused = [one.refused for one in here.watches if one.refused is not None and not here.taken]
            # That the watch of another level does not take it explains nothing, where one of its level is.
            refused = [one for one in refused if one.by != "level"] or refused
            said += [one.text for one in refused]
            said += [f"{other.title} in {other.catalogue} was told of before" for other in here.others if here.taken]
    return "; ".join(dict.fromkeys(one.rstrip(".") for one in said)) + "." if said else _OTHERS


def _within(story: Story, start: datetime, end: datetime) -> bool:
    acquired = story.product.acquired
    return acquired is not None and start <= acquired < end
