"""Whether watcher itself is well: what an operator is told of, once, and when it is over.

Each judgement returns a concern, or `None`. The first word of its topic is its family; as long as one of that topic is
open, nobody is told of it again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from watcher.core.moments import lasting
from watcher.core.outbox import Standing
from watcher.core.wording import bytes_word
from watcher.decoding import decoder
from watcher.model import Subscription
from watcher.names import plain

_SCARCE = 0.1
"""A disk with more than that share free is not nearly full, however small it is."""

_QUIET = timedelta(days=1)
"""An address that took nothing for so long is worth a word, though it is still tried."""


class Concern(msgspec.Struct, frozen=True):
    """What is not well, as a person is told of it, with the way out."""

    topic: str
    title: str
    body: str
    hint: str | None = None


class Unmatched(msgspec.Struct, frozen=True):
    """A watch whose filter has let nothing pass, of so many products `seen`."""

    site: str
    catalogue: str
    collection: str
    level: str | None
    max_cloud: float | None
    since: datetime | None
    seen: int


def failing(catalogue: str, *, failures: int, since: datetime | None, problem: str | None, most: int) -> Concern | None:
    """Judge a catalogue by how many polls have failed since the last that went well; `since` is when that was."""
    if failures < most or problem is None:
        return None
    # A moment, not how long ago: `watcher status` shows it for as long as it lasts.
    good = (
        f"the last that went well ended at {since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        if since
        else "none has gone well yet"
    )
    return Concern(
        f"catalogue {catalogue}",
        f"{catalogue} cannot be read",
        f"{failures} polls in a row have failed; {good}.\n{_short(problem)}\n"
        "Nothing is lost by that: what is published meanwhile is asked for once it answers again.",
        f"watcher check --catalogue {catalogue}",
    )


def unread(catalogue: str, *, count: int, since: datetime, where: str, problem: str) -> Concern:
    """Tell of items that a catalogue lists and that cannot be read; the first is of the collection `where`."""
    one = count == 1
    return Concern(
        f"unread {catalogue}",
        f"{catalogue} lists {'an item' if one else f'{count:,} items'} that cannot be read",
        f"Since {since:%Y-%m-%d %H:%M} UTC. {'It is' if one else 'The first is'} of {where}: {_short(problem)}\n"
        f"Nothing is heard of {'it' if one else 'them'} until that is mended; all else is read, and told as ever.",
        f"tell its provider, or report it to watcher: watcher status --json shows {'it' if one else 'them'}",
    )


def missing(catalogue: str) -> Concern:
    """Tell of a catalogue that is watched, and that nobody asks: it is not in the configuration (any more)."""
    return Concern(
        f"missing {catalogue}",
        f"{catalogue} is watched, but not in the configuration",
        "It is not asked, so nothing of it is heard of.\n"
        "Nothing is lost by that: what is published meanwhile is asked for once it is configured again.",
        f"restore [catalogues.{catalogue}], or remove its sites: watcher sites",
    )


def refused(catalogue: str, problem: str, *, downloads: bool = False) -> Concern:
    """Tell of an account that a catalogue refuses, or of a credential that is not there."""
    return Concern(
        refusal(catalogue, downloads=downloads),
        f"The account of {catalogue} cannot be used",
        f"{_short(problem)}\nWhat needs the account waits until it is mended.",
        f"watcher check --catalogue {catalogue}",
    )


CLUSTER = "cluster downloads"
"""The topic of a cluster that cannot fetch."""


def idle(problem: str) -> Concern:
    """Tell of a cluster that is to fetch, and cannot."""
    return Concern(
        CLUSTER,
        "The dask cluster does not fetch",
        f"{_short(problem)}\nAll downloads wait until it does; nothing is lost by that.",
        "watcher check",
    )


def refusal(catalogue: str, *, downloads: bool) -> str:
    """Return the topic of an account that is refused: by polls, or by downloads."""
    return f"{'account' if downloads else 'credential'} {catalogue}"


def expiring(catalogue: str, expires: datetime, *, within: timedelta, now: datetime) -> Concern | None:
    """Judge a credential by when it expires."""
    left = expires - now
    if left > within:
        return None
    when = f"{expires.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    title = f"The credential of {catalogue} expires in {lasting(left)}"
    if left <= timedelta(0):
        title = f"The credential of {catalogue} has expired"
    return Concern(
        f"expiry {catalogue}",
        title,
        f"It is good until {when}; after that the catalogue refuses what needs an account.",
        "put a new one in its place, and restart or reload the service",
    )


def expiry(secret: str) -> datetime | None:
    """Return when a secret expires that says so itself: a JSON Web Token (RFC 7519 §4.1.4); `None` for any other."""
    parts = secret.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = _claims(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(claims.exp, UTC)
    except (binascii.Error, msgspec.MsgspecError, ValueError, OverflowError, OSError):
        return None


class _Claims(msgspec.Struct):
    exp: float


_claims = decoder(_Claims).decode


def scarce(name: str, place: str, *, free: int, total: int, least: int, reserve: int = 0) -> Concern | None:
    """Judge a disk by what is `free`, in bytes: nearly full is below `least` and a tenth, or at the `reserve`."""
    if free > reserve and (free >= least or free >= _SCARCE * total):
        return None
    stops = f" Downloads stop where {bytes_word(reserve)} are left." if reserve else ""
    return Concern(
        f"disk {name}",
        f"The disk of the {name} is nearly full",
        f"{bytes_word(free) or 'nothing'} of {bytes_word(total) or '0 B'} are free at {place}.{stops}",
        "free some space; watcher goes on by itself",
    )


def unmounted(place: str, problem: str, hint: str | None) -> Concern:
    """Tell of an archive in which there is nothing any more, as if its disk were not mounted."""
    body = f"{_short(problem)}\nAll downloads wait until it is back; nothing is lost by that."
    return Concern(f"archive {place}", "The archive is empty", body, hint)


def unmatched(watch: Unmatched, *, least: int) -> Concern | None:
    """Judge a watch whose filter has let nothing pass by how much it was shown."""
    if watch.seen < least:
        return None
    terms = [
        *([f"cloud up to {watch.max_cloud:g} %"] if watch.max_cloud is not None else []),
        *([f"acquired since {watch.since:%Y-%m-%d}"] if watch.since is not None else []),
    ]
    what = " ".join(filter(None, (watch.catalogue, watch.collection, watch.level)))
    return Concern(
        f"filter {watch.site} {what}",
        f"Nothing has ever passed the filter of {plain(watch.site, limit=100)}",
        f"{what}, {' and '.join(terms)}: none of the {watch.seen} products seen there is like that.",
        "if that is not meant, give it other terms: watcher add-site",
    )


def unheard(shown: str, standing: Standing, *, given_up: int, waiting: int, now: datetime) -> Concern | None:
    """Judge an address by how it takes what is sent to it, and by how many deliveries to it were given up since."""
    problem = _short(standing.problem or "")
    if standing.aside is not None:
        return Concern(
            f"address {shown}",
            f"{shown} is told of nothing any more",
            f"The address refuses notices for good, and is set aside: {problem}\n{_left(given_up, waiting)}",
            f"once it is mended: watcher retry {shown} sends all of it",
        )
    if given_up:
        return Concern(
            f"notices {shown}",
            f"{shown} has missed notices",
            f"{_left(given_up, waiting)}\n{problem}".rstrip(),
            f"watcher deliveries {shown} says why; watcher retry {shown} tries again",
        )
    if standing.failing is not None and now - standing.failing >= _QUIET:
        return Concern(
            f"waiting {shown}",
            f"{shown} takes no notices",
            f"Nothing could be sent to it for {lasting(now - standing.failing)}: {problem}\n{_left(0, waiting)}\n"
            "It is tried once an hour, and gets what waits as one notice.",
            f"watcher deliveries {shown}",
        )
    return None


SELF_TEST = "self-test"


def unsound(problem: str) -> Concern:
    """Tell of a self-test that failed."""
    return Concern(
        SELF_TEST,
        "The self-test fails",
        f"A product made up for the test did not get through: {_short(problem)}\n"
        "New products may not be told of. Under systemd the service is started anew if that does not pass.",
        "watcher check; if it says that all is well, please report this",
    )


def over(topic: str, *, raised: datetime, now: datetime) -> Concern | None:
    """Return what is told when a concern is over; `None` where that goes without saying."""
    family, _, name = topic.partition(" ")
    took = lasting(now - raised)
    told = {
        "catalogue": (f"{name} can be read again", f"It could not for {took} since that was said."),
        "unread": (
            f"All that {name} lists can be read",
            f"What could not is read or gone, {took} after that was said.",
        ),
        "missing": (f"{name} is asked again", f"It was not in the configuration for {took} since that was said."),
        "credential": (f"The account of {name} can be used again", f"It could not be for {took} since that was said."),
        "account": (f"The account of {name} can be used again", f"It could not be for {took} since that was said."),
        "disk": (f"The disk of the {name} has room again", f"It was nearly full for {took}."),
        "archive": ("The archive is there again", f"It was empty for {took} since that was said."),
        "address": (f"{name} is told of things again", f"It was set aside for {took}."),
        "waiting": (f"{name} takes notices again", "What waited has been sent as one notice, or will be in a minute."),
        "cluster": ("The dask cluster fetches again", f"It did not for {took}."),
        SELF_TEST: ("The self-test passes again", f"It failed for {took}."),
    }
    return Concern(topic, *told[family]) if family in told else None


def still(
    subscription: Subscription,
    *,
    watches: int,
    sites: int,
    refused: int,
    read: Mapping[str, datetime | None],
    since: datetime,
    now: datetime,
) -> Concern:
    """Say that all is looked at though nothing was sent for a week.

    So many products arrived there that the subscription `refused`; `read` is when each catalogue was last read.
    """
    day = f"{since.astimezone(ZoneInfo(subscription.rhythm.zone)):%Y-%m-%d}"
    lines = [f"Nothing that you asked for has come since {day}."]
    if refused:
        lines.append(f"{refused:,} products arrived that your subscription does not ask for.")
    where = f"{sites:,} sites are" if sites != 1 else "1 site is"
    lines.append(f"{where} looked at, by {watches:,} {'watches' if watches != 1 else 'watch'}.")
    for name, last in sorted(read.items()):
        lines.append(f"{name}: " + (f"last read {lasting(now - last)} ago." if last else "not read yet."))
    return Concern(
        f"{subscription.number} {day}", "Still looking, nothing new", "\n".join(lines), "watcher why-not SITE DATE"
    )


def flood(catalogue: str, *, count: int, size: int, sites: Collection[str], most: int) -> Concern:
    """Ask whether more downloads are wanted than may come by themselves."""
    names = sorted(sites)
    where = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    volume = f", {bytes_word(size)}" if size else ""
    return Concern(
        f"approval {catalogue}",
        f"{count:,} downloads from {catalogue} wait for approval",
        f"One poll wanted {count:,} products{volume}, for {where}. More than {most:,} do not come by themselves"
        " (download.approve_above).",
        "watcher approve shows them; watcher approve --all lets them come, watcher approve --all --refuse does not",
    )


def _left(given_up: int, waiting: int) -> str:
    said = [f"{given_up:,} {'was' if given_up == 1 else 'were'} given up"] if given_up else []
    said += [f"{waiting:,} {'waits' if waiting == 1 else 'wait'}"] if waiting else []
    return f"Of its deliveries {' and '.join(said)}." if said else "It is owed nothing now."


def _short(problem: str) -> str:
    return plain(problem, limit=600)
