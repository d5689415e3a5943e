"""A kind is a file, or a package of some: ``kind = "resto"`` *is* ``watcher/catalogues/resto``.

The class in that file is a frozen, keyword-only `msgspec.Struct`; its fields are the settings an administrator may
write, with their types, and an unknown one is refused by name. There is no registry and no base class: the
protocols below say what a kind of each family must offer, and mypy holds it to them.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from watcher.decoding import convert, in_words
from watcher.errors import ConfigError
from watcher.model import Candidate, Capability, Finding, Holding, Notice, Page, Product, Query, Sent

if TYPE_CHECKING:
    import httpx

    from watcher.net import Http


class Catalogue(Protocol):
    """A service that lists products and can be searched (OGC catalogue service, STAC API)."""

    @property
    def url(self) -> str:
        """The base address."""

    def capability(self) -> Capability:
        """Say what it can be asked."""

    def collections_of(self, level: str | None) -> Sequence[str]:
        """Return the collections that hold products of this level, every one for `None`."""

    def search(self, query: Query, http: Http) -> Iterator[Page]:
        """List what matches, page by page.

        Asked for news (`query.learnt_since`), it is resumed once the page before is on the disk; else that may still be
        under way. Ending without an error means that the answer was complete. Raises `CatalogueError` when it was not,
        or when the server listed what was not asked for.
        """

    def locate(self, name: str, http: Http, *, collections: Sequence[str]) -> tuple[Sequence[Candidate], Sequence[str]]:
        """Find the sites that the catalogue knows by this name, and the names nearest to it when there is none."""

    def discover(self, http: Http) -> Iterator[Holding]:
        """List the collections that the server has, configured here or not."""

    def check(self, http: Http) -> Iterator[Finding]:
        """Look at the server as `watcher check` does: by asking, whatever it says of itself."""


@runtime_checkable
class Surveyed(Protocol):
    """A catalogue that can also say which sites it has: not every kind can."""

    def sites(self, http: Http) -> Iterator[Candidate]:
        """List its sites, with the ground that the products of each cover together."""


@runtime_checkable
class Taped(Protocol):
    """A catalogue that can also say whether what its provider keeps on tape is back: not every kind can."""

    def at_hand(self, product: Product, http: Http) -> bool | None:
        """Say whether the files of a product are on disk, not to be ordered first; `None` if it does not tell."""


@runtime_checkable
class Assorted(Protocol):
    """A catalogue whose products have files to choose from, more than it lists with them: not every kind is one."""

    def choose(self, product: Product, choices: Sequence[Sequence[str]], http: Http) -> Product:
        """Ask for a product again, and return it as it is now, with the assets that any of the choices wants.

        A choice names assets as the settings of the kind do; an empty one wants those that come unasked. Raises
        `UsageError` when a name is that of no asset, or of none that can be fetched.
        """


class Channel(Protocol):
    """A way to reach people."""

    def check(self, address: str) -> None:
        """Raise `UsageError` when this cannot be an address of this channel. Nothing is sent."""

    def send(self, posts: Sequence[tuple[str, Notice]], *, stop: threading.Event | None = None) -> Iterator[Sent]:
        """Send each notice to its address (a URL in clear); yield what became of each as it is known.

        When `stop` is set this ends within a second: what was under way is `UNKNOWN`, the rest is not yielded.
        """


class Auth(Protocol):
    """An account: something that makes requests of its own origin acceptable."""

    def auth(self) -> httpx.Auth:
        """Return what signs a request."""

    def check(self, http: Http) -> Finding:
        """Say whether the account is accepted, for `watcher check`."""


def kinds(family: str) -> list[str]:
    """Name the kinds of a family (`catalogues`, `auth`…), alphabetically."""
    package = importlib.import_module(f"watcher.{family}")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_"))


def settings_of(family: str, kind: str) -> list[str]:
    """Name the settings of a kind."""
    part: type[msgspec.Struct] = importlib.import_module(f"watcher.{family}.{kind}").Kind
    return [field.encode_name for field in msgspec.structs.fields(part)]


def told(family: str, kind: str) -> str:
    """Return what a kind says of itself: the first sentence of its file, without the full stop."""
    said = importlib.import_module(f"watcher.{family}.{kind}").__doc__ or ""
    return " ".join(said.split("\n\n")[0].split()).partition(". ")[0].rstrip(".")


def build(family: str, kind: str, settings: Mapping[str, Any], *, place: str, see: str | None = None) -> Any:
    """Turn settings into a working part of that kind.

    `place` is where the settings stand (`catalogues.take5`), `see` where to see how they should, for the error. Raises
    `ConfigError` for an unknown kind, an unknown or missing setting, or a value of the wrong type.
    """
    known = kinds(family)
    if kind not in known:
        raise ConfigError(
            f'[{place}] kind = "{kind}" is not known',
            hint=f"the kinds are: {', '.join(known)}{_nearest(kind, known)}",
        )
    module = importlib.import_module(f"watcher.{family}.{kind}")
    part: type[msgspec.Struct] = module.Kind
    fields = settings_of(family, kind)
    for name in settings:
        if name not in fields:
            raise ConfigError(
                f'[{place}] has no setting "{name}" for kind "{kind}"',
                hint=f"the settings are: {', '.join(fields)}{_nearest(name, fields)}",
            )
    try:
        return convert(settings, part)
    except msgspec.ValidationError as error:
        message, _, at = str(error).partition(" - at `$")
        key = f"{at.strip('`.')}: " if at else ""
        hint = see or f"see config.example.toml for kind {kind}"
        if re.search(r"Expected `object.*got `str`", message):
            hint = f'a secret is named by reference, as {{ file = "/path" }} or {{ env = "NAME" }}; {hint}'
        raise ConfigError(f"[{place}] {key}{in_words(message)}", hint=hint) from error


def _nearest(word: str, known: Sequence[str]) -> str:
    from rapidfuzz import process

    match = process.extractOne(word, known, score_cutoff=70)
    return f" (did you mean {match[0]}?)" if match else ""
