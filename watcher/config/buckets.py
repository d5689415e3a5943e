"""An archive that is a bucket: its address, and which settings go with it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec

from watcher.config.tables import BucketTable, DownloadTable
from watcher.errors import ConfigError
from watcher.quantities import written

_SCHEMES = {"s3": "S3 and what is compatible", "gs": "Google", "az": "Azure"}
_OWN = {
    "s3": {"region", "virtual_hosted", "access_key_id", "secret_access_key", "session_token", "checksums"},
    "gs": {"service_account"},
    "az": {"account_name", "account_key", "sas_token"},
}
_LEAST, _MOST = 5 << 20, 1 << 30


class BucketPlace(msgspec.Struct, frozen=True):
    """The address of a bucket, and what the names of its objects begin with ("" or without a slash at either end)."""

    scheme: str
    bucket: str
    prefix: str

    @property
    def url(self) -> str:
        """The address as it is written, without a slash at its end."""
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")


def bucket_place(archive: str | None) -> BucketPlace | None:
    """Read the address of a bucket; `None` for what is a directory. Raises `ValueError` for another address."""
    scheme, found, rest = (archive or "").partition("://")
    if not found:
        return None
    bucket, _, prefix = rest.partition("/")
    if scheme not in _SCHEMES:
        known = ", ".join(f"{name}:// ({what})" for name, what in _SCHEMES.items())
        raise ValueError(f"{scheme}:// is no kind of bucket: there are {known}")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}", bucket):
        raise ValueError(f'"{bucket}" is no name of a bucket')
    prefix = prefix.strip("/")
    if _dotted(prefix) or (prefix and not re.fullmatch(r"[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*", prefix)):
        raise ValueError(f'"{prefix}" is no plain path in a bucket')
    return BucketPlace(scheme, bucket, prefix)


def _dotted(prefix: str) -> bool:
    return any(part in (".", "..") for part in prefix.split("/"))


def check_bucket(table: DownloadTable, where: str) -> None:
    """Raise `ConfigError` for an archive that is no address of a bucket, and for settings that go with no such one."""
    try:
        place = bucket_place(table.archive)
    except ValueError as error:
        raise ConfigError(
            f'{where}: download.archive = "{table.archive}": {error}', hint="write s3://BUCKET/PREFIX, or a directory"
        ) from error
    given = {name for name in BucketTable.__struct_fields__ if getattr(table.bucket, name) != getattr(_NONE, name)}
    if place is None:
        if given or table.spool is not None:
            key = "spool" if table.spool is not None else f"bucket.{min(given)}"
            raise ConfigError(
                f"{where}: download.{key} is for an archive that is a bucket, and download.archive is a directory",
                hint='write archive = "s3://BUCKET/PREFIX", or leave it out',
            )
        return
    for scheme, keys in _OWN.items():
        if scheme != place.scheme and given & keys:
            raise ConfigError(
                f"{where}: download.bucket.{min(given & keys)} is for {scheme}://, and download.archive is {place.url}",
                hint=f"{place.scheme}:// takes {', '.join(sorted(_OWN[place.scheme]))}",
            )
    _check_table(table.bucket, where)


def _check_table(table: BucketTable, where: str) -> None:
    if (table.access_key_id is None) != (table.secret_access_key is None):
        raise ConfigError(
            f"{where}: download.bucket has one of access_key_id and secret_access_key",
            hint="write both, or neither: then the environment and the machine's role are asked",
        )
    if not _LEAST <= table.part_size <= _MOST:
        raise ConfigError(f"{where}: download.bucket.part_size is {written(table.part_size)}", hint="5 MiB to 1 GiB")
    if table.endpoint is None:
        return
    parts = urlsplit(table.endpoint)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise ConfigError(
            f'{where}: download.bucket.endpoint = "{table.endpoint}"',
            hint="write it as https://HOST or https://HOST:PORT, without user, query and fragment",
        )
    if parts.scheme == "http" and not (table.allow_insecure or _loopback(parts.hostname)):
        raise ConfigError(
            f"{where}: download.bucket.endpoint = {table.endpoint} is not encrypted",
            hint="use https, or set allow_insecure = true if there is no other way",
        )


def _loopback(host: str) -> bool:
    """Say whether a host is, by its very spelling, this machine."""
    return host in ("localhost", "::1") or (host.startswith("127.") and host.replace(".", "").isdigit())


_NONE = BucketTable()
