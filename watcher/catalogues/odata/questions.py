"""One question to an OData catalogue, and one answer, judged.

OData 4 as CDSE documents it: `$filter` (`Collection/Name`, attributes, `OData.CSC.Intersects`, times), `$orderby`,
`$top`, `$skip`, `$count`, `$expand` and `$select`. What is not understood is refused with a 400 or 422 there; every
product is held against the question all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from watcher.catalogues.odata.products import Dated, Entity
from watcher.core.moments import moment
from watcher.core.questions.outlines import rings
from watcher.core.unread import reading
from watcher.decoding import decoder
from watcher.errors import CatalogueError, HttpError
from watcher.model import Unread
from watcher.names import plain
from watcher.net import json_body, listed

if TYPE_CHECKING:
    from watcher.catalogues.odata import Kind
    from watcher.net import Answer, Http

PRODUCTS, DELETED = "Products", "DeletedProducts"
SECOND = timedelta(seconds=1)
Term = tuple[str, str, datetime]
"""A time and what it is compared with: `("PublicationDate", "ge", …)`."""

_POINTS = 120
"""How many points the polygons may have in all: with those of 20 places an address is under 6 kB; servers allow 8."""


class Question(msgspec.Struct, frozen=True):
    """What is asked: `collection` and product `type`, in an `area` (WKT polygons, any of them), within `terms`."""

    entity: str
    collection: str
    type: str | None = None
    area: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    order: str = "PublicationDate"
    descending: bool = False
    limit: int = 20
    skip: int = 0
    count: bool = False
    brief: bool = False

    def bounded(self, *terms: Term) -> Question:
        """Return the question within these terms, too."""
        return msgspec.structs.replace(self, terms=(*self.terms, *terms))

    def about(self, entity: str, *, order: str) -> Question:
        """Return the question of other entities."""
        return msgspec.structs.replace(self, entity=entity, order=order)

    @property
    def filter(self) -> str:
        """The question as `$filter`; the collection and product type alone are what a subscription is made with."""
        parts = [f"Collection/Name eq '{_quoted(self.collection)}'"]
        if self.type is not None:
            value = f"att/OData.CSC.StringAttribute/Value eq '{_quoted(self.type)}'"
            parts.append(f"Attributes/OData.CSC.StringAttribute/any(att:att/Name eq 'productType' and {value})")
        if self.area:
            where = [f"OData.CSC.Intersects(area=geography'SRID=4326;{polygon}')" for polygon in self.area]
            parts.append(where[0] if len(where) == 1 else f"({' or '.join(where)})")
        parts += [f"{field} {sign} {stamp(time)}" for field, sign, time in self.terms]
        return " and ".join(parts)


class Sheet(msgspec.Struct, frozen=True):
    """One answer: its entities with the value of each that orders them, and whether the server has more.

    `odd` is what is listed and cannot be read. `last` is the last value to go on from: none where what has none may
    follow.
    """

    entities: Sequence[Entity]
    keys: Sequence[datetime | None]
    more: bool
    count: int | None
    odd: Sequence[Unread] = ()
    last: datetime | None = None

    @property
    def size(self) -> int:
        """How many it lists, those included that cannot be read."""
        return len(self.entities) + len(self.odd)

    def ends(self, limit: int) -> bool:
        """Say whether nothing can follow: a page that is not full, without a link to the next."""
        return not self.more and self.size < limit


E = TypeVar("E")


class _Page(msgspec.Struct, Generic[E]):
    value: list[E]
    next: str | None = msgspec.field(name="@odata.nextLink", default=None)
    count: int | None = msgspec.field(name="@odata.count", default=None)


class _Refusal(msgspec.Struct):
    detail: Any = None


_decode: Callable[[bytes | bytearray], tuple[_Page[Entity], Sequence[Unread]]]
_decode = reading(_Page, Entity, under="value", named=("Id",))
_raw = decoder(_Page[msgspec.Raw]).decode
_dated = decoder(Dated).decode
_refusal = decoder(_Refusal).decode


def polygons(geometry: bytes, *, most: int) -> tuple[str, ...]:
    """Write a geometry as WKT polygons that cover it, short enough for an address.

    A MultiPolygon is asked for by its parts: not every version of the server takes one.
    """
    return tuple(
        f"POLYGON(({','.join(f'{_degrees(x)} {_degrees(y)}' for x, y in ring)}))"
        for ring in rings(geometry, most=most, points=_POINTS)
    )


def ask(kind: Kind, http: Http, question: Question) -> Sheet:
    """Ask a question. Raises `CatalogueError` for an answer that is none, or to another question."""
    url = f"{kind.url.rstrip('/')}/{question.entity}"
    try:
        answer = http.get(url, params=_parameters(question))
    except HttpError as error:
        raise explained(error) from error
    page, odd = listed(answer, _decode, url=url, things="products")
    for trouble in _strangers(url, question, page.value):
        raise trouble
    keys = [moment(entity.time(question.order)) for entity in page.value]
    last = keys[-1] if keys else None
    if (
        odd
        and all(field != question.order for field, _, _ in question.terms)
        and not _dated_at_its_end(answer, question)
    ):
        last = None  # what has no value comes after all that have one
    return Sheet(page.value, keys, page.next is not None, page.count, odd, last)


def _dated_at_its_end(answer: Answer, question: Question) -> bool:
    """Say whether what comes last in an answer has a value of its order, whatever else of it cannot be read."""
    try:
        return moment(_dated(_raw(json_body(answer)).value[-1]).time(question.order)) is not None
    except (ValueError, RecursionError):
        return False


def explained(error: HttpError) -> HttpError:
    """Say what the server refused, in its own words."""
    if error.hint is None and error.status in (400, 404, 422):
        try:
            detail = _refusal(error.body).detail
        except (msgspec.DecodeError, RecursionError):
            detail = None  # the explanation is cut or is none; the status stands
        message = detail.get("message") if isinstance(detail, dict) else detail
        error.hint = (
            f"the server says: {plain(str(message))}"
            if message
            else "the server does not understand the question: is url its OData service, as …/odata/v1?"
        )
    return error


def short(time: datetime) -> datetime:
    """Return from where to ask so that nothing stamped `time` is missed, to whatever precision that is kept."""
    return time.replace(microsecond=0) - SECOND


def stamp(time: datetime) -> str:
    """Write a time as the server does; without its `Z` it would be read as another one."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _parameters(question: Question) -> list[tuple[str, str]]:
    asked = [
        ("$filter", question.filter),
        ("$orderby", f"{question.order} {'desc' if question.descending else 'asc'}"),
        ("$top", str(question.limit)),
    ]
    if question.skip:
        asked.append(("$skip", str(question.skip)))
    if question.count:
        asked.append(("$count", "true"))
    # The footprint is part of it even so, and needed: it says where a product belongs.
    if question.brief:
        return asked
    return [*asked, ("$expand", "Attributes"), *([("$expand", "Assets")] if question.entity == PRODUCTS else ())]


def _strangers(url: str, question: Question, entities: Sequence[Entity]) -> Iterator[CatalogueError]:
    """Find what was listed and not asked for."""
    for entity in entities:
        kind = entity.said().get("productType")
        if question.type is not None and isinstance(kind, str) and kind != question.type:
            yield _ignored(url, f"productType eq '{question.type}'", entity, f"productType {kind}")
        for field, sign, bound in question.terms:
            time = moment(entity.time(field))
            if time is not None and not _holds(time, sign, bound):
                yield _ignored(url, f"{field} {sign} {stamp(bound)}", entity, f"{field} {stamp(time)}")


def _holds(time: datetime, sign: str, bound: datetime) -> bool:
    return time >= bound - SECOND if sign in ("ge", "gt") else time <= bound + SECOND


def _ignored(url: str, asked: str, entity: Entity, got: str) -> CatalogueError:
    return CatalogueError(
        f"{url} ignores the filter {asked}: it lists {plain(entity.name)}, {plain(got)}",
        hint="until it filters, nothing it lists can be trusted; watcher check looks at each filter",
    )


def _degrees(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _quoted(text: str) -> str:
    return text.replace("'", "''")
