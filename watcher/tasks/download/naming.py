"""The names that a product may have in the archive."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from watcher.core.archive.shelves import Layout, shelf, suffix
from watcher.core.archive.wishes import Wishes
from watcher.model import Product
from watcher.store.downloads import Wanted
from watcher.tasks.download.queue import How


class Names(msgspec.Struct, frozen=True):
    """Names by version; a product of several files has no suffix."""

    layout: Layout
    how: Callable[[str], How]
    product: Product
    wanted: Wanted
    wishes: Wishes

    @property
    def _whole(self) -> bool:
        return len(self.product.assets) == 1 and not self.how(self.wanted.catalogue).members and not self.wishes

    def fits(self, path: str, directory: bool) -> bool:
        """Say whether it can keep a place that it had: one of a directory is none for a file, nor the other way."""
        if self._whole:
            return not directory
        end = suffix(self.product.assets[0]) if self.product.assets else ""
        return directory or not end or not path.endswith(end)

    def __call__(self, version: int) -> str:
        """Return the name of that version."""
        end = suffix(self.product.assets[0]) if self._whole else ""
        site, catalogue = self.wanted.site, self.wanted.catalogue
        return f"{shelf(self.product, site=site, catalogue=catalogue, layout=self.layout, version=version)}{end}"
