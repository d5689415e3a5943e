"""What is said of the objects of a bucket: with each of them, and last, that all of a product are whole."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import msgspec

from watcher.archive.lot import Lot, listed
from watcher.archive.objects import Objects, Seen
from watcher.archive.refusals import Taken
from watcher.archive.upload import another
from watcher.core.archive.sidecars import File, sidecar_name

COMPLETE = ".complete.json"
_GEOJSON = {"Content-Type": "application/geo+json"}
_JSON = {"Content-Type": "application/json"}


def put_down(lot: Lot, file: File) -> dict[str, str]:
    """Return what is put down with an object: names of letters only, as every store takes them."""
    return {"sha256": file.checksum.removeprefix("sha256:"), "verified": file.how, "product": lot.mark}


def taken_up(lot: Lot, name: str, seen: Seen) -> File | None:
    """Read what was put down with an object of a lot; `None` where it was not, or of another."""
    digest, how = seen.said.get("sha256"), seen.said.get("verified")
    if seen.said.get("product") != lot.mark or digest is None or how is None:
        return None
    return File(name, seen.size, f"sha256:{digest}", how)


def word_of(objects: Objects, place: str, stop: threading.Event) -> Seen | None:
    """Look at what says that the objects at a place are whole; `None` where nothing does."""
    for name in (sidecar_name(place), f"{place}{COMPLETE}"):
        if (seen := objects.head(name, stop=stop)) is not None:
            return seen
    return None


def say(objects: Objects, lot: Lot, files: tuple[File, ...], sidecar: bytes | None, stop: threading.Event) -> None:
    """Say of the objects of a lot that they are whole: by the sidecar, or without one where they are several."""
    told = {"product": lot.mark, "files": listed(files)}
    if sidecar is not None:
        _beside(objects, sidecar_name(lot.place), sidecar, told | _GEOJSON, stop)
    elif not lot.whole:
        content = msgspec.json.format(msgspec.json.encode(files)) + b"\n"
        _beside(objects, f"{lot.place}{COMPLETE}", content, told | _JSON, stop)


def say_again(objects: Objects, place: str, sidecar: bytes, word: Mapping[str, str], stop: threading.Event) -> None:
    """Say by a sidecar, in the place of the former one, what is known of objects by now."""
    _beside(objects, sidecar_name(place), sidecar, {**word, **_GEOJSON}, stop)


def unsay(objects: Objects, place: str, stop: threading.Event) -> None:
    """Remove what says that the objects at a place are whole."""
    for name in (sidecar_name(place), f"{place}{COMPLETE}"):
        objects.delete(name, stop=stop)


def _beside(objects: Objects, name: str, content: bytes, said: Mapping[str, str], stop: threading.Event) -> None:
    """Put what is said of a product, in the place of what we said before; raises `AnotherFile` for another's."""
    try:
        objects.put(name, content, said=said, create=True, stop=stop)
    except Taken:
        seen = objects.head(name, stop=stop)
        if seen is not None and "product" not in seen.said:
            raise another(objects, name) from None
        objects.put(name, content, said=said, create=False, stop=stop)
