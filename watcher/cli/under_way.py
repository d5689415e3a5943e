"""While something is under way: it can be stopped, and shows how far it is."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from watcher.transfer import Progress
    from watcher.wiring import Parts


@contextmanager
def stoppable(parts: Parts) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM finish what is in hand; the second is obeyed at once."""

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


@contextmanager
def bars() -> Iterator[Callable[[str, Progress], None] | None]:
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
        DownloadColumn(binary_units=True, table_column=whole),
        TransferSpeedColumn(table_column=whole),
        TimeRemainingColumn(table_column=whole),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True, expand=True) as bars:
        tasks = {}

        def show(title: str, progress: Progress) -> None:
            title = f"{title} → archive" if progress.storing else title
            if title not in tasks:
                tasks[title] = bars.add_task(title, total=progress.total)
            under_way = progress.total is None or progress.done < progress.total
            bars.update(tasks[title], completed=progress.done, total=progress.total, visible=under_way)

        yield show
