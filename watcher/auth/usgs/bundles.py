"""The bundles of Landsat Collection 2 scenes: a tar of all files of a product, by an address that M2M signs.

An order has the name of its product, so that whoever asks again finds it, and nothing is made twice. An address is
asked for anew where the last one is some minutes old, or was refused.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec

from watcher.auth.usgs.m2m import Api, Complained
from watcher.credentials import remembered_for_now
from watcher.decoding import convert
from watcher.errors import CatalogueError, Staged, TransferError
from watcher.names import plain
from watcher.net.hops import Talk, link
from watcher.net.logins import carried
from watcher.net.reach import origin
from watcher.net.tokens import PATIENCE

_GOOD_FOR = 120.0
_TOKEN = 24
"""Letters from which on the end of an address is taken for what opens it."""

# USGS LSDS-1618, 1619: sensor, satellite, level and correction, path and row, acquired, processed, collection, tier.
_SCENE = re.compile(r"L(?P<sensor>[COTEM])(?P<satellite>\d\d)_L(?P<level>[12])[A-Z]{2}_\d{6}_\d{8}_\d{8}_02_(RT|T1|T2)")
_SENSORS = {"C": "ot", "O": "ot", "E": "etm", "M": "mss"}


class _Link(msgspec.Struct, frozen=True):
    """A signed address, until when it is used, and the size that M2M says of a file that lies there."""

    url: httpx.URL
    until: float
    size: int | None


class _Entry(msgspec.Struct):
    """A download in M2M's queue, or one that was requested just now."""

    url: Any = None
    scene: Any = msgspec.field(name="displayId", default=None)


class _Option(msgspec.Struct):
    """Something of a scene that can be downloaded."""

    id: str
    entity: str = msgspec.field(name="entityId")
    name: Any = msgspec.field(name="productName", default=None)
    system: Any = msgspec.field(name="downloadSystem", default=None)
    available: Any = None
    size: Any = msgspec.field(name="filesize", default=None)

    @property
    def lies(self) -> bool:
        """Say whether it is a file that lies there, of a size that is known; others are packed while they are sent."""
        return str(self.system).startswith("dds")


class _Requested(msgspec.Struct):
    available: list[_Entry] | None = msgspec.field(name="availableDownloads", default=None)
    failed: list[Any] | None = None


class _Queue(msgspec.Struct):
    available: list[_Entry] | None = None
    requested: list[_Entry] | None = None


class _Scene(msgspec.Struct):
    entity: str = msgspec.field(name="entityId")


