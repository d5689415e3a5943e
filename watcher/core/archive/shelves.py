"""Where a product lies in the archive. Pure, and unable to climb out of it.

A path is made of names that hold only `A-Z a-z 0-9 . _ -`, so nothing that a catalogue says can become a directory
change, a hidden file, an option or a control character.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import msgspec

from watcher.model import Asset, Product

_SUFFIXES = {
    "application/zip": ".zip",
    "application/x-zip-compressed": ".zip",
    "application/gzip": ".tgz",
    "application/x-gzip": ".tgz",
    "application/x-tar": ".tar",
    "application/x-tar+gzip": ".tgz",
    "image/jp2": ".jp2",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tif",
    "application/xml": ".xml",
    "application/json": ".json",
}
_EXTENSION = re.compile(r"(\.tar)?\.[A-Za-z0-9]{1,8}$")
_TAKEN = re.compile(r"\.(part(ial|\.json(\.new)?)?|stac(\.json)?|rotten|dropped)$", re.IGNORECASE)
"""What the names of unfinished downloads, of sidecars, and of what was put aside end in: no product may have one."""


class Layout(msgspec.Struct, frozen=True):
    """A template of places: text, and fields with the format of a date where they have one."""

    text: str
    parts: tuple[tuple[str, str | None, str], ...]
    """Text before a field, the field (`None` after the last one), and its date format."""


FIELDS = ("site", "catalogue", "collection", "platform", "level", "acquired", "published", "id", "title")
"""What a layout may name; the two times take a date format (`{acquired:%Y/%m}`), in UTC."""

_DATE = re.compile(r"(%[YmdHMSj]|[A-Za-z0-9._/-])+")


def layout(text: str) -> Layout:
    """Read a template such as `{site}/{platform}/{acquired:%Y/%m}/{level}/{id}`.

    Raises `ValueError`, in words, for a field that is none, a format that is no date's, text that no path may hold, and
    for a template that names neither the product's `{id}` nor its `{title}`.
    """
    parts: list[tuple[str, str | None, str]] = []
    end = 0
    for found in re.finditer(r"\{([^{}:]*)(?::([^{}]*))?\}", text):
        field, form = found[1], found[2] or ""
        if field not in FIELDS:
            raise ValueError(f"{{{field}}} is no field; the fields are {', '.join(FIELDS)}")
        if form and (field not in ("acquired", "published") or not _DATE.fullmatch(form)):
            raise ValueError(f"{found[0]}: only acquired and published take a format, of %Y %m %d %H %M %S %j")
        parts.append((text[end : found.start()], field, form))
        end = found.end()
    parts.append((text[end:], None, ""))
    plain = "".join(before for before, _, _ in parts)
    if not re.fullmatch(r"[A-Za-z0-9._/-]*", plain):
        raise ValueError("between its fields it may hold letters, digits, dots, dashes, underscores and slashes only")
    whole = "".join(before + (form or field or "") for before, field, form in parts)
    if any(part in ("", ".", "..") for part in whole.split("/")):
        raise ValueError("it is a relative path, without empty parts, dots alone, or a slash at its ends")
    if not {"id", "title"} & {field for _, field, _ in parts}:
        raise ValueError("it names neither {id} nor {title}, so that products could not be told apart")
    return Layout(text, tuple(parts))


USUAL = layout("{site}/{level}/{title}")


def shelf(
    product: Product, *, site: str, catalogue: str = "", layout: Layout = USUAL, version: int = 1
) -> PurePosixPath:
    """Return a product's place, relative to the archive, without suffix.

    `version` above 1 tells apart what would lie in the same place: a reprocessed product stands beside the first.
    """
    said = {"site": site, "catalogue": catalogue, "level": product.level, "id": product.id, "title": product.title}
    said |= {"collection": product.collection, "platform": product.platform}
    times = {"acquired": product.acquired, "published": product.published}
    path = ""
    for before, field, form in layout.parts:
        path += before
        if field in times:
            time = times[field]
            path += "undated" if time is None else time.astimezone(UTC).strftime(form or "%Y-%m-%d")
        elif field is not None:
            path += safe(said[field] or "unknown")
    *folders, name = (safe(part) for part in path.split("/"))
    return PurePosixPath(*folders, name if version == 1 else f"{name}.v{version}")


def suffix(asset: Asset) -> str:
    """Return the suffix of an asset's file, from its media type, else from its address, else none."""
    if asset.type:
        kind = asset.type.split(";")[0].strip().lower()
        if kind in _SUFFIXES:
            return _SUFFIXES[kind]
    found = _EXTENSION.search(urlsplit(asset.href).path)
    return found.group(0).lower() if found and not taken(found.group(0)) else ""


def file_name(asset: Asset) -> str:
    """Return what an asset's file is called in the directory of its product."""
    return f"{safe(asset.key)}{suffix(asset)}"


def member_path(name: str) -> PurePosixPath:
    """Return where a member of an archive lies in the directory of its product."""
    return PurePosixPath(*(safe(part) for part in name.split("/") if part not in ("", ".")))


def taken(name: str) -> bool:
    """Say whether a file name ends as only names of ours do: of what is unfinished, put aside, or said of a product."""
    return _TAKEN.search(name) is not None


def safe(name: str) -> str:
    """Return a file name for a name: itself when it is plain and short, else its plain letters and a hash of it."""
    kept = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")
    if kept and kept == name and len(kept) <= 120 and not taken(kept):
        return kept
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{kept[:80].rstrip('.-') or 'product'}-{digest}"
