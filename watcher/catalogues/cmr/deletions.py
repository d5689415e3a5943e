"""What CMR says it took away: `deleted-granules.json`, by collection since a time, at most a year back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec

from watcher.catalogues.cmr.questions import SECOND, get, stamp
from watcher.core.identity import revisions
from watcher.core.moments import moment
from watcher.core.unread import apart, beside, naming, nothing_read, shapeless
from watcher.decoding import decoder
from watcher.errors import CatalogueError
from watcher.levels import Level
from watcher.model import Page, Product
from watcher.names import identity
from watcher.net import json_body

if TYPE_CHECKING:
    from watcher.catalogues.cmr import Kind
    from watcher.net import Http

KEPT = timedelta(days=364)
"""How long CMR tells of a deletion: a year, less a day for what its clock and ours make of it."""


class _Deleted(msgspec.Struct, gc=False, rename="kebab"):
    concept_id: Annotated[str, msgspec.Meta(min_length=1)]
    granule_ur: str
    revision_date: str
    parent_collection_id: str


_decode = decoder(list[msgspec.Raw]).decode
_one = decoder(_Deleted).decode
_name = naming("concept-id")


def deletions(
    kind: Kind,
    http: Http,
    concept: str,
    *,
    since: datetime,
    now: datetime | None,
    name: str,
    level_given: Level | None,
) -> Page:
    """List what was deleted since a time; `now` is the server's clock. Of what is older than a year nothing is known.

    Raises `CatalogueError` when it is not all, or of another collection, or nothing of it can be read.
    """
    earliest = since - SECOND if now is None else max(since - SECOND, now - KEPT)
    url = f"{kind.url.rstrip('/')}/deleted-granules.json"
    answer = get(http, url, [("revision_date", stamp(earliest)), ("parent_collection_id", concept)])
    try:
        listed, odd = apart(_decode(json_body(answer)), _one, _name)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise CatalogueError(f"{url} answered what is no list of deleted granules: {error}") from error
    hits = answer.headers.get("cmr-hits", "")
    if hits.isascii() and hits.isdigit() and len(hits) < 12 and int(hits) > len(listed) + len(odd):
        raise CatalogueError(
            f"{url} counts {hits} deleted granules of {concept} and lists {len(listed) + len(odd)}",
            hint="set deletions = false to go without; what is gone is then noticed by looking twice",
        )
    for one in listed:
        if one.parent_collection_id != concept:
            raise CatalogueError(
                f"{url} ignores parent_collection_id={concept}: it lists {one.concept_id}",
                hint="set deletions = false to go without",
            )
    if not listed and shapeless(odd):
        raise nothing_read(url, odd)
    gone = [
        Product(
            collection=name,
            id=identity(one.concept_id),
            title=one.granule_ur,
            level=level_given,
            acquired=None,
            revision=revisions.token(updated=None, produced=None, version=None, checksum=None, size=None),
            learnt=moment(one.revision_date),
            withdrawn="deleted",
        )
        for one in listed
    ]
    return beside(gone, odd)
