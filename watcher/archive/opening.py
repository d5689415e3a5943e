"""A bucket is opened with obstore, as `[download.bucket]` says."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from watcher.archive.refusals import problem
from watcher.config import BucketPlace, BucketTable
from watcher.credentials import remembered, revealed
from watcher.errors import ConfigError, WatcherError

if TYPE_CHECKING:
    from obstore.store import ObjectStore, S3Credential

_KEYS_LAST = timedelta(minutes=5)
"""How long keys are used before they are read again."""

_RETRIES = {"max_retries": 3, "backoff": {"max_backoff": timedelta(seconds=2)}, "retry_timeout": timedelta(seconds=60)}
_CLIENT = {"connect_timeout": "20s", "user_agent": "watcher"}
_SLOWEST = 32 * 1024
"""Bytes a second that a part comes with at least, while that takes no longer than a request lasts."""

_REQUEST_LASTS = 120, 1200
"""Seconds after which one that was not answered has failed: well before the service would be called stuck."""


@lru_cache(maxsize=8)
def opened(place: BucketPlace, table: BucketTable, process: int) -> ObjectStore:
    """Open a bucket for this process: what was opened before a fork is of no use after it."""
    del process
    # Or there is a thread for each core, however many the machine has, and the unit of systemd allows 128.
    os.environ.setdefault("TOKIO_WORKER_THREADS", "2")
    try:
        from obstore import store
    except ImportError as error:
        raise ConfigError(
            f"the archive is {place.url}, and obstore is not installed",
            hint="pip install 'eo-watcher[bucket]'",
        ) from error
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
