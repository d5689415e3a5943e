"""The administrator's file, `config.toml`, checked: every error names the key, the value and the way out."""

from __future__ import annotations

import os
import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from watcher.credentials import Secret
from watcher.errors import ConfigError
from watcher.model import Level, level
from watcher.quantities import Bytes, Seconds, read

DEFAULT_CATALOGUE = "cdse"
_T = TypeVar("_T")


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
    """`[download]`: which levels come home, where to, how many at once, and the space that is left free."""

    levels: tuple[str, ...] = ()
    archive: str | None = None
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
    done without an account, and `account` says it in a sentence.
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
    allow_insecure: bool = False
    ca_bundle: str | None = None
    proxy: str | None = None


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file, with its place (`None` without a file)."""

    path: Path | None = None
    catalogue: str | None = None
    poll: PollTable = PollTable()
    notify: NotifyTable = NotifyTable()
    download: DownloadTable = DownloadTable()
    log: LogTable = LogTable()
    mail: MailTable | None = None
    channels: dict[str, ChannelTable] = {}
    catalogues: dict[str, CatalogueTable] = {}

    def default_catalogue(self) -> str:
        """Return the catalogue that is meant when none is named."""
        return self.catalogue or next(iter(self.catalogues))

    def table(self, name: str) -> CatalogueTable | None:
        """Return the settings of a catalogue: the administrator's, else those that ship with the package.

        A preset that needs nothing is a catalogue without a line of configuration; one that needs a single setting
        takes it behind a colon (`eodag:creodias`). `None` when there is no such catalogue.
        """
        if name in self.catalogues:
            return self.catalogues[name]
        shipped = _shipped(name)
        return None if shipped is None or shipped.needs else shipped

    def known(self) -> list[str]:
        """Name the catalogues that can be asked: the administrator's, then the presets that need nothing."""
        shipped = (name for name in presets() if name not in self.catalogues)
        return [*self.catalogues, *(name for name in shipped if not preset(name).needs)]

    def download_levels(self) -> frozenset[Level]:
        """Return the levels whose products come home wherever a site does not say otherwise."""
        return frozenset(level(text) for text in self.download.levels)


def load(path: Path | None) -> Config:
    """Read and check the configuration; `None` gives the defaults, with the public catalogue `cdse`.

    Raises `ConfigError`.
    """
    document: dict[str, Any] = {}
    if path is not None:
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ConfigError(f"there is no {path}", hint="`watcher init` writes one") from error
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read {path}: {error}") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path} is not TOML: {error}") from error
    where = str(path) if path else "the configuration"
    tables = document.pop("catalogues", None) or {DEFAULT_CATALOGUE: {"preset": DEFAULT_CATALOGUE}}
    if not isinstance(tables, dict):
        raise ConfigError(f"{where}: catalogues is not a table", hint="write each as [catalogues.NAME]")
    if "path" in document:
        raise ConfigError(f'{where}: has no key "path"', hint="config.example.toml shows every key")
    catalogues = {name: _catalogue(name, table, where) for name, table in tables.items()}
    config = _convert({**document, "catalogues": {}}, Config, where, "")
    config = msgspec.structs.replace(config, path=path, catalogues=catalogues)
    _check(config, where)
    if path is not None:
        _hide(config, path)
    return config


def presets() -> list[str]:
    """Name the catalogues whose settings ship with the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in _presets().iterdir() if entry.name.endswith(".toml"))


def preset(name: str) -> CatalogueTable:
    """Return the settings that ship under this name."""
    return _catalogue(name, {"preset": name}, f"preset {name}")


def _shipped(name: str) -> CatalogueTable | None:
    implied = _implied(name)
    return None if implied is None else _catalogue(name, implied, f"catalogue {name}")


def _implied(name: str) -> dict[str, Any] | None:
    """Return what a catalogue's name alone says: a preset, and behind a colon the one setting that this needs."""
    base, colon, value = name.partition(":")
    if base not in presets():
        return None
    if not colon:
        return {"preset": base}
    needs = preset(base).needs
    fits = len(needs) == 1 and needs[0] != "url" and re.fullmatch(r"[\w.-]+", value)
    return {"preset": base, needs[0]: value} if fits else None


def find() -> Path | None:
    """Return the configuration in force: `WATCHER_CONFIG`, the user's, then the machine's; `None` without any."""
    named = os.environ.get("WATCHER_CONFIG")
    if named:
        return Path(named)
    for place in (user_path(), Path("/etc/watcher/config.toml")):
        if place.exists():
            return place
    return None


def user_path() -> Path:
    """Return where a person's own configuration lies."""
    import platformdirs

    return platformdirs.user_config_path("watcher") / "config.toml"


def state_directory() -> Path:
    """Return where the database lies: `WATCHER_STATE`, the service's `STATE_DIRECTORY`, else the user's."""
    named = os.environ.get("WATCHER_STATE") or os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if named:
        return Path(named)
    import platformdirs

    return platformdirs.user_state_path("watcher")


_COMMON = frozenset(field.name for field in msgspec.structs.fields(CatalogueTable)) - {"name", "settings"}


