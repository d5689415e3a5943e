"""Products that lie proven in the spool, and buckets to bring them to."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from tests.servers.buckets import AnyBucket
from watcher.archive import Lot
from watcher.archive.bucket import Bucket
from watcher.archive.objects import Objects
from watcher.archive.spool import Spool
from watcher.config import BucketPlace, BucketTable
from watcher.core.archive.sidecars import File
from watcher.credentials import Secret
from watcher.model import Asset

MIB = 1 << 20
PART = 5 * MIB


def archive_in(bucket: AnyBucket, tmp_path: Path, *, endpoint: str | None = None, **settings: Any) -> Bucket:
    """The archive below ``eo`` in a bucket, perhaps by another way."""
    said = {"endpoint": endpoint or bucket.endpoint, "part_size": PART, **bucket.settings(), **settings}
    key, value = bucket.secret()
    file = tmp_path / "secret-key"
    file.write_text(value)
    file.chmod(0o600)
    table = BucketTable(**{key: Secret(file=str(file)), **said})
    return Bucket(Objects(BucketPlace(bucket.scheme, bucket.name, "eo"), table), Spool(tmp_path / "spool"))


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def proven(archive: Bucket, place: str, content: bytes | dict[str, bytes]) -> tuple[Lot, tuple[File, ...]]:
    """Put a product into the spool, as fetching would."""
    named = content if isinstance(content, dict) else {"": content}
    files = []
    for name, some in named.items():
        path = archive.workplace(place) / name if name else archive.workplace(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(some)
        files.append(File(name, len(some), sha256(some), "md5"))
    return lot_of(place, named), tuple(files)


def lot_of(place: str, named: dict[str, bytes]) -> Lot:
    """What the catalogue says of such a product."""
    assets = tuple(
        Asset(
            name or "product",
            f"https://eo.example/{place}/{name}",
            size=len(some),
            checksum=f"md5:{hashlib.md5(some).hexdigest()}",
        )
        for name, some in named.items()
    )
    return Lot(place, assets)


def spooled(archive: Bucket) -> list[str]:
    """All files in the spool."""
    root = archive.spool.root
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