class Bundles(httpx.Auth):
    """Changes the address of a bundle at `url` for the signed one; other requests are left as they are."""

    def __init__(self, api: Api, url: str) -> None:
        self._api, self._url = api, httpx.URL(url)
        self._lock = threading.Lock()
        self._links: dict[str, _Link] = {}

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Find the signed address of a bundle, and another one, once, if the server refuses one that was kept."""
        scene = self._scene(request.url) if request.method == "GET" else None
        if scene is None:
            yield request
            return
        kept = self._links.get(scene)
        found = yield from self._link(scene, request, None)
        _lead(request, found)
        response = yield request
        if response.status_code in (401, 403) and found is kept:
            response.close()
            _lead(request, (yield from self._link(scene, request, found)))
            yield request

    def _scene(self, url: httpx.URL) -> str | None:
        # One that is signed already has more in its query.
        if origin(url) != origin(self._url) or url.path != self._url.path:
            return None
        asked = url.params.multi_items()
        return asked[0][1] if [name for name, _ in asked] == ["landsat_product_id"] else None

    def _link(self, scene: str, request: httpx.Request, refused: _Link | None) -> Talk[_Link]:
        with self._turn():  # M2M refuses two questions of one account at a time
            now = time.monotonic()
            known = self._links.get(scene)
            if known is None or known is refused or now >= known.until:
                url, size = yield from self._asked(scene, request)
                known = _Link(url, now + _GOOD_FOR, size)
                self._links = {name: one for name, one in self._links.items() if now < one.until} | {scene: known}
            return known

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=PATIENCE):
            raise CatalogueError(f"the questions to {self._api.place} have not ended for {PATIENCE:.0f} s")
        try:
            yield
        finally:
            self._lock.release()

    def _asked(self, scene: str, like: httpx.Request) -> Talk[tuple[httpx.URL, int | None]]:
        dataset, place = _dataset(scene), self._api.place
        if dataset is None:
            raise TransferError(
                f"{place} has no bundle of {scene}: that is no Landsat Collection 2 scene", permanent=True
            )
        label = {"label": f"watcher-{scene}"}  # it takes 50 letters
        queue = _as(_Queue, (yield from self._api.ask("download-retrieve", label, like)), place)
        if _of(scene, queue.requested):
            raise _preparing(place, scene)
        entity = yield from self._entity(scene, dataset, like)
        asked = {"datasetName": dataset, "entityIds": [entity]}
        options = _as(list[_Option] | None, (yield from self._api.ask("download-options", asked, like)), place)
        bundle = _bundle(options or (), scene, place)
        wanted = {"downloads": [{"entityId": bundle.entity, "productId": bundle.id}], **label}
        said = _as(_Requested, (yield from self._api.ask("download-request", wanted, like)), place)
        ready = _of(scene, said.available)
        if not ready and said.failed:
            raise TransferError(f"{place} does not give the bundle of {scene}: {_why(said.failed)}")
        if not ready:  # what it calls being prepared is often there already
            queue = _as(_Queue, (yield from self._api.ask("download-retrieve", label, like)), place)
            ready = _of(scene, queue.available)
        if not ready:
            raise _preparing(place, scene)
        size = bundle.size if bundle.lies and isinstance(bundle.size, int) and bundle.size > 0 else None
        return _secret(ready[0].url, place), size

    def _entity(self, scene: str, dataset: str, like: httpx.Request) -> Talk[str]:
        asked = {"datasetName": dataset, "entityId": scene, "idType": "displayId", "metadataType": "summary"}
        try:
            found: _Scene | None = _as(
                _Scene | None, (yield from self._api.ask("scene-metadata", asked, like)), self._api.place
            )
        except Complained as error:
            if error.code.startswith("DATASET"):
                raise TransferError(f"{error} (dataset {dataset}, for {scene})", hint="is api_url right?") from error
            if error.code != "NOT_FOUND":
                raise
            found = None
        if found is None:
            raise TransferError(
                f"{self._api.place} does not find {scene} in {dataset}",
                hint="a scene in real time (RT) is replaced by another product within weeks; a new one may come later",
            )
        return found.entity


def _dataset(scene: str) -> str | None:
    """Return the dataset of M2M that a product of Collection 2 is in, by its identifier."""
    named = _SCENE.fullmatch(scene)
    if named is None:
        return None
    thermal = "tm" if int(named["satellite"]) < 8 else "ot"
    return f"landsat_{_SENSORS.get(named['sensor'], thermal)}_c2_l{named['level']}"


def _bundle(options: Sequence[_Option], scene: str, place: str) -> _Option:
    """Choose the bundle among what there is of a scene: rather a file that lies there than one that is made."""
    bundles = [one for one in options if "bundle" in str(one.name).lower() or one.system == "ls_zip"]
    if not bundles:
        names = ", ".join(sorted({plain(str(one.name)) for one in options}))
        raise TransferError(f"{place} offers no bundle of {scene}" + (f", but {names}" if names else ""))
    ready = sorted((one for one in bundles if one.available is True), key=lambda one: not one.lies)
    if not ready:
        raise TransferError(
            f"{place} has the bundle of {scene} not available for download",
            hint="it is tried again later; what has to be made first is ordered at https://earthexplorer.usgs.gov",
        )
    return ready[0]


def _of(scene: str, entries: Sequence[_Entry] | None) -> list[_Entry]:
    return [one for one in entries or () if one.scene in (None, scene)]


def _preparing(place: str, scene: str) -> Staged:
    return Staged(f"{place} is preparing the bundle of {scene}")


def _why(failed: Sequence[Any]) -> str:
    first = failed[0]
    said = first.get("errorMessage") if isinstance(first, dict) else first
    return plain(str(said)) if said else "it does not say why"


def _secret(text: Any, place: str) -> httpx.URL:
    url = link(text) if isinstance(text, str) else None
    if url is None or not url.host:
        raise CatalogueError(f"{place} gave no address for a bundle")
    carried(str(url), place)
    end = url.path.rpartition("/")[2]
    if len(end) >= _TOKEN:  # the address of a file that lies there has what opens it in its path
        remembered_for_now(end)
    return url


def _lead(request: httpx.Request, found: _Link) -> None:
    request.url = found.url
    request.extensions = {**request.extensions, "size": found.size}


def _as(kind: Any, data: Any, place: str) -> Any:
    try:
        return convert(data, kind)
    except msgspec.ValidationError as error:
        raise CatalogueError(f"{place} answered otherwise than it is documented: {error}") from error
