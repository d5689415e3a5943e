"""A place is watched no more, or no longer for everything that it was watched for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from watcher.cli import Context
from watcher.cli.options import ANY, CatalogueName, LevelType, SiteName
from watcher.cli.output import several
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.model import Level, Subscription, Watch


@click.command("remove-site")
@click.argument("name", type=SiteName())
@click.option("--catalogue", type=CatalogueName(), help="Only what is watched in this catalogue.")
@click.option(
    "--collection", "collections", metavar="NAME", multiple=True, help="Only this collection. May be repeated."
)
@click.option(
    "--level",
    "levels",
    type=LevelType(),
    multiple=True,
    help="Only this level, as `watcher sites` lists it. May be repeated.",
)
@click.pass_obj
def remove_site(
    context: Context, name: str, catalogue: str | None, collections: tuple[str, ...], levels: tuple[Level, ...]
) -> None:
    """Watch a place no more, or no longer for some of what it is watched for.

    What was downloaded stays. Notices of it that were not sent yet are dropped, and files of it that are not there yet
    are no longer wanted, unless something else that is watched takes them, or they were asked for by name (`download`).
    Once nothing of a place is watched, what was seen there is forgotten; until then it stays listed. A level that is
    added again begins with a first poll of its own.

    \b
    Examples:
      watcher remove-site Litchfield
      watcher remove-site Litchfield --level L1C
      watcher remove-site Toulouse --catalogue cdse --collection sentinel-2-l2a
    """
    from watcher.cli.watched.levels import terms
    from watcher.store import sites, subscriptions, watching
    from watcher.store.connection import writing

    db = context.parts.db()
    with writing(db):
        site = sites.named(db, name)
        here = watching.watches(db, at=[site.number], paused=True)
        ended = [watch for watch in here if _meant(watch, catalogue, collections, levels)]
        if here and not ended:
            raise UsageError(
                f"{site.name} is not watched for that", hint=f"it is watched: {'; '.join(map(terms, here))}"
            )
        left = [watch for watch in here if watch not in ended]
        tags = sites.tags(db)
        heard = _hearing(subscriptions.every(db), ended, tags)
        owed, unwanted = watching.end(db, ended, download_levels=context.parts.config.download_levels())
        owed += 0 if left else sites.remove(db, site)
        rest = watching.watches(db, paused=True)
        still = {one.number for one in _hearing(heard, rest, tags)}
        alone = {one.number for one in subscriptions.every(db) if one.sites == () and not one.tags}
    deaf = [one for one in heard if one.number not in still and (rest or one.number in alone)]
    for watch in ended if left else ():
        click.echo(f"{site.name} is no longer watched: {terms(watch)}")
    for watch in left:
        click.echo(f"{site.name} stays watched: {terms(watch)}")
    if not left:
        click.echo(f"{site.name} is no longer watched.")
    for subscription in deaf:
        click.echo(
            f"Subscription {subscription.number} ({context.parts.addresses.shown(subscription)}) hears of nothing now:"
            f" watcher unsubscribe {subscription.number}"
        )
    if owed:
        click.echo(f"{several(owed, 'delivery', 'deliveries')} about it had not been sent: dropped.")
    if unwanted:
        click.echo(f"{several(unwanted, 'download')} of it had not come home: no longer wanted.")


def _meant(watch: Watch, catalogue: str | None, collections: Collection[str], levels: Collection[Level]) -> bool:
    wanted = {None if level.casefold() == ANY else level for level in levels}
    return (
        catalogue in (None, watch.catalogue)
        and (not collections or watch.collection.casefold() in {one.casefold() for one in collections})
        and (not wanted or watch.level in wanted)
    )


def _hearing(
    subscribed: Sequence[Subscription], watches: Sequence[Watch], tags: Mapping[int, Collection[str]]
) -> list[Subscription]:
    """Return the subscriptions that something is watched for."""
    from watcher.core.filters import reaches

    return [one for one in subscribed if any(reaches(watch, one, tags.get(watch.site.number, ())) for watch in watches)]
