"""Which collections are watched at which level: what `add-site` and imported places have in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from watcher.cli.options import ANY
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.model import Level, Watch
    from watcher.plugins import Catalogue


def chosen(
    named: str,
    source: Catalogue,
    levels: Sequence[Level],
    collections: Sequence[str],
    *,
    among: Collection[str] | None = None,
) -> list[tuple[str, Level | None]]:
    """Return the collections of a catalogue that are meant, each with the level that is watched; `None` is every level.

    Without a level it is L2A, and everything of a collection that is named and holds no L2A. Without a collection it is
    all that hold the level, of those `among` if given. Raises `UsageError` where nothing could ever be found.
    """
    from watcher.model import level as read_level

    usual = read_level("L2A")
    if not levels and collections:
        return [(part, usual if _holds(source, part, usual) else None) for part in collections]
    wanted = [None if level.casefold() == ANY else level for level in levels] or [usual]
    return [
        (part, level) for level in dict.fromkeys(wanted) for part in _parts(named, source, level, collections, among)
    ]


def unsure(source: Catalogue, pairs: Iterable[tuple[str, Level | None]]) -> list[str]:
    """Return the collections watched at a level of which only their products say, one by one, what they hold."""
    from watcher.model import level as read_level

    open_to_all = set(source.collections_of(read_level("?")))
    return list(dict.fromkeys(part for part, level in pairs if level is not None and part in open_to_all))


def shown(level: Level | None) -> str:
    """Write a level that is watched."""
    return level or "every level"


def terms(watch: Watch) -> str:
    """Say what a watch looks for, and on which terms: `take5 SPOT5 L2A, cloud up to 40 %`."""
    said = [f"{watch.catalogue} {watch.collection} {shown(watch.level)}"]
    if watch.max_cloud is not None:
        said.append(f"cloud up to {watch.max_cloud:g} %")
    if watch.since is not None:
        said.append(f"acquired since {watch.since:%Y-%m-%d}")
    if watch.download is not None:
        said.append("downloaded" if watch.download else "not downloaded")
    if watch.assets:
        said.append(f"of its files {', '.join(watch.assets)}")
    return ", ".join(said)


def _parts(
    named: str, source: Catalogue, level: Level | None, collections: Sequence[str], among: Collection[str] | None
) -> Sequence[str]:
    for part in collections:
        if not _holds(source, part, level):
            raise UsageError(
                f"{part} of {named} holds no {level}: its products are of another level",
                hint=f"leave --level out, or watch whatever it holds: --level {ANY}",
            )
    if collections:
        return collections
    holding = [part for part in source.collections_of(level) if among is None or part in among]
    if not holding:
        raise UsageError(
            f"no collection of {named} holds {shown(level)}",
            hint="`watcher catalogues` lists the levels of each; where yours is there all the same, say in which with "
            f"--collection: {', '.join(source.collections_of(None))}",
        )
    return holding


def _holds(source: Catalogue, part: str, level: Level | None) -> bool:
    """Say whether a collection may hold a level. Of sites by code, the server says what there is."""
    return source.capability().codes or part in source.collections_of(level)
