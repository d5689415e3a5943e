"""The tables of the file: each key with its type and its default. Durations are seconds, sizes bytes."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from watcher.credentials import Secret
from watcher.quantities import Bytes, Seconds


class PollTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[poll]`: how often catalogues are asked, and how far back the acquisitions are listed.

    The interval adapts to when a catalogue publishes, between `min_interval` and `max_interval`. `contact` is told to
    catalogues, so that whoever runs one can ask who asks.
    """

    interval: Seconds = Seconds(900)
    min_interval: Seconds | None = None
    max_interval: Seconds | None = None
    jitter: Seconds = Seconds(60)
    lookback: Seconds = Seconds(90 * 86400)
    contact: str = ""

    def bounds(self) -> tuple[Seconds, Seconds]:
        """Return the least and the longest interval: five minutes and six hours, or the usual one if that is beyond."""
        least = min(Seconds(300), self.interval) if self.min_interval is None else self.min_interval
        most = max(Seconds(6 * 3600), self.interval) if self.max_interval is None else self.max_interval
        return least, most


class NotifyTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[notify]`: how often owed notices are sent, how long they wait for a download, and how long one may take.

    `once` tells of an acquisition that several catalogues have from the first of them; otherwise from each. `pictures`
    shows quicklooks. `public_url` is where people reach this watcher on the web, for links that end a subscription.
    """

    interval: Seconds = Seconds(30)
    wait: Seconds = Seconds(120)
    timeout: Seconds = Seconds(30)
    once: bool = True
    pictures: bool = True
    public_url: str | None = None

    def __post_init__(self) -> None:
        if self.public_url is not None and not re.fullmatch(r"https?://[!-~]+", self.public_url):
            raise ValueError(f'public_url "{self.public_url}" is no address: write it as https://host/path')


class TlsTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`download.tls`: what is shown to a scheduler, and asked of it: PEM files."""

    ca: str
    cert: str
    key: str


class BucketTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[download.bucket]`: how the bucket that `download.archive` names is reached.

    `endpoint` is the address of a store that is not the cloud's own; `virtual_hosted` has the bucket's name in its
    host. Of credentials that are not here, the environment and the machine's role are asked: S3 takes `access_key_id`,
    `secret_access_key` and perhaps `session_token`, GCS `service_account` (its key, JSON), Azure `account_name`, and
    `account_key` or `sas_token`. What is larger than `part_size` is sent in parts; with `checksums` an S3 store is
    given the SHA-256 of each request, to compare.
    """

    endpoint: str | None = None
    region: str | None = None
    virtual_hosted: bool = False
    access_key_id: Secret | str | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    service_account: Secret | None = None
    account_name: str | None = None
    account_key: Secret | None = None
    sas_token: Secret | None = None
    part_size: Bytes = Bytes(8 << 20)
    checksums: bool = True
    allow_insecure: bool = False
    ca_bundle: str | None = None
    proxy: str | None = None


class DownloadTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[download]`: which levels come home, where to, how many at once, and the space that is left free.

    `archive` is a directory, or a bucket (``s3://BUCKET/PREFIX``, ``gs://``, ``az://``), see `BucketTable`; `spool` the
    directory in which what goes to a bucket is proven first. `layout` is a template of places in the archive, see
    `watcher.core.archive.shelves.layout`. If one poll wants more products than `approve_above`, they wait for approval.
    `bandwidth` is a rate for all day or a timetable of them, see `watcher.core.archive.limits.timetable`; `site_quota`
    what may lie on the shelf of one site. `order` says which acquisitions come first, after those of `sites`;
    `revisions` which processings of one come; `sidecar` puts a STAC Item beside each product. The `engine` is who
    fetches: threads here, or the workers of a dask cluster, by its `scheduler` and the certificates of `tls`. What was
    stored longer than `keep` ago leaves the archive, and the oldest of what is more than `max_size` in all.
    """

    levels: tuple[str, ...] = ()
    archive: str | None = None
    spool: str | None = None
    bucket: BucketTable = BucketTable()
    layout: str = "{site}/{level}/{title}"
    interval: Seconds = Seconds(30)
    concurrency: int = 2
    engine: Literal["threads", "dask"] = "threads"
    scheduler: str | None = None
    tls: TlsTable | None = None
    reserve: Bytes = Bytes(2 << 30)
    approve_above: int = 500
    bandwidth: str | None = None
    site_quota: Bytes | None = None
    order: Literal["newest", "oldest", "clearest"] = "newest"
    sites: tuple[str, ...] = ()
    revisions: Literal["latest", "all", "first"] = "latest"
    sidecar: bool = True
    keep: Seconds | None = None
    max_size: Bytes | None = None


class HookTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[hooks.NAME]`: a command for each product that came home, of some levels and sites or of all."""

    command: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    timeout: Seconds = Seconds(600)
    levels: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()


class HealthTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[health]`: what is told to those who subscribe to `health`, and an address that is called after good polls.

    After so many `failures` of polls in a row, or products `listed` of which a filter let none pass; when less than
    `disk` is free; and so long before a credential expires. `expires` says when, by catalogue, where it does not say so
    itself.
    """

    failures: int = 3
    listed: int = 50
    disk: Bytes = Bytes(4 << 30)
    expires_within: Seconds = Seconds(14 * 86400)
    expires: dict[str, date] = {}
    heartbeat: Secret | str | None = None


class FeedsTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[feeds]`: where arrivals are written to as files, how many of them, and where those can be read.

    Without a `directory` none are written.
    """

    directory: str | None = None
    count: int = 100
    public_url: str | None = None

    def place(self) -> Path | None:
        """Return the directory; `None` if none is named."""
        return None if self.directory is None else Path(self.directory).expanduser().absolute()


class LogTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[log]`: how the service writes its lines."""

    format: str = "text"
    level: str = "info"


class MailTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[mail]`: the account that e-mail leaves by, as an Apprise URL (`mailtos://…`)."""

    url: Secret | str


class ChannelTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels.NAME]`: a way to reach people that has a name."""

    url: Secret | str


class CatalogueTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[catalogues.NAME]`, but for the settings of its kind, which are in `settings`.

    `needs` are the settings that its preset leaves open and that nobody has given; `needs_account` is what cannot be
    done without an account, and `account` says it in a sentence. `logins` are the kinds of account that its preset
    knows it to take, the usual one first, with what is known of them and a `note` for people; `auth` is the account
    that is configured, filled up with what is known of its kind. `streams` are the connections over which one large
    file may come, `members` patterns of what alone is fetched of a product that is a zip file. `concurrency` is how
    many of its products come at once, `daily` and `monthly` the bytes after which it is left alone until the next day
    or month (UTC), `orders` how many it brings from tape for us at once. `citation` is how its data are to be cited,
    with `{year}` for the year of acquisition.
    """

    name: str
    kind: str
    settings: dict[str, Any]
    title: str = ""
    account: str = ""
    needs: tuple[str, ...] = ()
    needs_account: tuple[Literal["search", "download"], ...] = ()
    interval: Seconds | None = None
    gap: Seconds = Seconds(0.5)
    deadline: Seconds = Seconds(60)
    hosts: tuple[str, ...] = ()
    auth_hosts: tuple[str, ...] = ()
    auth: dict[str, Any] | None = None
    logins: tuple[dict[str, Any], ...] = ()
    allow_insecure: bool = False
    ca_bundle: str | None = None
    proxy: str | None = None
    streams: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    members: tuple[str, ...] = ()
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=64)] | None = None
    daily: Bytes | None = None
    monthly: Bytes | None = None
    orders: Annotated[int, msgspec.Meta(ge=1)] | None = None
    citation: str = ""
