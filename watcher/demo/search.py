"""One search of resto 2.0: filter, order, cut a page, and say which pages lie around it.

The order is the start of the acquisition, newest first, and nothing else. The L1C and the L2A of a scene tie,
and how PostgreSQL breaks a tie depends on how many rows it was asked for: a walk from page to page can list
one product twice and another never. That is kept, because clients must live with it.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from watcher.demo.filters import DATABASE, Parameters, Refused, filters
from watcher.demo.products import Product

PAGE, CAP = 20, 500


def parameters(query: str) -> dict[str, str | list[str]]:
    """Read a query string as PHP does."""
    found: dict[str, str | list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name.endswith("[]"):
            listed = found.setdefault(name[:-2], [])
            if isinstance(listed, list):
                listed.append(value)
        else:
            found[name] = value
    return found


@dataclass(frozen=True)
class Listing:
    """One page of a search.

    `offset` counts from 0. `total` is how many products match, `None` unless asked for with `_rc=true` (and
    never with an empty page). `understood` is the platform that the free text named, `None` without free
    text; when nothing of a free text is understood nothing is listed.
    """

    products: tuple[Product, ...]
    offset: int
    limit: int
    total: int | None
    text: str = ""
    understood: str | None = None

    @property
    def page(self) -> int:
        """The page's number; 1 also for an empty page, as on the server."""
        return math.floor(self.offset / self.limit) + 1 if self.products else 1

    @property
    def last(self) -> int | None:
        """The last page's number, `None` when the total is unknown."""
        return None if not self.total else math.ceil(self.total / self.limit)

    @property
    def more(self) -> bool:
        """Whether the server believes in a next page: it does whenever this one is full."""
        full = len(self.products) == self.limit
        return full and (self.last is None or self.page < self.last)


def search(offered: Iterable[Product], given: Parameters) -> Listing:
    """Answer one search. Raises `Refused`."""
    limit = _limit(given)
    offset = _offset(given, limit)
    text = given.get("q", "")
    understood = None
    wanted = {name: value for name, value in given.items() if value != ""}
    if isinstance(text, str) and text:
        understood = text.upper() if text.upper() in ("SPOT4", "SPOT5") else None
        if understood is None:
            return Listing((), offset, limit, 0, text)
        wanted["platform"] = understood
    tests = list(filters(wanted))
    matching = [product for product in offered if all(test(product) for test in tests)]
    if limit < 0:
        raise Refused(500, DATABASE)
    matching.sort(key=lambda p: (-p.acquired.timestamp(), _chance(p, offset + limit)))
    page = tuple(matching[offset : offset + limit])
    total = len(matching) if page and given.get("_rc") == "true" else None
    return Listing(page, offset, limit, total, str(text), understood)


def _chance(product: Product, rows: int) -> bytes:
    return hashlib.md5(f"{product.id}/{rows}".encode(), usedforsecurity=False).digest()


def _limit(given: Parameters) -> int:
    return min(int(_numeric(given.get("maxRecords")) or 0), CAP) if _is_numeric(given, "maxRecords") else PAGE


def _offset(given: Parameters, limit: int) -> int:
    """`page` (from 1, fractions allowed) wins over `index` (from 1); what makes no sense is the first."""
    if _is_numeric(given, "page"):
        return max(0, int((_numeric(given["page"]) - 1) * limit))
    if _is_numeric(given, "index"):
        return max(0, int(_numeric(given["index"])) - 1)
    return 0


def _is_numeric(given: Parameters, name: str) -> bool:
    value = given.get(name)
    return isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d+(\.\d+)?", value) is not None


def _numeric(value: str | list[str] | None) -> float:
    return float(value) if isinstance(value, str) else 0.0
