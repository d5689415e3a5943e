"""eodag itself: imported when it is first needed, set up for one provider, its errors told as ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import copy, deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from watcher.errors import CatalogueError, ConfigError
from watcher.model import Holding, level

EXTRA = 'pip install "eo-watcher[eodag]"'

PROBLEM, ITEM = "watcher:problem", "watcher:item"
"""What is said of an item that eodag could not read."""

# Where eodag's word for the level is coarse ("L2"), its names are not: S2_MSI_L2A_COG.
_LEVEL = re.compile(r"_(L\d[A-C])(?:_|$)")


class Library:
    """eodag, set up for one provider, which gives no more than `most` products in a page."""

    def __init__(self, gateway: Any, provider: str, *, url: str, version: str, most: int) -> None:
        self.gateway, self.provider, self.url, self.version, self.most = gateway, provider, url, version, most

    def holdings(self) -> list[Holding]:
        """List the collections of the provider, without asking anybody."""
        with told(self.provider):
            return [_holding(one) for one in self.gateway.list_collections(self.provider, fetch_providers=False)]

    def first(self, collection: str, **asked: Any) -> Any:
        """Ask for the first page (eodag's `SearchResult`). Raises `CatalogueError`; it never asks another provider."""
        with told(self.provider):
            return self.gateway.search(
                provider=self.provider, collection=collection, raise_errors=True, validate=False, count=True, **asked
            )

    def next(self, pages: Iterator[Any]) -> Any:
        """Ask for another page; `None` where eodag sees no other."""
        with told(self.provider):
            return next(pages, None)

    def count(self, collection: str) -> int | None:
        """Search a collection for one product; return how many there are, `None` if the provider does not count."""
        count: int | None = self.first(collection, limit=1).number_matched
        return count


@lru_cache(maxsize=16)
def library(provider: str, config: str, settings: bytes) -> Library:
    """Set eodag up for a provider, once. `settings` (JSON) are put over eodag's own. Raises `ConfigError`."""
    try:
        from eodag import EODataAccessGateway
        from eodag.config import EODAGSettings
        from eodag.utils import DEFAULT_MAX_LIMIT
    except ImportError as error:
        raise ConfigError(f"eodag is not installed, and {provider} is asked through it", hint=EXTRA) from error
    from importlib.metadata import version

    over = msgspec.json.decode(settings)
    own = {"cfg_file": Path(config).expanduser()} if config else {}
    if config and not own["cfg_file"].is_file():
        raise ConfigError(f"eodag's configuration {config} is not there", hint="leave config out to use the user's own")
    with _named(provider):
        # Strict: what it does not ship is not looked for in the network before each search.
        known = EODAGSettings(strict_collections=True, providers_whitelist=[provider], **own)
        gateway = EODataAccessGateway(settings=known)
        if over:
            gateway.update_providers_config(dict_conf={provider: over})
        found = gateway.providers.get(provider)
    if found is None:
        raise _refused(provider)
    with _named(provider):
        for plugin in gateway._plugins_manager.get_search_plugins(provider=provider):
            _tolerate(plugin)
        search = found.search_config
        address = str(getattr(search, "api_endpoint", None) or found.url)
        most = int((getattr(search, "pagination", None) or {}).get("max_limit", DEFAULT_MAX_LIMIT))
    return Library(
        gateway, provider, url=_origin(address), version=f"eodag {version('eodag')}", most=most if most > 0 else 1000
    )


def _tolerate(plugin: Any) -> None:
    """Let an item that eodag chokes on, or that has no id, hide no other: it says its `PROBLEM`."""
    from eodag import EOProduct

    normalize = plugin.normalize_results

    def products(results: Any, **given: Any) -> Iterator[Any]:
        kept = deepcopy(results)  # it may begin to rearrange them
        with suppress(Exception):  # whatever it is began in a provider's answer: one of the items has it again
            yield from list(normalize(results, **given))
            return
        for one in kept:
            part = copy(kept)
            part.data = [deepcopy(one)]
            try:
                found = list(normalize(part, **given))
            except Exception as error:  # noqa: BLE001
                raw = msgspec.json.encode(one, enc_hook=str).decode()
                problem = f"{type(error).__name__}: {_plain(error)}"
                found = [EOProduct(plugin.provider, {PROBLEM: problem, ITEM: raw})]
            yield from found

    def tolerant(results: Any, **given: Any) -> list[Any]:
        found = list(products(results, **given))
        for one in found:
            if not one.properties.get("id"):
                one.properties.setdefault(PROBLEM, "it has no identifier")
                # eodag tells pages apart by the first of each.
                one.properties["id"] = f"\0{hash(str(one.properties))}"
        return found

    plugin.normalize_results = tolerant


@contextmanager
def told(provider: str) -> Iterator[None]:
    """Raise what goes wrong in eodag as `CatalogueError`; whatever it is, it began in a provider's answer."""
    try:
        yield
    except Exception as error:
        kind = type(error).__name__
        lasting = kind in ("AuthenticationError", "MisconfiguredError", "UnsupportedCollection", "UnsupportedProvider")
        raise CatalogueError(
            f"eodag could not search {provider}: {kind}: {_plain(error)}",
            hint=_hint(provider) if lasting else None,
            permanent=lasting,
        ) from error


@contextmanager
def _named(provider: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise ConfigError(
            f"eodag cannot be set up for {provider}: {_plain(error)}", hint="see the settings of kind eodag"
        ) from error


def _refused(provider: str) -> ConfigError:
    """Say why eodag does not have a provider: it is unknown, or wants credentials."""
    from eodag.config import load_provider_configs
    from rapidfuzz import process

    names = sorted(load_provider_configs())
    if provider in names:
        return ConfigError(f"eodag does not offer {provider} without credentials", hint=_hint(provider))
    near = process.extractOne(provider, names, score_cutoff=70)
    guess = f"did you mean {near[0]}? " if near else ""
    return ConfigError(f'eodag knows no provider "{provider}"', hint=f"{guess}it knows: {', '.join(names)}")


def _hint(provider: str) -> str:
    return f"give eodag the credentials of {provider} in its own eodag.yml, and name that file as config if need be"


def _plain(error: Exception) -> str:
    # A query may hold a key, and an answer may be a page of HTML.
    return re.sub(r"\?[^\s'\"<>]*", "?…", " ".join(str(error).split()))[:300]


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _holding(one: Any) -> Holding:
    said = one.model_dump()
    named = _LEVEL.search(one.id)
    word = named[1] if named else said.get("processing:level")
    spans = (said.get("extent") or {}).get("temporal", {}).get("interval") or [[None, None]]
    return Holding(
        one.id,
        title=" ".join(str(said.get("title") or "").split()),
        levels=(level(word),) if isinstance(word, str) and word else (),
        first=spans[0][0],
        last=spans[0][1],
    )
