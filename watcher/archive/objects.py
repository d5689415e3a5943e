"""The objects of a bucket, through obstore: opened when they are first asked for, and told to stop within a second."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs

import msgspec

from watcher.archive.refusals import NotOffered, NotThere, Taken, problem
from watcher.config import BucketPlace, BucketTable
from watcher.credentials import remembered, revealed
from watcher.errors import ConfigError, TransferError, WatcherError

if TYPE_CHECKING:
    from obstore.store import ObjectStore, S3Credential

_T = TypeVar("_T")

_STEP = 0.2
_KEYS_LAST = timedelta(minutes=5)
"""How long keys are used before they are read again."""

_RETRIES = {"max_retries": 3, "backoff": {"max_backoff": timedelta(seconds=2)}, "retry_timeout": timedelta(seconds=60)}
_CLIENT = {"connect_timeout": "20s", "user_agent": "watcher"}
_SLOWEST = 32 * 1024
"""Bytes a second that a part comes with at least, while that takes no longer than a request lasts."""

_REQUEST_LASTS = 120, 1200
"""Seconds after which one that was not answered has failed: well before the service would be called stuck."""

_AT_ONCE = 4
"""Parts of one object that are under way together."""


class Seen(msgspec.Struct, frozen=True):
    """An object: its size in bytes, its entity tag without quotes, and what was said of it when it was put there."""

    size: int
    etag: str
    said: Mapping[str, str]


class Objects(msgspec.Struct, frozen=True):
    """The objects below an address, by the rest of their names. It can be pickled, and threads may share it.

    Each call raises `TransferError` (`NoArchive` where the bucket, or the way to it, is at fault), `ConfigError` where
    obstore is not installed, and `CredentialError` where a secret cannot be read.
    """

    place: BucketPlace
    table: BucketTable

    def shown(self, name: str) -> str:
        """Return the address of an object."""
        return f"{self.place.url}/{name}" if name else self.place.url

    def head(self, name: str, *, stop: threading.Event) -> Seen | None:
        """Look at an object; `None` when there is none."""

        def ask() -> Seen:
            got = self._store().get(name, options={"head": True})
            said = {str(key): str(value) for key, value in got.attributes.items()}
            return Seen(got.meta["size"], (got.meta["e_tag"] or "").strip('"').lower(), said)

        try:
            return self._done(name, "asked for", ask, stop)
        except NotThere:
            return None

    def read(self, name: str, size: int, *, stop: threading.Event) -> Iterator[bytes]:
        """Yield the first `size` bytes of an object, in ranges; raises `NotThere` for one that is gone or shorter."""
        step = max(self.table.part_size, 8 << 20)
        for start in range(0, size, step):
            length = min(step, size - start)
            piece = self._done(name, "read", lambda s=start, n=length: self._range(name, s, n), stop)  # type: ignore[misc]
            if len(piece) != length:
                raise NotThere(f"{self.shown(name)} ends after {start + len(piece):,} of {size:,} bytes")
            yield piece

    def _range(self, name: str, start: int, length: int) -> bytes:
        return bytes(self._store().get_range(name, start=start, length=length))

    def names(self, beginning: str, *, stop: threading.Event, most: int | None = None) -> list[str]:
        """Return the names of the objects in the directory `beginning` ("" is all), perhaps only the first of them."""

        def ask() -> list[str]:
            store, found = self._store(), []
            for page in store.list(prefix=beginning or None, chunk_size=most or 1000):
                found += [str(one["path"]) for one in page]
                if most is not None and len(found) >= most:
                    break
            return found

        return self._done(beginning, "listed", ask, stop)

    def sizes(self, *, stop: threading.Event) -> list[tuple[str, int]]:
        """Return the names of all objects, and their bytes."""

        def ask() -> list[tuple[str, int]]:
            return [(str(one["path"]), int(one["size"])) for page in self._store().list() for one in page]

        return self._done("", "listed", ask, stop)

    def put(self, name: str, content: bytes, *, said: Mapping[str, str], create: bool, stop: threading.Event) -> None:
        """Put an object by one request. With `create` one that is there stays, and `Taken` is raised."""

        def ask(mode: Any) -> None:
            self._store().put(name, content, attributes=dict(said), mode=mode, use_multipart=False)

        if not create:
            self._done(name, "written", lambda: ask("overwrite"), stop)
            return
        try:
            self._done(name, "written", lambda: ask("create"), stop)
        except NotOffered:
            # A store that has no conditional writes: what was there a moment ago is not overwritten.
            self.absent(name, stop=stop)
            self._done(name, "written", lambda: ask("overwrite"), stop)

    def put_parts(
        self, name: str, pieces: Iterator[bytes], part: int, *, said: Mapping[str, str], stop: threading.Event
    ) -> None:
        """Put an object in parts of `part` bytes: it is there once `pieces` ended, and not at all when they raise."""

        def guarded() -> Iterator[bytes]:
            for piece in pieces:
                if stop.is_set():
                    raise TransferError("stopped")
                yield piece

        def ask() -> None:
            self._store().put(
                name,
                guarded(),
                attributes=dict(said),
                use_multipart=True,
                chunk_size=part,
                max_concurrency=_AT_ONCE,
            )

        self._done(name, "written", ask, stop)

    def absent(self, name: str, *, stop: threading.Event) -> None:
        """Raise `Taken` if there is an object of that name."""
        if self.head(name, stop=stop) is not None:
            raise Taken(f"{self.shown(name)} is there already")

    def rename(self, name: str, new: str, *, stop: threading.Event) -> None:
        """Give an object another name, in the place of what has it."""
        self._done(name, "renamed", lambda: self._store().rename(name, new), stop)

    def delete(self, name: str, *, stop: threading.Event) -> None:
        """Remove an object; one that is not there is no error."""
        with suppress(NotThere):
            self._done(name, "removed", lambda: self._store().delete(name), stop)

    def _store(self) -> ObjectStore:
        return _opened(self, os.getpid())

    def _done(self, name: str, what: str, ask: Callable[[], _T], stop: threading.Event) -> _T:
        """Do something in a thread that is left behind when told to stop: a request cannot be interrupted."""
        self._store()
        done: list[_T] = []
        failed: list[BaseException] = []

        def work() -> None:
            try:
                done.append(ask())
            except BaseException as error:  # noqa: BLE001  # raised below, by who waits
                failed.append(error)

        thread = threading.Thread(target=work, name=f"{what} {name}"[:60], daemon=True)
        thread.start()
        thread.join(_STEP / 4)
        while thread.is_alive():
            if stop.is_set():
                thread.join(_STEP)
                if thread.is_alive():
                    raise TransferError("stopped")
                break
            thread.join(_STEP)
        if failed:
            raise problem(failed[0], self.shown(name), what) from failed[0]
        return done[0]


@lru_cache(maxsize=8)
def _opened(objects: Objects, process: int) -> ObjectStore:
    """Open a bucket for this process: what was opened before a fork is of no use after it."""
    del process
    # Or there is a thread for each core, however many the machine has, and the unit of systemd allows 128.
    os.environ.setdefault("TOKIO_WORKER_THREADS", "2")
    try:
        from obstore import store
    except ImportError as error:
        raise ConfigError(
            f"the archive is {objects.place.url}, and obstore is not installed",
            hint="pip install 'eo-watcher[bucket]'",
        ) from error
    place, table = objects.place, objects.table
    client: dict[str, Any] = {**_CLIENT, "timeout": timedelta(seconds=_lasting(table.part_size))}
    if (table.endpoint or "").startswith("http://"):
        client["allow_http"] = True  # the configuration was held to what that needs
    if table.ca_bundle is not None:
        client["root_certificate"] = _certificates(table.ca_bundle)
    if table.proxy is not None:
        client["proxy_url"] = table.proxy
    common: dict[str, Any] = {"prefix": place.prefix or None, "client_options": client, "retry_config": _RETRIES}
    try:
        if place.scheme == "s3":
            return store.S3Store(place.bucket, config=_s3(table), credential_provider=_keys(table), **common)
        if place.scheme == "gs":
            return store.GCSStore(place.bucket, config=_gs(table), **common)
        return store.AzureStore(place.bucket, config=_az(table), **common)
    except Exception as error:  # a value that obstore does not take, in any of its ways to say so
        if isinstance(error, WatcherError):
            raise
        raise ConfigError(
            str(problem(error, place.url, "opened as [download.bucket] says")),
            hint="config.example.toml shows every key; or has this machine no certificates (ca-certificates)?",
        ) from error


def _lasting(part: int) -> int:
    least, most = _REQUEST_LASTS
    return max(least, min(most, part // _SLOWEST))


def _certificates(path: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise ConfigError(f"download.bucket.ca_bundle: {path} cannot be read: {error.strerror}") from error


def _s3(table: BucketTable) -> Any:
    config: dict[str, Any] = {"disable_bulk_delete": True}  # not every store that is compatible has it
    if table.endpoint is not None:
        config["endpoint"] = table.endpoint
    if table.region is not None:
        config["region"] = table.region
    if table.virtual_hosted:
        config["virtual_hosted_style_request"] = True
    if table.checksums:
        config["checksum_algorithm"] = "SHA256"
    return config


def _keys(table: BucketTable) -> Any:
    """Return what gives the keys that are configured, read anew every few minutes; `None` leaves it to the machine."""
    if table.access_key_id is None or table.secret_access_key is None:
        return None
    name, secret, token = table.access_key_id, table.secret_access_key, table.session_token

    def keys() -> S3Credential:
        return {
            "access_key_id": revealed(name),
            "secret_access_key": secret.reveal(),
            "token": None if token is None else token.reveal(),
            "expires_at": datetime.now(UTC) + _KEYS_LAST,
        }

    keys()  # what cannot be read is said before anything is asked
    return keys


def _gs(table: BucketTable) -> Any:
    config: dict[str, Any] = {}
    if table.endpoint is not None:
        config["base_url"] = table.endpoint
    if table.service_account is not None:
        config["service_account_key"] = table.service_account.reveal()
    return config


def _az(table: BucketTable) -> Any:
    config: dict[str, Any] = {}
    if table.endpoint is not None:
        config["endpoint"] = table.endpoint
    if table.account_name is not None:
        config["account_name"] = table.account_name
    if table.account_key is not None:
        config["account_key"] = table.account_key.reveal()
    if table.sas_token is not None:
        token = table.sas_token.reveal()
        for signature in parse_qs(token.lstrip("?")).get("sig", ()):
            remembered(signature)  # it is sent encoded in another way, and may be repeated like that
        config["sas_key"] = token
    return config
