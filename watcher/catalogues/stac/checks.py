"""What `watcher check` says of a STAC API: whether it can be asked as configured, and what to set if it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from watcher.catalogues.stac.assets import http as fetchable
from watcher.catalogues.stac.assets import wanted
from watcher.catalogues.stac.buckets import Reached
from watcher.catalogues.stac.features import Feature
from watcher.catalogues.stac.paging import pages
from watcher.catalogues.stac.questions import Sheet, ask, otherwise
from watcher.catalogues.stac.silence import EVER, sample, unknown
from watcher.catalogues.stac.writing import Question
from watcher.core.unread import nothing_read
from watcher.decoding import decoder
from watcher.errors import CatalogueError
from watcher.model import Finding
from watcher.net import json_body

if TYPE_CHECKING:
    from watcher.catalogues.stac import Kind
    from watcher.net import Http

NEVER = datetime(2200, 1, 1, tzinfo=UTC)


class _Landing(msgspec.Struct):
    conforms: list[str] = msgspec.field(name="conformsTo")
    resto: Any = msgspec.field(name="resto:version", default=None)


_landing = decoder(_Landing).decode


def look(kind: Kind, http: Http) -> Iterator[Finding]:
    """Look at the landing page, the conformance, and each collection."""
    try:
        landing = _landing(json_body(http.get(kind.url)))
    except msgspec.DecodeError as error:
        yield Finding("landing page", False, f"{kind.url} is no STAC API: {error}", "set url to its landing page")
        return
    except CatalogueError as error:
        yield _failed("landing page", error)
        return
    yield Finding("landing page", True, f"{kind.url} is a STAC API")
    yield from _conformance(kind, landing)
    for collection in kind.collections:
        try:
            yield from _collection(kind, http, collection)
        except CatalogueError as error:
            yield _failed(collection, error)


def _conformance(kind: Kind, landing: _Landing) -> Iterator[Finding]:
    offered = {uri.rstrip("/").rpartition("/")[2] for uri in landing.conforms if "item-search" in uri}
    yield Finding(
        "search",
        "item-search" in offered,
        "item search is offered" if "item-search" in offered else "item search is not among what it conforms to",
        None if "item-search" in offered else "a static catalogue cannot be searched; set url to a STAC API",
    )
    if kind.cursor != "none":
        yield _filter(kind, landing, offered)
    if kind.sort:
        well = "item-search#sort" in offered
        yield Finding(
            "sort",
            well,
            f"sorting is {'offered' if well else 'not among what it conforms to'}",
            None if well else "set sort = false if its answers come in no order",
        )
    if kind.fields:
        well = "item-search#fields" in offered
        yield Finding(
            "fields",
            well,
            f"asking for fewer fields is {'offered' if well else 'not among what it conforms to'}",
            None if well else "set fields = false",
        )


def _filter(kind: Kind, landing: _Landing, offered: set[str]) -> Finding:
    if isinstance(landing.resto, str):  # says that it conforms to the filter extension, and understands little of it
        version = landing.resto.partition(".")[0]
        wanted = "resto" if version.isdigit() and int(version) >= 10 else "resto6"
        well = kind.filter == wanted
        hint = None if well else f'set filter = "{wanted}" and cursor = "created"'
        return Finding("filter", well, f'it is a resto {landing.resto}, asked by filter = "{kind.filter}"', hint)
    queries, filters = "item-search#query" in offered, "item-search#filter" in offered
    well = {"query": queries, "cql2": filters}.get(kind.filter, False)
    other = "query" if queries else "cql2"
    return Finding(
        "filter",
        well,
        f'filter = "{kind.filter}" is {"offered" if well else "not among what it conforms to"}',
        None if well else f'set filter = "{other}"' if queries or filters else 'set cursor = "none"',
    )


def _collection(kind: Kind, http: Http, collection: str) -> Iterator[Finding]:
    near = unknown(kind, http, collection)
    if near is not None:
        hint = f"the nearest are: {', '.join(near)}" if near else None
        yield Finding(collection, False, f"{kind.url} has no collection of this name", hint)
        return
    yield Finding(collection, True, "the collection exists")
    question = Question(collection=collection, limit=1)
    newest = sample(kind, http, question)
    if newest.odd:
        text = f"its newest product cannot be read: {newest.odd[0].told}"
        yield Finding(collection, False, text, "its provider can mend that; the others are read all the same")
        newest = ask(kind, http, msgspec.structs.replace(newest.question, limit=kind.limit))
        if not newest.features:
            raise nothing_read(kind.url, newest.odd)
    if not newest.features:
        yield Finding(collection, True, "it lists no product, so nothing more can be looked at")
        return
    if kind.cursor != "none":
        yield _cursor(kind, http, newest)
    if kind.sort:
        yield _order(kind, http, newest)
    yield from pages(kind, http, collection)
    if kind.fields:
        yield _fields(kind, http, newest)
    yield from _assets(kind, collection, newest.features[0])


def _cursor(kind: Kind, http: Http, newest: Sheet) -> Finding:
    collection, question = newest.question.collection, newest.question
    instead = f'{otherwise(kind)}, or set cursor = "none"'
    if newest.keys[0] is None:
        said = newest.features[0].properties
        have = [name for name in ("published", "updated", "created") if getattr(said, name) is not None]
        text = f'its products have no "{kind.cursor}"'
        return Finding(collection, False, text, f'set cursor = "{have[0] if have else "none"}"')
    try:
        future = ask(kind, http, msgspec.structs.replace(question, since=NEVER))
        past = ask(kind, http, msgspec.structs.replace(question, since=EVER))
    except CatalogueError as error:
        return Finding(collection, False, f"filtering by {kind.cursor} fails: {error}", instead)
    if future.size:
        return Finding(collection, False, f"filtering by {kind.cursor} changes nothing", instead)
    if not past.size:
        return Finding(collection, False, f"filtering by {kind.cursor} hides every product", instead)
    return Finding(collection, True, f"what it learnt since a time can be asked for, by {kind.cursor}")


def _order(kind: Kind, http: Http, newest: Sheet) -> Finding:
    oldest = ask(kind, http, msgspec.structs.replace(newest.question, limit=2, descending=False))
    first, last = oldest.keys[0] if oldest.keys else None, newest.keys[0]
    rising = all(a and b and a <= b for a, b in zip(oldest.keys, oldest.keys[1:], strict=False))
    if len(oldest.features) < 2 or (first and last and first < last and rising):
        return Finding(newest.question.collection, True, "its answers can be sorted")
    return Finding(
        newest.question.collection,
        False,
        "it does not sort as asked; long answers are read by links, twice",
        "set sort = false to spare it the question",
    )


def _fields(kind: Kind, http: Http, newest: Sheet) -> Finding:
    collection = newest.question.collection
    try:
        short = ask(kind, http, msgspec.structs.replace(newest.question, brief=True, descending=True))
    except CatalogueError as error:
        return Finding(collection, False, f"asking for fewer fields fails: {error}", "set fields = false")
    if not short.features or short.keys[0] is None:
        return Finding(collection, False, "asked for fewer fields, it leaves out those asked for", "set fields = false")
    if len(short.features[0].files) >= len(newest.features[0].files) > len(kind.assets):
        return Finding(collection, False, "asked for fewer fields, it gives all of them", "set fields = false")
    return Finding(collection, True, "products can be asked for with fewer fields")


def _assets(kind: Kind, collection: str, feature: Feature) -> Iterator[Finding]:
    files = Reached(feature.files, kind.s3) if kind.s3 else feature.files
    chosen = wanted(files, kind.assets)
    spelt = {key.lower(): key for key in files}
    named = [key for key in kind.assets if key.lower() not in spelt]
    keys = [spelt[key.lower()] for key in kind.assets or files if key.lower() in spelt]
    elsewhere = [key for key in keys if not fetchable(files[key].href)]
    if named:
        yield Finding(
            collection,
            False,
            f"{feature.id} has no asset {', '.join(named)}",
            f"it has: {', '.join(files) or 'none'}",
        )
    if elsewhere and (kind.assets or not chosen):
        yield Finding(
            collection,
            not kind.assets,
            f"not at an http address, so never downloaded: {', '.join(elsewhere)}",
            "choose other assets, or another catalogue for downloads",
        )
    if chosen:
        yield Finding(collection, True, f"downloads: {', '.join(asset.key for asset in chosen)}")
    elif not kind.assets:
        text = "nothing is downloaded: its products have no single archive"
        yield Finding(collection, True, text, f"to download, set assets to some of: {', '.join(files) or 'none'}")


def _failed(subject: str, error: CatalogueError) -> Finding:
    return Finding(subject, False, str(error), error.hint)
