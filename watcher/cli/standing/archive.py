"""What `watcher status` says of the archive, and of what holds its downloads back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watcher.cli.output import ago, several, until

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from watcher.wiring import Parts


_SHOWN = 20
"""So many products that are not as they were are told of one by one."""


def archive_troubles(parts: Parts, db: sqlite3.Connection, moment: datetime) -> list[str]:
    """Say what is wrong with what is stored, and with what was to be done with it."""
    from watcher.core.wording import bytes_word
    from watcher.store import archive, hooks

    home = parts.keeping.archive.shown("")
    told = [
        f"{several(count, 'product')} ({bytes_word(size) or '0 B'}) {'lies' if count == 1 else 'lie'} in {place},"
        f" which is no longer the archive: copy {'it' if count == 1 else 'them'} to {home}, then watcher verify"
        for place, count, size in archive.elsewhere(db, home)
    ]
    faults = archive.faults(db)
    told += [f"{held.title}: {held.fault} (watcher verify --again)" for held in faults[:_SHOWN]]
    if len(faults) > _SHOWN:
        told.append(f"and {len(faults) - _SHOWN:,} more products that are not as they were (watcher verify lists them)")
    living, kept_up = parts.hooks.running()
    if living is not None and not kept_up:
        told.append(
            f"{living.title}: the hook {living.hook} still runs, left by a watcher that was killed; it is ended before"
            " it is run again"
        )
    for run in hooks.runs(db, troubled=True):
        if run.hook not in parts.config.hooks:
            continue
        after = f"given up (watcher hooks --again {run.title})" if run.given_up else until(run.due, moment)
        tries = several(run.attempts, "try", "tries")
        told.append(f"{run.title}: the hook {run.hook} failed after {tries}, {after}: {run.problem}")
    return told


def limits(parts: Parts, db: sqlite3.Connection, moment: datetime) -> list[str]:
    """Say which limits there are, how much of them is used, and what waits because of them."""
    from watcher.core.wording import bytes_word
    from watcher.store import downloads, tapes

    told = []
    rate = parts.downloads.bandwidth()
    if rate is not None:
        told.append(f"downloads take {bytes_word(rate)}/s at most at this time of day")
    waiting = downloads.waiting(db, now=moment)
    for name in parts.config.catalogues:
        told += _volumes(parts, db, name, waiting.get(name, 0), moment)
    quota = parts.config.download.site_quota
    home = parts.keeping.archive.shown("")
    full = [] if quota is None else [site for site, size in downloads.by_site(db, home).items() if size >= quota]
    told += [
        f"{site}: its {bytes_word(quota or 0)} are full, and its downloads wait (download.site_quota)"
        for site in sorted(full)
    ]
    told += _orders(parts, db, moment)
    told += [
        f"{one.title}: on tape at {one.catalogue}, first asked for {ago(one.since, moment)}, {until(one.due, moment)}"
        for one in tapes.ordered(db)
    ]
    found = parts.keeping.leaving(db)
    if found:
        first = min(one.when for one in found)
        told.append(
            f"archive: {several(len(found), 'product')} ({bytes_word(sum(one.held.size for one in found))}) to leave,"
            f" the first {ago(first, moment)} (watcher tidy lists them, watcher pin keeps one)"
        )
    return told


def _orders(parts: Parts, db: sqlite3.Connection, moment: datetime) -> list[str]:
    """Say of which catalogues so much is on tape that what may be there, too, is not asked for."""
    from collections import Counter

    from watcher.store import downloads, tapes

    coming = Counter(one.catalogue for one in tapes.ordered(db))
    if not coming:
        return []
    free = tapes.without_order(db, now=moment)
    held = Counter(one.catalogue for one in downloads.due(db, now=moment) if one.revision not in free)
    return [
        f"{name}: {several(count, 'product')} {'comes' if count == 1 else 'come'} from tape, as many as `orders`"
        f" allows; {several(held[name], 'download')} that may have to {'waits' if held[name] == 1 else 'wait'} for that"
        for name, count in coming.items()
        if held[name] and count >= parts.downloads.how(name).most_orders
    ]


def _volumes(parts: Parts, db: sqlite3.Connection, name: str, waiting: int, moment: datetime) -> list[str]:
    from watcher.core.archive.limits import held_until, reached, spent
    from watcher.core.wording import bytes_word
    from watcher.store import volumes

    how = parts.downloads.how(name)
    if how.daily is None and how.monthly is None:
        return []
    used = volumes.used(db, name, now=moment)
    parts_of_it = [
        f"{bytes_word(spent(used, today=moment.date(), monthly=monthly)) or 'nothing'} of {bytes_word(cap)} {span}"
        for span, cap, monthly in (("today", how.daily, False), ("this month", how.monthly, True))
        if cap is not None
    ]
    line = f"{name}: fetched {' and '.join(parts_of_it)}"
    held = held_until(used, daily=how.daily, monthly=how.monthly, now=moment)
    day = None if how.monthly is None else reached(used, how.monthly, now=moment)
    if held is not None:
        until, span = held
        line += (
            f"; the {span}'s volume is used up, and {several(waiting, 'download')} wait{'s' if waiting == 1 else ''}"
            f" until {until:%Y-%m-%d %H:%M} UTC ({ago(until, moment)})"
        )
    elif day is not None:
        line += f"; at this pace the month's volume is used up on {day:%Y-%m-%d}"
    return [line]
