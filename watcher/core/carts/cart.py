"""What a cart holds: the files of products, each once, under names that are safe on any disk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from watcher.core.archive.shelves import safe, suffix
from watcher.core.wording import safe_link
from watcher.model import Asset, Product

_SECRET = re.compile(
    r"x-(amz|goog)-|(_tk|key|sig|sas|pass|pwd|auth|jwt|session|policy)$"
    r"|.*(token|signature|secret|password|passwd|authorization|credential|(api|access|auth|subscription)[_-]?key"
    r"|key[_-]?(pair[_-]?)?id|session[_-]?id)",
    re.IGNORECASE,
)
"""The names of parameters that let their bearer in, as resto, stores, their proxies and gateways have them."""


class File(msgspec.Struct, frozen=True):
    """One file to fetch.

    `name` is a relative path of safe names, `size` is in bytes, `checksum` is `algorithm:hex` with hashlib's names,
    `urls` are where the same bytes are to be had, the best first. `None` is "not known".
    """

    name: str
    urls: tuple[str, ...]
    size: int | None = None
    checksum: str | None = None
    product: Product | None = None


def cart(products: Iterable[Product]) -> list[File]:
    """Return the files of these products, in their order, each once.

    What two catalogues offer with the same checksum is one file at two addresses. What is not to be had by http is left
    out; and no address keeps a user, a password or a token.
    """
    files: list[File] = []
    places: dict[str, int] = {}
    names: set[str] = set()
    for product in products:
        for asset in product.assets:
            url = _open(asset.href)
            if url is None or any(url in file.urls for file in files[-1:]):
                continue
            same = places.get(asset.checksum) if asset.checksum else None
            if same is not None:
                before = files[same]
                files[same] = msgspec.structs.replace(before, urls=tuple(dict.fromkeys((*before.urls, url))))
                continue
            if asset.checksum:
                places[asset.checksum] = len(files)
            files.append(File(_name(product, asset, names), (url,), asset.size, asset.checksum, product))
    return files


def _open(href: str) -> str | None:
    """Return an address without what is secret in it; `None` for one that no program fetches by http."""
    url = safe_link(href)
    if url is None:
        return None
    parts = urlsplit(url)
    said = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(key, value) for key, value in said if not _secret(key)]
    return url if len(kept) == len(said) else parts._replace(query=urlencode(kept)).geturl()


def secrets_of(url: str) -> list[str]:
    """Return what is secret in an address: values of its query that let their bearer in."""
    return [value for key, value in parse_qsl(urlsplit(url).query) if _secret(key)]


def _secret(key: str) -> bool:
    return _SECRET.match(key) is not None


def _name(product: Product, asset: Asset, taken: set[str]) -> str:
    """Name a file as the archive would; of names that differ in case alone, or not at all, later ones are numbered."""
    end = suffix(asset)
    stem = PurePosixPath(safe(product.title))
    stem = stem if len(product.assets) == 1 else stem / safe(asset.key)
    for number in range(1, len(taken) + 2):
        name = f"{stem}{end}" if number == 1 else f"{stem}.{number}{end}"
        if name.casefold() not in taken:
            break
    taken.add(name.casefold())
    return name


def bytes_in_all(files: Sequence[File]) -> tuple[int, int]:
    """Return the bytes of the files whose size is known, and how many others there are."""
    return sum(file.size or 0 for file in files), sum(file.size is None for file in files)
