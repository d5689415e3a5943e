"""The settings of catalogues: those of a preset, which ships with the package, below those that the file gives."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import msgspec

from watcher.config.convert import convert
from watcher.config.tables import CatalogueTable
from watcher.errors import ConfigError

_COMMON = frozenset(field.name for field in msgspec.structs.fields(CatalogueTable)) - {"name", "settings"}


def presets() -> list[str]:
    """Name the catalogues whose settings ship with the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in folder().iterdir() if entry.name.endswith(".toml"))


def preset(name: str) -> CatalogueTable:
    """Return the settings that ship under this name."""
    return catalogue(name, {"preset": name}, f"preset {name}")


def shipped(name: str) -> CatalogueTable | None:
    """Return what a name alone stands for: a preset, or one and its setting (`eodag:creodias`); `None` for another."""
    implied = _implied(name)
    return None if implied is None else catalogue(name, implied, f"catalogue {name}")


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


def catalogue(name: str, table: Any, where: str) -> CatalogueTable:
    """Read `[catalogues.NAME]`, over the preset that it names or is named like. `where` is the file, for the error."""
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: catalogues.{name} is not a table", hint=f"write it as [catalogues.{name}]")
    merged = dict(table)
    if "preset" not in merged and "kind" not in merged:
        merged = (_implied(name) or {}) | merged
    base = merged.pop("preset", None)
    if base is not None:
        if base not in presets():
            raise ConfigError(
                f'{where}: catalogues.{name}.preset = "{base}" is not known',
                hint=f"the presets are: {', '.join(presets())}",
            )
        merged = tomllib.loads((folder() / f"{base}.toml").read_text(encoding="utf-8")) | merged
        merged["needs"] = [key for key in merged.get("needs", ()) if key not in merged]
    if isinstance(merged.get("auth"), dict):
        merged["auth"] = _account(merged["auth"], merged.get("logins", ()))
    if "kind" not in merged:
        raise ConfigError(
            f"{where}: catalogues.{name} says neither preset nor kind",
            hint=f'add preset = "{presets()[0]}" (or {", ".join(presets()[1:])}), or kind = "stac" and url = "…"',
        )
    common = {key: value for key, value in merged.items() if key in _COMMON}
    settings = {key: value for key, value in merged.items() if key not in _COMMON}
    return convert({**common, "name": name, "settings": settings}, CatalogueTable, where, f"catalogues.{name}")


def _account(auth: dict[str, Any], logins: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put what is known of an account below what is written of it: of the kind that it names, or of the usual one."""
    known = next((login for login in logins if auth.get("kind", login["kind"]) == login["kind"]), {})
    return {key: value for key, value in known.items() if key != "note"} | auth


def folder() -> Traversable:
    """Return where the presets lie, one file each."""
    return resources.files("watcher") / "presets"
