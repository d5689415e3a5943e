"""The story of one product, as a colleague would tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.naming import known_as, unseen
from watcher.cli.output import json_option, show_json
from watcher.cli.told.deliveries import named, shown_by_address
from watcher.names import plain

if TYPE_CHECKING:
    import sqlite3

    from watcher.store.stories import Files
    from watcher.tasks.stories import Here, Story
    from watcher.tasks.stories.hearing import Hearer, People
    from watcher.wiring import Parts


@click.command()
@click.argument("product")
@click.option("--for", "address", metavar="ADDRESS|ID", help="Only what became of it for this address or subscription.")
@json_option
@click.pass_obj
def why(context: Context, product: str, address: str | None, as_json: bool) -> None:
    """Tell the story of one PRODUCT, named by its title or id, or by the path of its file.

    Which poll listed it first, which sites it lies at and how much of them it covers, which watch took it and which did
    not, who was told of it, when and with what answer, who was not, and why; and where its files are. The rules are
    those of today: where they were changed since, that is said.

    \b
    Examples:
      watcher why SPOT5_HRG1_XS_20150525_N2A_PornicD0000B0000
      watcher why SPOT5_HRG1_XS_20150525_N2A_PornicD0000B0000 --for you@example.org
    """
    from watcher.store import stories
    from watcher.tasks.stories import story
    from watcher.wiring import now

    parts = context.parts
    db = parts.db()
    people = subscribers(parts, db)
    wanted = named(parts, db, address)
    only = None if wanted is None else {one.number for one in wanted}
    numbers = stories.revisions(db, known_as(db, product))
    if not numbers:
        raise unseen(db, product, way="watcher why-not SITE DATE says why nothing was heard")
    told = [story(db, number, people, only=only, now=now()) for number in numbers]
    if as_json:
        show_json([as_plain(one) for one in told])
        return
    for place, one in enumerate(told, start=1):
        if place > 1:
            click.echo()
        for line in lines(one, f", processing {place} of {len(told)}" if len(told) > 1 else ""):
            click.echo(line)


def subscribers(parts: Parts, db: sqlite3.Connection) -> People:
    """Return who is subscribed, and how they may be shown."""
    from watcher.store import sites, subscriptions
    from watcher.store.locks import holder
    from watcher.tasks.stories.hearing import People

    working = holder(parts.state / "notify.lock") is not None
    shown = shown_by_address(parts, db)
    return People(subscriptions.every(db), subscriptions.added(db), shown, sites.tags(db), working)


def lines(story: Story, which: str) -> list[str]:
    """Put a story into sentences; `which` says which processing of several it is."""
    from watcher.core.wording import bytes_word, volume
    from watcher.tasks.stories.hearing import time

    product = story.product
    size = bytes_word(volume(product)) or "size unknown"
    facts = [
        f"{product.level or 'a product'} of {product.collection} in {story.catalogue}",
        f"acquired {time(product.acquired)}" + (f" by {product.platform}" if product.platform else ""),
        "cloud unknown" if product.cloud is None else f"cloud {product.cloud:.0f} %",
        size,
    ]
    told = [f"{plain(product.title or product.id)}{which}", f"  {plain(', '.join(facts), limit=400)}."]
    if product.published is not None:
        told.append(f"  {story.catalogue} says that it published it on {time(product.published)}.")
    told.append(f"  watcher saw it first on {time(story.seen)}{_poll(story)}.")
    if story.replaced:
        told.append(f"  A newer processing has replaced it: {plain(story.replaced)}.")
    if not story.sites:
        told.append("  It lies at no site that is watched now.")
    for here in story.sites:
        told += ["", f"At {plain(here.site)}", *(f"  {plain(line, limit=1000)}" for line in _here(here))]
    told += ["", "Its files", *(f"  {plain(line, limit=1000)}" for line in _files(story.files))]
    return told


def _poll(story: Story) -> str:
    if story.poll is not None:
        listed = f"{story.poll.listed:,} listed, {story.poll.arrived:,} arrived"
        return f", in the poll of {story.catalogue} that began at {story.poll.started:%H:%M:%S} ({listed})"
    if story.forgotten:
        return ", in a poll that is no longer remembered: the newest thousand are"
    return ", when all that is watched was listed again (watcher audit)"


def _here(here: Here) -> list[str]:
    from watcher.tasks.stories.hearing import time

    told = [
        f"The watch {one.watch} " + ("takes it." if one.refused is None else f"does not take it: {one.refused.text}.")
        for one in here.watches
    ] or ["Nothing watches for it there any more."]
    if here.missing is not None:
        told.append(f"It has not been listed there since {time(here.missing)}.")
    told += [
        f"{other.title} in {other.catalogue}, of the same acquisition, was told of on {time(other.arrived)}."
        for other in here.others
    ]
    for there in here.arrivals:
        arrival = there.arrival
        covers = "" if arrival.coverage is None else f" It covers {arrival.coverage:.0f} % of the site."
        cause = f": {arrival.cause}" if arrival.cause else ""
        told.append(f"It was announced as {arrival.event} on {time(arrival.arrived)}{cause}.{covers}")
        told += [f"- {heard(one)}" for one in there.hearers] or ["- Nobody subscribes to anything."]
    return told if here.arrivals else [*told, _unannounced(here)]


def heard(one: Hearer) -> str:
    """Tell what became of an arrival for one address, as a sentence."""
    told = f"not told: {one.text}" if one.rule else one.text
    return f"{one.address} (subscription {one.subscription}): {told}."


def _unannounced(here: Here) -> str:
    if not here.taken:
        return "So it was not announced there, and nobody was told."
    if here.others:
        return "So it was not announced once more: an acquisition is told of once, from the first catalogue to have it."
    return "It was not announced there: when it was seen the terms of its watch were others, or it was listed twice."


def _files(files: Files | None) -> list[str]:
    from watcher.core.wording import bytes_word
    from watcher.tasks.stories.hearing import time

    if files is None:
        return ["They were never wanted (watcher download PRODUCT)."]
    wanted = f"Wanted since {time(files.wanted)}"
    if files.stored is not None:
        proof = f"{bytes_word(files.size or 0)}, verified: {files.verified}"
        return [f"Wanted on {time(files.wanted)}, stored on {time(files.stored)} ({proof}): {files.path}"]
    if files.held == "approval":
        return [f"{wanted}, and waiting for approval (watcher approve)."]
    if files.held == "refused":
        return [f"{wanted}, and refused: {files.problem or 'by hand'}."]
    if files.dropped is not None and files.due is None:
        return [f"Wanted on {time(files.wanted)}, removed on {time(files.dropped)} by the limits of the archive."]
    problem = f": {files.problem}" if files.problem else ""
    if files.given_up is not None:
        return [f"{wanted}, given up on {time(files.given_up)}{problem}."]
    tries = f", after {files.attempts} tries that failed" if files.attempts else ""
    return [
        f"{wanted}, due {time(files.due)}{tries}{problem}." if files.due else f"{wanted} by a poll that is not over."
    ]


def as_plain(story: Story) -> dict[str, Any]:
    """Return a story as JSON has it."""
    from msgspec import to_builtins

    product = story.product
    facts = ("title", "id", "collection", "level", "platform", "acquired", "published", "cloud")
    return {
        **{name: getattr(product, name) for name in facts},
        "catalogue": story.catalogue,
        "seen": story.seen,
        "poll": to_builtins(story.poll),
        "replaced_by": story.replaced,
        "sites": to_builtins(story.sites),
        "files": to_builtins(story.files),
    }
