"""A subscription as a table: written with what is not usual, read strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import time
from typing import Any

import msgspec

from watcher.core.agreements import terms
from watcher.core.agreements.documents.keys import POLICIES, read
from watcher.errors import UsageError
from watcher.model import FOR_GOOD, Rhythm, Subscription
from watcher.names import plain


class Misread(UsageError):
    """A table of a document that cannot be taken; `key` is the key in it at which that was seen, if it was at one."""

    def __init__(self, message: str, *, hint: str | None, key: str | None) -> None:
        super().__init__(message, hint=hint)
        self.key = key


class Draft(msgspec.Struct, frozen=True):
    """A subscription as a document says it.

    `terms` has neither number nor address nor sites: `id` is the number of the one that is meant, `address` what a
    person would subscribe with, `sites` are named (`None`: every one). `stands_for` shows an address that is kept
    secret.
    """

    terms: Subscription
    address: str
    id: int | None
    sites: tuple[str, ...] | None
    stands_for: str | None


def table(
    subscription: Subscription, *, address: str, stands_for: str | None, sites: Mapping[int, str]
) -> dict[str, Any]:
    """Return a subscription as a table: what is usual is left out, but for events, rhythm and zone."""
    rhythm, muted, since = subscription.rhythm, subscription.muted, subscription.acquired_since
    places = subscription.sites
    said: dict[str, Any] = {
        "id": subscription.number,
        "address": address,
        "stands_for": stands_for,
        "name": subscription.name or None,
        "sites": None if places is None else sorted(sites[number] for number in places),
        "tags": list(subscription.tags) or None,
        "levels": list(subscription.levels) or None,
        "collections": list(subscription.collections) or None,
        "platforms": list(subscription.platforms) or None,
        "events": [event.value for event in subscription.events],
        "max_cloud": _short(subscription.max_cloud),
        "unknown_cloud": None if subscription.max_cloud is None else POLICIES[subscription.unknown_cloud],
        "min_coverage": _short(subscription.min_coverage),
        "since": since.date() if since is not None and since.time() == time() else since,
        "every": rhythm.every,
        "at": f"{rhythm.at:%H:%M}" if rhythm.every in ("day", "week") else None,
        "on": terms.WEEKDAYS[rhythm.weekday].lower() if rhythm.every == "week" else None,
        "zone": rhythm.zone,
        "quiet": "{:%H:%M}-{:%H:%M}".format(*rhythm.quiet) if rhythm.quiet else None,
        "muted": True if muted is not None and muted >= FOR_GOOD else muted,
        "fields": list(subscription.fields) or None,
        "still": subscription.still or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def draft(table: Mapping[str, Any], *, zone: str) -> Draft:
    """Read a table; `zone` is the time zone where it names none. Raises `Misread`."""
    said: dict[str, Any] = {}
    for name, value in table.items():
        try:
            said[name] = read(name, value)
        except UsageError as error:
            said_so = plain(name, limit=60) + ("" if name == "address" else f" = {_shown(value)}")  # it may be a secret
            raise Misread(f"{said_so}: {error}", hint=error.hint, key=name) from error
    if not said.get("address"):
        hint = "write an e-mail address, a channel's name or an Apprise URL"
        raise Misread("it has no address", hint=hint, key="address")
    try:
        times = {name: said.get(name) for name in ("every", "at", "zone", "quiet")}
        rhythm = terms.rhythm(Rhythm(zone=zone), **times, weekday=said.get("on"))
        agreed = terms.checked(Subscription(0, "", said.get("name", ""), rhythm=rhythm, **_agreed(said)))
    except UsageError as error:
        raise Misread(str(error), hint=error.hint, key="every" if "every" in said else None) from error
    return Draft(agreed, said["address"], said.get("id"), said.get("sites"), said.get("stands_for"))


def _agreed(said: Mapping[str, Any]) -> dict[str, Any]:
    names = {"tags", "levels", "collections", "platforms", "events", "max_cloud", "unknown_cloud", "min_coverage"}
    found = {name: said[name] for name in names | {"muted", "fields", "still"} if name in said}
    return found | ({"acquired_since": said["since"]} if "since" in said else {})


def _short(number: float | None) -> float | None:
    return int(number) if number is not None and number.is_integer() else number


def _shown(value: Any) -> str:
    return plain(json.dumps(value, default=str, ensure_ascii=False), limit=80)
