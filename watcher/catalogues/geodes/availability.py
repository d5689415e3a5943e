"""Whether a file of GEODES is on disk, or still on tape.

`GET /availability/NAME`, beside the search and without an account, as CNES's own client pygeodes asks it: it names the
files of a product by their MD5, and says of each whether it is `available`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

import msgspec

from watcher.decoding import decoder
from watcher.errors import CatalogueError
from watcher.net import json_body

if TYPE_CHECKING:
    from watcher.model import Product
    from watcher.net import Http


class _File(msgspec.Struct):
    checksum: Any = None
    available: Any = None


class _Answer(msgspec.Struct):
    files: list[_File]


_decode = decoder(_Answer).decode


def available(product: Product, url: str, http: Http) -> bool | None:
    """Say whether all files of a product are on disk; `None` where the server does not say so of each.

    `url` is the root of the search.
    """
    wanted = {(asset.checksum or "").removeprefix("md5:").lower() for asset in product.assets}
    try:
        answer = http.get(urljoin(url, f"/availability/{quote(product.title, safe='')}"))
        files = _decode(json_body(answer)).files
    except (CatalogueError, msgspec.DecodeError):
        return None  # what is the matter, asking for the file will tell
    said = {str(file.checksum).lower(): file.available for file in files}
    known = [said.get(digest) for digest in wanted]
    return None if not known or not all(isinstance(one, bool) for one in known) else all(known)
