"""Subscriptions carried out of watcher, and in, as a document; and as rows for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec.structs import replace

from watcher.cli.output import several
from watcher.errors import UsageError, WatcherError

if TYPE_CHECKING:
    import sqlite3

    from watcher.core.agreements.documents import Draft, Format
    from watcher.model import Subscription
    from watcher.wiring import Parts

_SHOWN = 10
"""So many problems are told at once."""

A = TypeVar("A")
B = TypeVar("B")


def give(parts: Parts, db: sqlite3.Connection, chosen: Sequence[Subscription], form: Format) -> None:
    """Print subscriptions as a document."""
    from watcher.core.agreements.documents import document

    names = _names(db)
    click.echo(document([_table(parts, one, names) for one in chosen], form), nl=False)


_UNSAID: dict[str, Any] = {
    **dict.fromkeys(("tags", "levels", "collections", "platforms", "fields"), ()),
    "still": False,
}
"""What is not `null` in a row where a document leaves it out."""


def listed(parts: Parts, db: sqlite3.Connection, chosen: Sequence[Subscription]) -> list[dict[str, Any]]:
    """Return subscriptions as rows with every key of a document: what is left out there is `null`, or an empty list.

    `sites` that are `null` are all of them.
    """
    from watcher.core.agreements.documents import KEYS
    from watcher.core.agreements.promise import promise
    from watcher.wiring import now

    names, moment = _names(db), now()
    return [
        {
            **{key: _UNSAID.get(key) for key in KEYS if key != "stands_for"},
            **{key: value for key, value in _table(parts, one, names).items() if key != "stands_for"},
            "address": parts.addresses.shown(one),
            "changed": one.changed,
            "hears": promise(one, parts.addresses.shown(one), names, now=moment),
        }
        for one in chosen
    ]


def take(parts: Parts, file: Path) -> None:
    """Read a document, and add or change what it says; all of it is checked before anything is written."""
    from watcher.cli.told.subscribe import forget_unused
    from watcher.cli.told.zones import here
    from watcher.core.agreements.documents import draft, parsed
    from watcher.core.agreements.terms import essence
    from watcher.store import subscriptions
    from watcher.store.connection import writing

    page = _Page(*_text(file))
    try:
        found = parsed(page.text)
    except UsageError as error:
        raise UsageError(f"{page.name}: {error}", hint=error.hint) from error
    db = parts.db()
    zone = here()
    drafts = page.each(found, lambda table: draft(table, zone=zone))
    addresses = page.each(drafts, lambda one: _address(parts, one))
    whose = list(zip(drafts, addresses, strict=True))
    try:
        with writing(db):
            known = subscriptions.every(db)
            taken: set[int] = set()
            meant = page.each(whose, lambda pair: _meant(parts, db, *pair, known=known, taken=taken))
            addresses = [parts.addresses.kept(address) for address in addresses]
            alike: dict[Subscription, list[Subscription]] = {}
            for one in known:
                alike.setdefault(essence(one), []).append(one)
            states = [_put(db, replace(one, address=to), alike) for one, to in zip(meant, addresses, strict=True)]
    finally:
        for address in addresses:
            forget_unused(parts, db, address)
    _say(parts, db, page.name, states)


class _Page:
    """A document that is read: its name, and where in it something stands."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text

    def each(self, values: Sequence[A], work: Callable[[A], B]) -> list[B]:
        """Do something for each table of the document; raise one `UsageError` that names all for which it failed."""
        done, problems = [], []
        for index, value in enumerate(values):
            try:
                done.append(work(value))
            except WatcherError as error:
                hint = f"\n      → {error.hint}" if error.hint else ""
                problems.append(f"\n  {self._place(index, error)}: {error}{hint}")
        if problems:
            count = f"{len(problems):,} of {several(len(values), 'subscription')}"
            shown = "".join(problems[:_SHOWN]) + ("\n  …" if len(problems) > _SHOWN else "")
            raise UsageError(f"{self.name}: {count} cannot be taken, so none is:{shown}")
        return done

    def _place(self, index: int, error: WatcherError) -> str:
        from watcher.core.agreements.documents import line

        found = line(self.text, index, getattr(error, "key", None))
        return f"subscriptions[{index}]" if found is None else f"line {found}"


