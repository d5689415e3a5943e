"""The words of watcher, as values.

They follow STAC, OGC and CEOS where those have a word. Times are aware and UTC, coordinates are WGS84 in the
order longitude, latitude (RFC 7946 §4), sizes are bytes, cloud cover is percent.

Values that are made by the thousand are `msgspec.Struct`: building a frozen one costs a tenth of a frozen
dataclass, and a poll of 15,000 products is bound by it. Those that cannot be part of a cycle are no business of the
garbage collector's (`gc=False`), which otherwise looks at each of them again and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Literal

import msgspec

from watcher.levels import Level as Level
from watcher.levels import level as level


class Asset(msgspec.Struct, frozen=True, gc=False):
    """One file of a product (STAC Asset).

    `key` is its key in the catalogue, `checksum` is `algorithm:hex` with hashlib's name for the algorithm
    (`md5:77ca…`), `size` is in bytes. `online` is false for a file that its provider has to bring from tape first.
    `None` means that the catalogue does not say.
    """

    key: str
    href: str
    type: str | None = None
    size: int | None = None
    checksum: str | None = None
    online: bool | None = None


class Product(msgspec.Struct, frozen=True, gc=False):
    """One EO product as a catalogue describes it (its record is a STAC Item).

    `learnt` is when the catalogue learnt of it, by the property that its adapter uses as a cursor; `None` where
    there is none. `revision` tells one processing of an acquisition from the next: see
    `watcher.core.identity.revisions`. `geometry` is a GeoJSON geometry as UTF-8 JSON. `code` is the site's code in the
    catalogue (`zone_geo`), `grid` the cell of a reference grid that it covers (STAC `grid:code`: `MGRS-31TCJ`,
    `WRS2-198030`). `link` is a page or record of the product for people. `withdrawn` is why the catalogue says that it
    took the product away; `None` while it offers it.
    """

    collection: str
    id: str
    title: str
    level: Level | None
    acquired: datetime | None
    revision: str
    published: datetime | None = None
    updated: datetime | None = None
    learnt: datetime | None = None
    cloud: float | None = None
    platform: str | None = None
    instrument: str | None = None
    geometry: bytes | None = None
    code: str | None = None
    link: str | None = None
    quicklook: str | None = None
    assets: tuple[Asset, ...] = ()
    grid: str | None = None
    withdrawn: str | None = None


class Site(msgspec.Struct, frozen=True):
    """A named place.

    `geometry` is GeoJSON (UTF-8 JSON), `origin` says where that geometry comes from. `grid` is the cell that the site
    is (STAC `grid:code`), for one that was named by its tile or path and row: neighbours overlap it, and are not meant.
    """

    number: int
    name: str
    geometry: bytes | None
    country: str | None
    origin: str
    paused: bool = False
    grid: str | None = None


class Watch(msgspec.Struct, frozen=True):
    """A standing interest: one site, one collection of one catalogue, one level, a filter.

    `level` `None` is every level; `code` is the site's code in that catalogue, `None` to ask by geometry;
    `since` is the earliest acquisition of interest; `download` `None` leaves it to the configuration;
    `assets` are the files that come (keys, patterns, roles), none is those that the settings of the catalogue choose;
    `announce` asks that what the first poll finds be announced; `baselined` is when the first poll succeeded;
    `looked_from` is the earliest acquisition that the baseline covers, `None` if it covers all; `cursor` is the newest
    time at which the catalogue learnt of something that we have stored for it; `reread` is when it was last asked for
    as far behind the cursor as late publications need it once a day.
    """

    number: int
    site: Site
    catalogue: str
    collection: str
    level: Level | None
    code: str | None = None
    max_cloud: float | None = None
    since: datetime | None = None
    download: bool | None = None
    announce: bool = False
    baselined: datetime | None = None
    looked_from: datetime | None = None
    cursor: datetime | None = None
    reread: datetime | None = None
    assets: tuple[str, ...] = ()


class Event(StrEnum):
    """What a person may be told of.

    The first four happen to a product at a site, and make an arrival. `RETURNED`: it is listed again after it was
    withdrawn; nobody asks for that, those who heard of the withdrawal are told. `DOWNLOADED`: the files of one are at
    home. `LATE`: an expected product has not come. `HEALTH`: watcher itself is in trouble, or well again.
    """

    NEW = "new"
    REVISED = "revised"
    WITHDRAWN = "withdrawn"
    RETURNED = "returned"
    DOWNLOADED = "downloaded"
    LATE = "late"
    HEALTH = "health"


ARRIVALS = (Event.NEW, Event.REVISED, Event.WITHDRAWN)
"""What a subscription asks for unless it says otherwise."""

FOR_GOOD = datetime(9999, 12, 31, tzinfo=UTC)
"""Until when a subscription is muted that is not to be heard of again before somebody says so."""


FIELDS = ("acquired", "level", "platform", "cloud", "coverage", "size", "change", "link", "file", "catalogue")
"""The columns that a notice can have: what a subscriber may choose from, in the order of their choice."""


class Rhythm(msgspec.Struct, frozen=True):
    """When a subscriber wants to hear: at once with each `pass`, at each full `hour`, once a `day` or a `week`.

    `at` is the local time of day of the last two, `weekday` the day of the last (0 is Monday, ISO 8601's 1), `zone` an
    IANA time zone. In `quiet` hours (from, until; local, over midnight where `until` is earlier) nothing is sent.
    """

    every: Literal["pass", "hour", "day", "week"] = "pass"
    at: time = time(8)
    weekday: int = 0
    zone: str = "UTC"
    quiet: tuple[time, time] | None = None


class Subscription(msgspec.Struct, frozen=True):
    """A person's standing request to hear of arrivals.

    `address` is what deliveries are keyed by: a reference, never a secret. What is meant are the `sites` by number and
    those that have one of the `tags`; without either, every site, also those to come. `levels`, `collections` and
    `platforms` empty are all of them; the last two may hold `*`. A cloud cover that is not known passes `max_cloud` if
    `unknown_cloud` says so; coverage (how much of the site the footprint covers, percent) that is not known passes
    `min_coverage`. `muted` is until when nothing is owed, `fields` which `FIELDS` a notice has, in their order, `still`
    asks for a word once a week though nothing came, `changed` is since when these terms hold.
    """

    number: int
    address: str
    name: str
    sites: tuple[int, ...] | None = None
    levels: tuple[Level, ...] = ()
    max_cloud: float | None = None
    tags: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    events: tuple[Event, ...] = ARRIVALS
    unknown_cloud: bool = True
    min_coverage: float | None = None
    acquired_since: datetime | None = None
    rhythm: Rhythm = Rhythm()
    muted: datetime | None = None
    fields: tuple[str, ...] = ()
    still: bool = False
    changed: datetime | None = None


class Query(msgspec.Struct, frozen=True):
    """One question to one catalogue.

    `code` or `geometry` (GeoJSON, UTF-8 JSON) say where, neither is everywhere; `level` how far processed;
    `learnt_since` asks for what the catalogue learnt at or after that time; `acquired` is the window of acquisition,
    both ends included, `None` for an open end. `brief` says that identity, revision and acquisition are enough: an
    adapter may spare the server the rest. `known` names products by id with the revision that the asker has: of one
    that is listed just so, identity, revision and acquisition are enough.
    """

    collection: str
    level: Level | None = None
    code: str | None = None
    geometry: bytes | None = None
    learnt_since: datetime | None = None
    acquired: tuple[datetime | None, datetime | None] = (None, None)
    brief: bool = False
    known: Mapping[str, str] = {}


class Capability(msgspec.Struct, frozen=True):
    """What a catalogue can be asked.

    `learns`: it can list what it learnt since a time. `codes`: it knows sites by a code of its own. `sweeps`: it can
    list what it learnt everywhere, without a place. `places`: how many places one question may join to a MultiPolygon.
    `page`: how many products an answer holds.
    """

    learns: bool
    codes: bool
    sweeps: bool = False
    places: int = 1
    page: int = 100


class Holding(msgspec.Struct, frozen=True):
    """A collection as its catalogue describes it, for `watcher catalogues NAME`.

    `levels` are ours where the catalogue or the preset says them; `first` and `last` are its temporal extent, an open
    end is `None`; `count` is how many products it says it has.
    """

    collection: str
    title: str = ""
    levels: tuple[Level, ...] = ()
    first: datetime | None = None
    last: datetime | None = None
    count: int | None = None


class Candidate(msgspec.Struct, frozen=True):
    """A site as a catalogue knows it, found by name: what `add-site` shows and chooses from."""

    code: str
    collection: str
    country: str | None
    geometry: bytes | None
    levels: dict[str, int]
    first: datetime | None
    last: datetime | None


class Finding(msgspec.Struct, frozen=True):
    """One line of `watcher check`: what was looked at, whether it is well, and how to mend it if not."""

    subject: str
    well: bool
    text: str
    hint: str | None = None


class Picture(msgspec.Struct, frozen=True):
    """A picture that goes with a notice: its file name, a JPEG of ours, and the same in words.

    `before` is one that is shown for comparison only.
    """

    name: str
    jpeg: bytes
    words: str
    before: bool = False

    @property
    def cid(self) -> str:
        """What the page calls it by (RFC 2392): `<img src="cid:…">`."""
        return f"{self.name}@watcher"


class Short(msgspec.Struct, frozen=True):
    """A notice for services with little room.

    As many `blocks` are shown as fit, from the first; then the end for that number of them, `ends[0]` for none.
    """

    blocks: tuple[str, ...]
    ends: tuple[str, ...]


class Notice(msgspec.Struct, frozen=True):
    """What a person reads: a subject, and the same message as text, as HTML, and short.

    `key` tells it from every other; `follows` are the keys of the notices that it goes on with, oldest first.
    `unsubscribe` is an address on the web that ends the subscription. `again` says that it was tried before.
    """

    key: str
    subject: str
    text: str
    html: str
    short: Short | None = None
    pictures: tuple[Picture, ...] = ()
    follows: tuple[str, ...] = ()
    unsubscribe: str | None = None
    again: bool = False


class Outcome(StrEnum):
    """How handing over a notice went. `UNKNOWN`: no answer in time, so it may have arrived all the same."""

    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Sent(msgspec.Struct, frozen=True):
    """What became of one post: its index among those handed over, and what went wrong, without secrets.

    `answer` is what the provider said when it took it (`250 2.0.0 queued`), where that is known. `permanent` says that
    trying again cannot help, because the address or the notice itself was refused; a failure is temporary unless it is
    known to be permanent. `seconds` is how long it took, where that was measured.
    """

    index: int
    outcome: Outcome
    problem: str | None = None
    answer: str | None = None
    permanent: bool = False
    seconds: float | None = None


class Unread(msgspec.Struct, frozen=True):
    """An item of an answer that could not be read as a product, and why.

    `id` is its id in the catalogue, "" where none can be read; `raw` is the first 68 KiB of its JSON, `digest` one of
    all of it.
    """

    id: str
    problem: str
    raw: str
    digest: str

    @property
    def mark(self) -> str:
        """What tells it from others of the same answer."""
        return self.id or self.digest

    @property
    def told(self) -> str:
        """Which one it is, and why, for people."""
        return f"{self.id}: {self.problem}" if self.id else self.problem


Page = Sequence[Product]
"""What one answer of a catalogue listed, in its order."""


class OddPage(list[Product]):
    """A page beside whose products the server listed what cannot be read: `odd`."""

    def __init__(self, products: Iterable[Product], odd: Sequence[Unread]) -> None:
        super().__init__(products)
        self.odd = odd
