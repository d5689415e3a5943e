"""Catalogues and their accounts: the settings of each become a part that asks, and a client that it asks with."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import structs

from watcher import plugins
from watcher.config import CatalogueTable, Config, preset, presets
from watcher.credentials import Secret, redact
from watcher.errors import ConfigError, UsageError, WatcherError
from watcher.model import Finding, Product
from watcher.names import near
from watcher.store import watching

if TYPE_CHECKING:
    from watcher.net import Http, Settings
    from watcher.plugins import Catalogue

_NOWHERE = "https://nowhere.invalid"
"""An origin that nothing has (RFC 2606), so that no address is trusted more than another."""


class Catalogues:
    """The catalogues of a configuration. Each has one HTTP client for all threads, so that its pace holds over them."""

    def __init__(self, config: Config, stop: threading.Event) -> None:
        self.config, self.stop = config, stop
        self._https: dict[str, Http] = {}
        self._guard = threading.Lock()

    def table(self, name: str) -> CatalogueTable:
        """Return the settings of a catalogue; raises `UsageError` when none has that name."""
        table = self.config.table(name)
        if table is None:
            raise _unknown(name, self.config)
        return table

    def polled(self, db: sqlite3.Connection) -> list[str]:
        """Name the catalogues that are asked: those configured, and those of the presets that are watched."""
        watched = watching.catalogues(db)
        others = sorted(watched - self.config.catalogues.keys())
        return [*self.config.catalogues, *(name for name in others if self.config.table(name) is not None)]

    def catalogue(self, name: str) -> Catalogue:
        """Build a catalogue from its settings."""
        table = self.table(name)
        part: Catalogue = plugins.build("catalogues", table.kind, table.settings, place=f"catalogues.{name}")
        return part

    def http(self, name: str) -> Http:
        """Return the HTTP client of a catalogue, one for all threads, so that its pace holds over them."""
        with self._guard:
            if name not in self._https:
                table = self.table(name)
                auth = None if table.auth is None else self._auth(table).auth()
                signed = "search" in table.needs_account
                self._https[name] = self.settings(name).client(auth, signed=signed, stop=self.stop)
            return self._https[name]

    def settings(self, name: str) -> Settings:
        """Return what a catalogue's client is made of, here or at a worker."""
        from watcher.net import Settings

        table = self.table(name)
        return Settings(
            origin=self.catalogue(name).url,
            hosts=table.hosts,
            auth_hosts=table.auth_hosts,
            gap=table.gap,
            deadline=table.deadline,
            connections=3 + self.config.download.concurrency + table.streams,
            ca_bundle=table.ca_bundle,
            allow_insecure=table.allow_insecure,
            proxy=table.proxy,
            contact=self.config.poll.contact,
        )

    def at_hand(self, name: str, product: Product) -> bool | None:
        """Say whether what was ordered from a catalogue's tapes is back; `None` if it does not tell."""
        part = self.catalogue(name)
        return part.at_hand(product, self.http(name)) if isinstance(part, plugins.Taped) else None

    def assorted(self, name: str) -> bool:
        """Say whether a catalogue's products have files to choose from."""
        return isinstance(self.catalogue(name), plugins.Assorted)

    def choose(self, name: str, product: Product, choices: Sequence[Sequence[str]]) -> Product:
        """Ask a catalogue for a product again, and choose of all its files: see `watcher.plugins.Assorted`.

        Raises `UsageError` for a catalogue that has none to choose from.
        """
        part = self.catalogue(name)
        if isinstance(part, plugins.Assorted):
            return part.choose(product, choices, self.http(name))
        if not any(choices):
            return product
        raise self.unassorted(name, one_file=len(product.assets) == 1)

    def unassorted(self, name: str, *, one_file: bool = False) -> UsageError:
        """Say that of a catalogue's products no assets can be chosen; that of this product there is `one_file`."""
        kind = self.table(name).kind
        if "assets" in plugins.settings_of("catalogues", kind):
            hint = f"`assets` in [catalogues.{name}] says which files come of its products"
        else:
            hint = "its products come whole; of one that is a zip, --members or the setting `members` takes some files"
        what = "it is one file there" if one_file else "each comes as it is"
        return UsageError(f"{name} (of kind {kind}) has no assets of a product to choose from: {what}", hint=hint)

    def citation(self, name: str) -> str:
        """Return how the data of a catalogue are to be cited; "" where that is not known."""
        table = self.config.table(name)
        return "" if table is None else table.citation

    def at(self, url: str) -> str | None:
        """Return the catalogue whose host an address names."""
        from urllib.parse import urlsplit

        place = urlsplit(url)
        for name in self.config.known():
            own, table = urlsplit(self.catalogue(name).url), self.table(name)
            if place[:2] == own[:2] or {place.netloc, place.hostname} & {*table.hosts, *table.auth_hosts}:
                return name
        return None

    def http_at(self, url: str) -> Http:
        """Return the client for an address that no catalogue gave: that of the catalogue whose host it is.

        Any other address is asked without an account, and only if it is public and encrypted.
        """
        from watcher.net import Http

        name = self.at(url)
        if name is not None:
            return self.http(name)
        with self._guard:
            if _NOWHERE not in self._https:
                connections = 4 + self.config.download.concurrency
                self._https[_NOWHERE] = Http(origin=_NOWHERE, connections=connections, stop=self.stop)
            return self._https[_NOWHERE]

    def account(self, name: str) -> Finding | None:
        """Try the account of a catalogue; `None` where none is configured."""
        table = self.table(name)
        if table.auth is None:
            return None
        try:
            part = self._auth(table)
        except WatcherError as error:
            return Finding(f"{name} account", False, str(error), error.hint)
        finding = part.check(self.http(name))
        # It may quote a server, which may quote us.
        hint = None if finding.hint is None else redact(finding.hint)
        return Finding(finding.subject, finding.well, redact(finding.text), hint)

    def secrets(self, name: str) -> dict[str, Secret]:
        """Return where the secrets of a catalogue's account lie, by its settings; none where none is configured."""
        return {setting: value for setting, value in self._settings(name).items() if isinstance(value, Secret)}

    def logs_in_at(self, name: str) -> list[str]:
        """Return the addresses that the account of a catalogue goes to for its own sake, such as that of tokens."""
        return [value for value in self._settings(name).values() if isinstance(value, str) and "://" in value]

    def _settings(self, name: str) -> dict[str, Any]:
        table = self.table(name)
        return {} if table.auth is None else structs.asdict(self._auth(table))  # type: ignore[arg-type]

    def _auth(self, table: CatalogueTable) -> plugins.Auth:
        settings = dict(table.auth or {})
        place = f"catalogues.{table.name}.auth"
        kind = settings.pop("kind", None)
        if not isinstance(kind, str):
            raise ConfigError(f"[{place}] names no kind", hint=f"the kinds are: {', '.join(plugins.kinds('auth'))}")
        if kind in plugins.kinds("auth") and "url" in plugins.settings_of("auth", kind):
            settings.setdefault("url", self.catalogue(table.name).url)
        see = f"watcher login {table.name} --kind {kind} says what to write"
        part: plugins.Auth = plugins.build("auth", kind, settings, place=place, see=see)
        return part

    def close(self) -> None:
        """Close every HTTP client."""
        with self._guard:
            for http in self._https.values():
                http.close()
            self._https.clear()


def _unknown(name: str, config: Config) -> UsageError:
    """Say that no catalogue has that name, or what a preset of that name still needs."""
    if name in presets() and (needs := preset(name).needs):
        settings = ", ".join(needs)
        one = f"name it as {name}:{needs[0].upper()}, or " if needs != ("url",) and len(needs) == 1 else ""
        return UsageError(
            f'the catalogue "{name}" needs a setting: {settings}',
            hint=f'{one}write [catalogues.{name}] with preset = "{name}" and {settings} = "…" to config.toml',
        )
    known = config.known()
    meant = f"did you mean {' or '.join(nearest)}? " if (nearest := near(name, known)) else ""
    return UsageError(
        f'no catalogue is called "{name}"',
        hint=f"{meant}the catalogues are: {', '.join(known)}; add [catalogues.{name}] to config.toml",
    )