def _text(file: Path) -> tuple[str, str]:
    """Return the name and the text of a file, `-` being what is given on standard input."""
    name = "standard input" if str(file) == "-" else str(file)
    hint = "`watcher subscriptions --export` writes one to start from"
    try:
        return name, (sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()).decode()
    except FileNotFoundError as error:
        raise UsageError(f"there is no {name}", hint=hint) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {name}: {error}", hint=hint) from error


def _address(parts: Parts, one: Draft) -> str:
    from watcher.core.agreements.documents import Misread

    try:
        return parts.addresses.checked(one.address)
    except WatcherError as error:
        stands_for = f" ({one.stands_for})" if one.stands_for and one.address.startswith("url:") else ""
        raise Misread(f"{error}{stands_for}", hint=error.hint, key="address") from error


def _meant(
    parts: Parts,
    db: sqlite3.Connection,
    one: Draft,
    address: str,
    *,
    known: Sequence[Subscription],
    taken: set[int],
) -> Subscription:
    """Return a subscription as it is meant here; its number is 0 if it is none of those that exist."""
    from watcher.core.agreements.documents import Misread
    from watcher.store import sites

    places = None
    if one.sites is not None:
        try:
            places = tuple({sites.named(db, name).number: None for name in one.sites})
        except UsageError as error:
            raise Misread(str(error), hint=error.hint, key="sites") from error
    before = next((other for other in known if other.number == one.id), None)
    if before is not None and before.address != address:
        hint = f"leave id out to add this one; another address: watcher edit-subscription {before.number} --to ADDRESS"
        whose = f"subscription {before.number} here is that of {parts.addresses.shown(before)}, not of this address"
        raise Misread(whose, hint=hint, key="id")
    if before is not None and before.number in taken:
        hint = "leave one of them out"
        raise Misread(f"subscription {before.number} is in this document twice", hint=hint, key="id")
    taken.add(before.number if before else 0)
    return replace(one.terms, number=before.number if before else 0, address=address, sites=places)


def _put(
    db: sqlite3.Connection, wanted: Subscription, known: dict[Subscription, list[Subscription]]
) -> tuple[str, Subscription]:
    """Add or change a subscription; return which it was, and it. `known` are those that exist, by essence."""
    from watcher.core.agreements.terms import essence
    from watcher.store import subscriptions
    from watcher.wiring import now

    alike = known.setdefault(essence(wanted), [])
    same = next((one for one in alike if wanted.number in (0, one.number)), None)
    if same is not None:
        return "as before", same
    if wanted.number:
        subscriptions.change(db, wanted, now=now())
        return "changed", wanted
    added = replace(wanted, number=subscriptions.add(db, wanted, now=now()))
    alike.append(added)
    return "new", added


def _say(parts: Parts, db: sqlite3.Connection, name: str, states: Sequence[tuple[str, Subscription]]) -> None:
    from watcher.cli.told.subscribe import say
    from watcher.wiring import now

    counts = {word: sum(state == word for state, _ in states) for word in ("new", "changed", "as before")}
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    click.echo(f"{several(len(states), 'subscription')} read from {name}: {told or 'nothing to do'}.")
    say(parts, db, *(one for state, one in states if state != "as before"), now=now())


def _table(parts: Parts, subscription: Subscription, names: Mapping[int, str]) -> dict[str, Any]:
    from watcher.core.agreements.documents import table

    address, stands_for = parts.addresses.written(subscription)
    return table(subscription, address=address, stands_for=stands_for, sites=names)


def _names(db: sqlite3.Connection) -> dict[int, str]:
    from watcher.store import sites

    return {site.number: site.name for site in sites.every(db)}
