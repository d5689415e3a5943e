"""The file is read and checked: what is out of bounds, or a secret in the open, is refused by name."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from watcher.config.buckets import check_bucket
from watcher.config.convert import convert
from watcher.config.shipped import catalogue
from watcher.config.tables import DownloadTable
from watcher.config.whole import Config
from watcher.errors import ConfigError
from watcher.quantities import Seconds, written

DEFAULT_CATALOGUE = "cdse"
_YEAR = 366 * 86400


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
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            hint = "save the file as UTF-8"
            raise ConfigError(f"{path} is not UTF-8: line {line} has a byte that is none", hint=hint) from error
        except tomllib.TOMLDecodeError as error:
            hint = "config.example.toml shows how each key is written; a text stands in quotes"
            raise ConfigError(f"{path} is not TOML: {error}", hint=hint) from error
    where = str(path) if path else "the configuration"
    tables = document.pop("catalogues", None) or {DEFAULT_CATALOGUE: {"preset": DEFAULT_CATALOGUE}}
    if not isinstance(tables, dict):
        raise ConfigError(f"{where}: catalogues is not a table", hint="write each as [catalogues.NAME]")
    if "path" in document:
        raise ConfigError(f'{where}: has no key "path"', hint="config.example.toml shows every key")
    catalogues = {name: catalogue(name, table, where) for name, table in tables.items()}
    config = convert({**document, "catalogues": {}}, Config, where, "")
    config = msgspec.structs.replace(config, path=path, catalogues=catalogues)
    _check(config, where)
    if path is not None:
        _hide(config, path)
    return config


def _check(config: Config, where: str) -> None:
    if config.catalogue is not None and config.table(config.catalogue) is None:
        raise ConfigError(
            f'{where}: catalogue = "{config.catalogue}" is neither one of [catalogues] nor a preset that needs nothing',
            hint=f"the catalogues are: {', '.join(config.known())}",
        )
    _check_bounds(config, where)
    _check_parts(config, where)
    for key, place in (
        ("download.archive", config.download.archive),
        ("download.spool", config.download.spool),
        ("feeds.directory", config.feeds.directory),
    ):
        if place == "":
            raise ConfigError(f'{where}: {key} is ""', hint="name a directory, or leave the key out")
        if place is not None and not f"{place}/".startswith(("/", "~/")) and "://" not in place:
            raise ConfigError(
                f'{where}: {key} = "{place}" depends on where watcher is started',
                hint="begin it with / or ~/",
            )
    check_bucket(config.download, where)
    if not re.fullmatch(r"[!-\'*-\[\]-~ ]{0,100}", config.poll.contact):
        raise ConfigError(
            f"{where}: poll.contact = {config.poll.contact!r} cannot stand in the header of a request",
            hint="an address of mail or web: up to 100 characters of ASCII, without ( ) and \\",
        )
    if config.log.format not in ("text", "json"):
        raise ConfigError(f'{where}: log.format = "{config.log.format}"', hint='it is "text" or "json"')
    if config.log.level not in ("debug", "info", "warning", "error"):
        raise ConfigError(f'{where}: log.level = "{config.log.level}"', hint="debug, info, warning or error")


def _given(value: Seconds | None, otherwise: float) -> Seconds:
    return Seconds(otherwise) if value is None else value


def _check_bounds(config: Config, where: str) -> None:
    """Refuse a count, or a time, that is too small or too large: a time in words that it may be written in."""
    counts = (
        ("download.concurrency", config.download.concurrency, 1, 64 if config.download.engine == "threads" else 1024),
        ("download.approve_above", config.download.approve_above, 0, 10**9),
        ("health.failures", config.health.failures, 1, 10**6),
        ("health.listed", config.health.listed, 1, 10**9),
        ("feeds.count", config.feeds.count, 1, 10_000),
    )
    times = (
        ("poll.interval", config.poll.interval, 1, _YEAR),
        ("poll.min_interval", config.poll.bounds()[0], 1, config.poll.interval),
        ("poll.max_interval", config.poll.bounds()[1], config.poll.interval, _YEAR),
        ("poll.jitter", config.poll.jitter, 0, _YEAR),
        ("poll.lookback", config.poll.lookback, 1, 50 * _YEAR),
        ("notify.interval", config.notify.interval, 1, _YEAR),
        ("notify.wait", config.notify.wait, 0, _YEAR),
        ("notify.timeout", config.notify.timeout, 1, 3600),
        ("download.interval", config.download.interval, 1, _YEAR),
        ("download.keep", _given(config.download.keep, 3600), 3600, 100 * _YEAR),
        ("health.expires_within", config.health.expires_within, 0, _YEAR),
        *((f"hooks.{name}.timeout", hook.timeout, 1, 86400) for name, hook in config.hooks.items()),
        *((f"catalogues.{c.name}.interval", _given(c.interval, 1), 1, _YEAR) for c in config.catalogues.values()),
        *((f"catalogues.{c.name}.deadline", c.deadline, 1, 3600) for c in config.catalogues.values()),
        *((f"catalogues.{c.name}.gap", c.gap, 0, 3600) for c in config.catalogues.values()),
    )
    bounds = [*counts, *((key, value, Seconds(least), Seconds(most)) for key, value, least, most in times)]
    for key, value, least, most in bounds:
        if not least <= value <= most:
            hint = f"{written(least)} is the least, {written(most)} the most"
            raise ConfigError(f"{where}: {key} is {written(value)}", hint=hint)


def _check_engine(table: DownloadTable, where: str) -> None:
    """Refuse a cluster that is half described; nothing of it is looked for yet."""
    address, form = table.scheduler, "tcp://HOST:8786, or tls:// with download.tls"
    if table.engine == "threads":
        if address is not None or table.tls is not None:
            key = "scheduler" if address is not None else "tls"
            hint = 'add engine = "dask", or leave it out'
            raise ConfigError(f"{where}: download.{key} is for a dask cluster, and download.engine is not", hint=hint)
        return
    if address is None:
        raise ConfigError(f'{where}: download.engine = "dask" without download.scheduler', hint=f"write {form}")
    if not re.fullmatch(r"(tcp|tls)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):[0-9]{1,5}", address):
        raise ConfigError(f'{where}: download.scheduler = "{address}" is no address of one', hint=f"write {form}")
    if address.startswith("tls:") != (table.tls is not None):
        raise ConfigError(
            f'{where}: download.scheduler = "{address}"'
            f" {'needs' if table.tls is None else 'has no use for'} download.tls",
            hint='tls:// goes with tls = { ca = "/path", cert = "/path", key = "/path" }',
        )
    if importlib.util.find_spec("distributed") is None:
        raise ConfigError(
            f'{where}: download.engine = "dask", which is not installed', hint="pip install 'eo-watcher[dask]'"
        )


def _check_parts(config: Config, where: str) -> None:
    _check_engine(config.download, where)
    _check_volumes(config, where)
    for name in config.health.expires:
        if config.table(name) is None:
            raise ConfigError(
                f"{where}: health.expires names {name}, which is no catalogue",
                hint=f"the catalogues are: {', '.join(config.known())}",
            )
    if config.feeds.public_url is not None and not _public(config.feeds.public_url):
        raise ConfigError(
            f'{where}: feeds.public_url = "{config.feeds.public_url}"',
            hint="it is where the directory can be read: https://HOST/PATH/, without user, query and fragment",
        )
    for name, hook in config.hooks.items():
        if not hook.command[0].startswith("/") or "\0" in "".join(hook.command):
            raise ConfigError(
                f'{where}: hooks.{name}.command begins with "{hook.command[0]}", which is no absolute path',
                hint='it is a list of words, without a shell: ["/usr/local/bin/process", "--fast"]',
            )


def _check_volumes(config: Config, where: str) -> None:
    """Refuse limits that let nothing pass, or keep nothing."""
    volumes = {"download.site_quota": config.download.site_quota, "download.max_size": config.download.max_size}
    for table in config.catalogues.values():
        volumes |= {f"catalogues.{table.name}.daily": table.daily, f"catalogues.{table.name}.monthly": table.monthly}
        if not all(pattern.strip() for pattern in table.members):
            raise ConfigError(
                f"{where}: catalogues.{table.name}.members has an empty pattern",
                hint='write patterns as "*_FRE_B*.tif", or leave the key out for whole products',
            )
    for key, most in volumes.items():
        if most == 0:
            raise ConfigError(f"{where}: {key} is 0", hint="leave the key out for no limit")


def _public(url: str) -> bool:
    """Say whether an address can stand in what everybody reads."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or "@" in parts.netloc) and url.isprintable() and " " not in url
    return parts.scheme in ("http", "https") and bool(parts.netloc) and plain


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
