"""Which files of a product come, where its sites have a choice: found out when it begins, of what there is then."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence

from msgspec import structs

from watcher.core.archive.wishes import Wishes, wishes
from watcher.core.identity.revisions import same
from watcher.errors import TransferError
from watcher.model import Level, Product
from watcher.store import watching
from watcher.store.downloads import Wanted
from watcher.tasks.download.job import Job

Choose = Callable[[str, Product, Sequence[Sequence[str]]], Product]
"""Asks a catalogue for a product again, and gives it the assets that any of the choices wants."""


def wished(db: sqlite3.Connection, wanted: Wanted, product: Product, levels: Collection[Level]) -> Wishes:
    """Return what the sites ask for of a product; nothing where none has a choice, and its files are known."""
    usual = () if product.assets else ((),)  # what the settings choose by now may be more than when it was listed
    if not watching.wishing(db, wanted.catalogue, product.collection):
        return usual
    watches = watching.watches(db, catalogue=wanted.catalogue, collection=product.collection, paused=True)
    return wishes(product, wanted.site, watches, levels) or usual


def chosen(job: Job, choose: Choose) -> Job:
    """Return a job with the assets that are wished for. Raises `TransferError` when they are of another processing."""
    if not job.wishes:
        return job
    now = choose(job.wanted.catalogue, job.product, job.wishes)
    if not same(job.product.revision, now.revision):
        raise TransferError(
            f"{job.wanted.catalogue} has another processing of it by now", hint="the next poll finds that one"
        )
    product = structs.replace(job.product, assets=now.assets)
    return structs.replace(job, product=product, how=structs.replace(job.how, members=()))
