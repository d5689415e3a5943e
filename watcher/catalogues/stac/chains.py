"""A chain of `next` links, and what can be believed of it."""

from __future__ import annotations

from datetime import datetime

from watcher.catalogues.stac.questions import Sheet
from watcher.errors import CatalogueError


class Chain:
    """A walk along `next` links: what it listed (`ids`, and the `keys` that are known), and how it ended."""

    def __init__(self, first: Sheet) -> None:
        self._first = self._last = first
        self._pages = 0
        self._been: set[object] = set()
        self.ids: set[str] = set()
        self.keys: list[datetime] = []
        self.add(first)

    def add(self, sheet: Sheet) -> Sheet:
        """Add the next answer. Raises `CatalogueError` for one that was there before."""
        listed = tuple(sheet.marks)
        link = sheet.next
        marks: list[object] = [listed] if listed else []
        if link is not None:
            marks.append((link.method, link.href, bytes(link.body)))
        for mark in marks:
            if mark in self._been:
                raise CatalogueError(
                    f"{sheet.url} leads from page to page in a circle in {sheet.question.collection}",
                    hint="nothing more can be read by its links; its operator can mend that",
                )
            self._been.add(mark)
        self._last = sheet
        self._pages += 1
        self.ids.update(listed)
        self.keys.extend(key for key in sheet.keys if key is not None)
        return sheet

    @property
    def matched(self) -> int | None:
        """How many the server says there are, `None` when it does not say."""
        return self._first.matched if self._last.matched is None else self._last.matched

    @property
    def short(self) -> bool:
        """Say whether the server counts more than it listed."""
        return self.matched is not None and len(self.ids) < self.matched

    @property
    def ended(self) -> bool:
        """Say whether no link is left to follow, or no need: stac-server always adds one."""
        counted = self.matched is not None and not self.short
        return self._last.next is None or (counted and self._last.size < self._last.question.limit)

    @property
    def proven(self) -> bool:
        """Say whether nothing is in doubt: one whole answer, or a count that stayed the same and is what was listed."""
        if self._pages == 1:
            return self._first.whole
        return self.matched is not None and self.matched == self._first.matched == len(self.ids)

    @property
    def cut(self) -> bool:
        """Say whether the server may have stopped at a full page for want of a link: it gave none at all."""
        return self._pages == 1 and self.matched is None and not self._first.whole
