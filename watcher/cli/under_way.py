"""While something is under way: it can be stopped, and shows how far it is."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from watcher import memory

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from watcher.transfer import Progress
    from watcher.wiring import Parts


@contextmanager
def busy(parts: Parts) -> Iterator[None]:
    """Keep the memory of one answer for the next; let the first Ctrl-C or SIGTERM finish what is in hand.

    The second is obeyed at once.
    """
    memory.keep()

    def stop(number: int, frame: object) -> None:
        del number, frame
        if parts.stop.is_set():
            raise KeyboardInterrupt
        parts.stop.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


class Shown:
    """Bars in a terminal, one for each download that is under way."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, title: str, progress: Progress) -> None:
        """Show how far a download is; of one that is whole there is nothing to show."""
        if progress.total is not None and progress.done >= progress.total:
            self.end(title)
            return
        word = f"{title} → archive" if progress.storing else title
        if title not in self._tasks:
            self._tasks[title] = self._bars.add_task(word, total=progress.total)
        self._bars.update(self._tasks[title], description=word, completed=progress.done, total=progress.total)

    def end(self, title: str) -> None:
        """Take away the bar of a download, if there is one."""
        task = self._tasks.pop(title, None)
        if task is not None:
            self._bars.remove_task(task)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take all bars away for a moment: what is said while they are drawn is drawn over."""
        self._bars.stop()
        try:
            yield
        finally:
            self._bars.start()


@contextmanager
def ended(show: Shown | None, title: str) -> Iterator[None]:
    """Give room to say in the ``with`` statement how a download ended."""
    if show is None:
        yield
        return
    show.end(title)
    with show.aside():
        yield


@contextmanager
def bars() -> Iterator[Shown | None]:
    """Draw a bar for each download in a terminal; nothing elsewhere."""
    import sys

    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars
    from rich.table import Column

    whole = Column(no_wrap=True)
    columns = (
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
        BarColumn(bar_width=12),
        DownloadColumn(table_column=whole),
        TransferSpeedColumn(table_column=whole),
        TimeRemainingColumn(table_column=whole),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True, expand=True) as drawn:
        yield Shown(drawn)