def _catalogue(name: str, table: Any, where: str) -> CatalogueTable:
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: catalogues.{name} is not a table", hint=f"write it as [catalogues.{name}]")
    merged = dict(table)
    if "preset" not in merged and "kind" not in merged:
        merged = (_implied(name) or {}) | merged
    preset = merged.pop("preset", None)
    if preset is not None:
        if preset not in presets():
            raise ConfigError(
                f'{where}: catalogues.{name}.preset = "{preset}" is not known',
                hint=f"the presets are: {', '.join(presets())}",
            )
        merged = tomllib.loads((_presets() / f"{preset}.toml").read_text(encoding="utf-8")) | merged
        merged["needs"] = [key for key in merged.get("needs", ()) if key not in merged]
    if "kind" not in merged:
        raise ConfigError(
            f"{where}: catalogues.{name} says neither preset nor kind",
            hint=f'add preset = "{presets()[0]}" (or {", ".join(presets()[1:])}), or kind = "stac" and url = "…"',
        )
    common = {key: value for key, value in merged.items() if key in _COMMON}
    settings = {key: value for key, value in merged.items() if key not in _COMMON}
    return _convert({**common, "name": name, "settings": settings}, CatalogueTable, where, f"catalogues.{name}")


_YEAR = 366 * 86400


def _check(config: Config, where: str) -> None:
    if config.catalogue is not None and config.table(config.catalogue) is None:
        raise ConfigError(
            f'{where}: catalogue = "{config.catalogue}" is neither one of [catalogues] nor a preset that needs nothing',
            hint=f"the catalogues are: {', '.join(config.known())}",
        )
    for key, value, least, most in (
        ("poll.interval", config.poll.interval, 1, _YEAR),
        ("poll.min_interval", config.poll.bounds()[0], 1, config.poll.interval),
        ("poll.max_interval", config.poll.bounds()[1], config.poll.interval, _YEAR),
        ("poll.jitter", config.poll.jitter, 0, _YEAR),
        ("poll.lookback", config.poll.lookback, 1, 50 * _YEAR),
        ("notify.interval", config.notify.interval, 1, _YEAR),
        ("notify.wait", config.notify.wait, 0, _YEAR),
        ("notify.timeout", config.notify.timeout, 1, 3600),
        ("download.interval", config.download.interval, 1, _YEAR),
        ("download.concurrency", config.download.concurrency, 1, 64),
        *((f"catalogues.{c.name}.interval", c.interval or 1.0, 1, _YEAR) for c in config.catalogues.values()),
        *((f"catalogues.{c.name}.deadline", c.deadline, 1, 3600) for c in config.catalogues.values()),
        *((f"catalogues.{c.name}.gap", c.gap, 0, 3600) for c in config.catalogues.values()),
    ):
        if not least <= value <= most:
            raise ConfigError(f"{where}: {key} is {value:g}", hint=f"{least:g} is the least, {most:g} the most")
    if config.download.archive == "":
        raise ConfigError(f'{where}: download.archive is ""', hint="name a directory, or leave the key out")
    if config.log.format not in ("text", "json"):
        raise ConfigError(f'{where}: log.format = "{config.log.format}"', hint='it is "text" or "json"')
    if config.log.level not in ("debug", "info", "warning", "error"):
        raise ConfigError(f'{where}: log.level = "{config.log.level}"', hint="debug, info, warning or error")


def _hide(config: Config, path: Path) -> None:
    """Refuse a secret that is written into a file which others can read.

    The URL of a chat is one itself; that of a mail server is one if it has a user.
    """
    urls = {f"channels.{name}.url": channel.url for name, channel in config.channels.items()}
    if config.mail is not None:
        urls["mail.url"] = config.mail.url
    for key, url in urls.items():
        if isinstance(url, str) and _is_secret(url) and path.stat().st_mode & 0o077:
            raise ConfigError(
                f"{path}: {key} holds a secret, and the file can be read by others",
                hint=f'name it by reference, as {key.rpartition(".")[2]} = {{ file = "/path" }}, or chmod 600 {path}',
            )


def _is_secret(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    return parts.scheme not in ("mailto", "mailtos", "mbox", "terminal") or "@" in parts.netloc


def _convert(value: Any, to: type[_T], where: str, table: str) -> _T:
    try:
        return msgspec.convert(value, to, dec_hook=read)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `")
        key = ".".join(part for part in (table, place.strip("`").removeprefix("$").strip(".")) if part)
        unknown = re.search(r"unknown field `(.+?)`", message)
        hint = "config.example.toml shows every key"
        if unknown:
            message = f'has no key "{unknown.group(1)}"'
            hint = _nearest(unknown.group(1), to, place) or hint
        raise ConfigError(f"{where}: {key + ': ' if key else ''}{message}", hint=hint) from error


def _nearest(word: str, to: type[Any], place: str) -> str | None:
    from rapidfuzz import process

    known: set[str] = set()
    for struct in (to, PollTable, NotifyTable, DownloadTable, LogTable, MailTable, ChannelTable):
        if struct is to or place:
            known |= {field.name for field in msgspec.structs.fields(struct)}
    match = process.extractOne(word, sorted(known), score_cutoff=70)
    return f"did you mean {match[0]}?" if match else None


def _presets() -> Any:
    return resources.files("watcher") / "presets"
