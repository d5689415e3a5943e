"""Options that several commands share, and how what people write is read."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.model import Level
    from watcher.wiring import Parts


ANY = "any"
"""The word for every level, also none that a server says."""


class LevelType(click.ParamType[Any]):
    """A processing level, as people write it: L2A, l2a, LEVEL2A, N2A. Where it is one `filter`, `any` is none."""

    name = "level"

    def __init__(self, *, filter: bool = False) -> None:  # noqa: A002
        self._filter = filter

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Level | None:
        """Read a level."""
        from watcher.model import level

        if self._filter and value.casefold() == ANY:
            return None
        if not value.strip() or not value.isprintable():
            self.fail(f'"{value}" is no level; write L2A, L1C or the word that the catalogue uses', param, ctx)
        if "," in value:
            self.fail(f'"{value}" is no level; give the option once for each', param, ctx)
        return level(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Offer the usual levels."""
        del ctx, param
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in ("L1C", "L2A", "L3A") if name.startswith(incomplete.upper())]


class DateType(click.ParamType[Any]):
    """A date or a time, UTC unless it says otherwise."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read an ISO 8601 date or time."""
        if isinstance(value, datetime):
            return value
        from watcher.core.moments import moment

        read = moment(value)
        if read is None:
            self.fail(f'"{value}" is no date; write 2026-11-22 or 2026-11-22T10:00:00Z', param, ctx)
        return read


class Percent(click.FloatRange):
    """A percentage, from 0 to 100, with its sign or without."""

    name = "percent"

    def __init__(self) -> None:
        super().__init__(0, 100)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a percentage; not a number is none."""
        try:
            read = float(value.rstrip("% ") if isinstance(value, str) else value)
        except ValueError:
            read = float("nan")
        if not 0 <= read <= 100:
            self.fail(f'"{value}" is no percentage; write a number from 0 to 100', param, ctx)
        return read


class SiteName(click.ParamType[str]):
    """The name of a watched site; the shell completes it."""

    name = "site"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Offer the sites that are watched; without a readable database, none."""
        del param
        from click.shell_completion import CompletionItem

        from watcher.errors import WatcherError
        from watcher.names import fold
        from watcher.store import sites

        try:
            parts = _parts(ctx)
            if not parts.database.exists():
                return []
            known = sites.every(parts.db())
        except WatcherError:
            return []
        return [CompletionItem(site.name) for site in known if fold(site.name).startswith(fold(incomplete))]


class TagName(click.ParamType[str]):
    """A word that groups sites; the shell completes those in use."""

    name = "tag"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read a tag."""
        from watcher.core.agreements.terms import tag

        try:
            return tag(value)
        except UsageError as error:
            self.fail(f"{error}; {error.hint}", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Offer the tags that sites have; without a readable database, none."""
        del param
        from click.shell_completion import CompletionItem

        from watcher.errors import WatcherError
        from watcher.names import fold
        from watcher.store import sites

        try:
            parts = _parts(ctx)
            known = set().union(*sites.tags(parts.db()).values()) if parts.database.exists() else set()
        except WatcherError:
            return []
        return [CompletionItem(tag) for tag in sorted(known) if fold(tag).startswith(fold(incomplete))]


class SubscriptionNumber(click.types.IntParamType):
    """The number of a subscription; the shell completes it, and says whose it is where it can."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Offer the subscriptions; without a readable database, none."""
        del param
        from click.shell_completion import CompletionItem

        from watcher.errors import WatcherError
        from watcher.names import plain
        from watcher.store import subscriptions

        try:
            parts = _parts(ctx)
            known = subscriptions.every(parts.db()) if parts.database.exists() else []
            shown = {one.number: one.name or parts.addresses.shown(one) for one in known}
        except WatcherError:
            return []
        return [
            CompletionItem(str(number), help=plain(whose, limit=60))
            for number, whose in shown.items()
            if str(number).startswith(incomplete)
        ]


class CatalogueName(click.ParamType[str]):
    """The name of a catalogue that can be asked, whatever its case; the shell completes it."""

    name = "catalogue"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take the name as the configuration writes it; one that it does not know is left to whoever asks for it."""
        del param
        if ctx is None or ctx.resilient_parsing:
            return str(value)
        from watcher.config import presets
        from watcher.names import same

        return same(value, {*_parts(ctx).config.known(), *presets()}) or str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Offer the catalogues of the configuration and the presets; without a readable configuration, none."""
        del param
        from click.shell_completion import CompletionItem

        from watcher.errors import WatcherError

        try:
            names = _parts(ctx).config.known()
        except WatcherError:
            return []
        return [CompletionItem(name) for name in names if name.casefold().startswith(incomplete.casefold())]


def words(text: str) -> list[str]:
    """Read names or patterns with commas between them, each once."""
    return list(dict.fromkeys(word for word in map(str.strip, text.split(",")) if word))


def one_of(**given: object) -> None:
    """Refuse more than one of these options."""
    names = [f"--{name}" for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise UsageError(f"{' and '.join(names)} exclude each other", hint="give one of them")


def _parts(ctx: click.Context) -> Parts:
    from watcher.cli import Context

    root = ctx.find_root()
    if isinstance(root.obj, Context):
        return root.obj.parts
    return Context(root.params.get("config"), root.params.get("state"), debug=False).parts
