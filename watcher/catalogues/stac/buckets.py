"""Files in S3 buckets: `s3://BUCKET/KEY` as an address that can be asked (path style), once an endpoint is named.

The bucket stands in an asset's href, or in its alternate `s3` (alternate-assets extension), which is then preferred:
where there is one, the other address wants a session of a browser.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from watcher.catalogues.stac.assets import File


class Reached(Mapping[str, File]):
    """The files of an item as they are reached through an endpoint; only those that are looked at are worked out."""

    def __init__(self, files: Mapping[str, File], endpoint: str) -> None:
        self._files, self._endpoint = files, endpoint.rstrip("/")

    def __getitem__(self, key: str) -> File:
        file = self._files[key]
        place = _place(file.href) or _place(_alternate(file.alternate))
        return file if place is None else msgspec.structs.replace(file, href=f"{self._endpoint}/{place}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _place(href: object) -> str | None:
    if not isinstance(href, str) or not href.startswith("s3://"):
        return None
    bucket, slash, key = href.removeprefix("s3://").partition("/")
    return f"{quote(bucket, safe='')}/{quote(key)}" if bucket and slash and key else None


def _alternate(said: Any) -> object:
    other = said.get("s3") if isinstance(said, dict) else None
    return other.get("href") if isinstance(other, dict) else None
