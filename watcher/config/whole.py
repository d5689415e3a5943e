"""The whole of the file, and the catalogues that it makes known together with the presets."""

from __future__ import annotations

from pathlib import Path

import msgspec

from watcher.config.shipped import preset, presets, shipped
from watcher.config.tables import (
    CatalogueTable,
    ChannelTable,
    DownloadTable,
    FeedsTable,
    HealthTable,
    HookTable,
    LogTable,
    MailTable,
    NotifyTable,
    PollTable,
)
from watcher.model import Level, Product, level
from watcher.names import fold


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file, with its place (`None` without a file)."""

    path: Path | None = None
    catalogue: str | None = None
    poll: PollTable = PollTable()
    notify: NotifyTable = NotifyTable()
    download: DownloadTable = DownloadTable()
    health: HealthTable = HealthTable()
    feeds: FeedsTable = FeedsTable()
    log: LogTable = LogTable()
    mail: MailTable | None = None
    channels: dict[str, ChannelTable] = {}
    hooks: dict[str, HookTable] = {}
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
        table = shipped(name)
        return None if table is None or table.needs else table

    def known(self) -> list[str]:
        """Name the catalogues that can be asked: the administrator's, then the presets that need nothing."""
        others = (name for name in presets() if name not in self.catalogues)
        return [*self.catalogues, *(name for name in others if not preset(name).needs)]

    def download_levels(self) -> frozenset[Level]:
        """Return the levels whose products come home wherever a site does not say otherwise."""
        return frozenset(level(text) for text in self.download.levels)

    def hooks_for(self, product: Product, site: str) -> list[str]:
        """Name the hooks that a product of a site gets once it is home."""
        return [
            name
            for name, hook in self.hooks.items()
            if (not hook.levels or product.level in {level(text) for text in hook.levels})
            and (not hook.sites or fold(site) in {fold(text) for text in hook.sites})
        ]
