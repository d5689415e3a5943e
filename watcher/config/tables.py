"""The tables of the file: each key with its type and its default. Durations are seconds, sizes bytes."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from watcher.credentials import Secret
from watcher.quantities import Bytes, Seconds


class PollTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[poll]`: how often catalogues are asked, and how far back the acquisitions are listed.

    The interval adapts to when a catalogue publishes, between `min_interval` and `max_interval`.
    """

    interval: Seconds = Seconds(900)
    min_interval: Seconds | None = None
    max_interval: Seconds | None = None
    jitter: Seconds = Seconds(60)
    lookback: Seconds = Seconds(90 * 86400)

    def bounds(self) -> tuple[float, float]:
        """Return the least and the longest interval: five minutes and six hours, or the usual one if that is beyond."""
        least = min(300.0, self.interval) if self.min_interval is None else self.min_interval
        most = max(6 * 3600.0, self.interval) if self.max_interval is None else self.max_interval
        return float(least), float(most)


class NotifyTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[notify]`: how often owed notices are sent, how long they wait for a download, and how long one may take.

    `once` tells of an acquisition that several catalogues have from the first of them; otherwise from each.
    """

    interval: Seconds = Seconds(30)
    wait: Seconds = Seconds(120)
    timeout: Seconds = Seconds(30)
    once: bool = True


class DownloadTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[download]`: which levels come home, where to, how many at once, and the space that is left free.

    `layout` is a template of places in the archive, see `watcher.core.shelves.layout`.
    """

    levels: tuple[str, ...] = ()
    archive: str | None = None
    layout: str = "{site}/{level}/{title}"
    interval: Seconds = Seconds(30)
    concurrency: int = 2
    reserve: Bytes = Bytes(2 << 30)


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
    that is configured, filled up with what is known of its kind.
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
