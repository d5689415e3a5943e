"""One question to a resto server, and what its refusals mean.

A refusal is ``{"ErrorMessage": …, "ErrorCode": …}``. Who must act is not in the status: a value that the
server's database chokes on is a 500, as is a database that is down.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

import msgspec

from watcher.catalogues.resto.answers import Features, read
from watcher.catalogues.resto.walk import Window
from watcher.decoding import decoder
from watcher.errors import CatalogueError, HttpError
from watcher.names import plain
from watcher.net import Http, json_body


def page(http: Http, base: str, collection: str, asked: Mapping[str, str], *, size: int, site_filter: str) -> Features:
    """Ask for one page of a collection.

    `asked` are the search parameters, `size` how many products to ask for. Raises `CatalogueError` for what
    is not a page, `permanent` where the question itself is to blame.
    """
    url = f"{base}/api/collections/{quote(collection, safe='')}/search.json"
    params = {"maxRecords": str(size), "_rc": "true", "lang": "en", **asked}
    try:
        answer = http.get(url, params=params)
    except HttpError as error:
        raise _explained(http, base, url, params, error) from error
    return read(json_body(answer), site_filter=site_filter, place=url)


def offered(http: Http, base: str) -> list[str]:
    """Return the names of the server's collections."""
    answer = http.get(f"{base}/collections.json")
    try:
        listed = _collections(json_body(answer))
    except (msgspec.DecodeError, RecursionError) as error:
        raise CatalogueError(
            f"{base} does not answer as a resto server: {error}",
            hint="url must be its base: https://host/resto",
        ) from error
    return [collection.name for collection in listed.collections]


def between(window: Window) -> dict[str, str]:
    """Write a window as parameters: both test the start of the acquisition, and include it."""
    names = ("startDate", "completionDate")
    return {name: _written(edge) for name, edge in zip(names, window, strict=True) if edge is not None}


class _Named(msgspec.Struct):
    name: str


class _Collections(msgspec.Struct):
    collections: list[_Named]


class _Refusal(msgspec.Struct):
    message: str = msgspec.field(name="ErrorMessage")


_collections = decoder(_Collections).decode
_refusal = decoder(_Refusal).decode


def _written(then: datetime) -> str:
    return then.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if then.microsecond else "%Y-%m-%dT%H:%M:%SZ")


def _explained(http: Http, base: str, url: str, params: Mapping[str, str], error: HttpError) -> HttpError:
    """Add the server's own words to a refusal, and say whether the question is to blame."""
    said = _said(error.body)
    if said is None:
        return error
    hint, permanent = error.hint, error.permanent
    if error.status == 404:
        hint, permanent = (
            "is the collection spelt as the server spells it? watcher check lists its collections",
            True,
        )
    elif error.status == 400 or (error.status == 500 and _well(http, base)):
        hint, permanent = (
            "the server objects to one of these values: see page_size, levels and site_filter",
            True,
        )
    question = ", ".join(f"{name}={value}" for name, value in params.items())
    return HttpError(
        f"{url} answered {error.status}: {said} (asked for {question})",
        status=error.status,
        body=error.body,
        retry_after=error.retry_after,
        hint=hint,
        permanent=permanent,
    )


def _said(body: bytes) -> str | None:
    try:
        return plain(_refusal(body).message)
    except (msgspec.DecodeError, RecursionError):
        return None


def _well(http: Http, base: str) -> bool:
    try:
        offered(http, base)
    except CatalogueError:
        return False
    return True
