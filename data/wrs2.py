"""Make `watcher/places/wrs2.csv`: the outlines of Landsat's WRS-2, one for each row of the orbit.

    python -m data.wrs2

The paths are the same orbit, 360/233 degrees of longitude apart, so the 28,892 outlines of the USGS shapefile
(descending, day side; public domain) are 124 quadrangles moved west path by path: all of them agree with the
shapefile to 0.0033 degrees, and most to 0.001. The table has the corners at path 0, the median over all paths.
"""

from __future__ import annotations

import csv
import io
import itertools
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapefile
import shapely

from data.packages import Package, fetch

TILEMATCHER = Package(
    "eo-tilematcher",
    "0.1.3",
    "eo_tilematcher-0.1.3.tar.gz",
    "5497dd500938edd1c3a14f276660ecd4bcf6084d8cd11d5bc36910c5ac55b560",
)
TARGET = Path(__file__).parents[1] / "watcher" / "places" / "wrs2.csv"
STEP = 360 / 233

Rings = list[Sequence[Sequence[float]]]


def outlines(sdist: Path) -> dict[tuple[int, int], Rings]:
    """Return the rings of each (path, row) of the shapefile; two where it is cut at the antimeridian."""
    with tarfile.open(sdist) as archive:
        member = archive.extractfile("eo_tilematcher-0.1.3/eo_tilematcher/data/landsat/WRS2_descending_0.zip")
        if member is None:
            raise ValueError(f"{sdist} has no WRS2_descending_0.zip")
        inner = zipfile.ZipFile(io.BytesIO(member.read()))
    parts = {Path(name).suffix[1:]: io.BytesIO(inner.read(name)) for name in inner.namelist()}
    rings: dict[tuple[int, int], Rings] = {}
    with shapefile.Reader(shp=parts["shp"], shx=parts["shx"], dbf=parts["dbf"]) as reader:
        for each in reader.iterShapeRecords(fields=["PATH", "ROW"]):
            cuts = [*each.shape.parts, len(each.shape.points)]
            points = [point[:2] for point in each.shape.points]
            rings[each.record["PATH"], each.record["ROW"]] = [
                points[start:end] for start, end in itertools.pairwise(cuts)
            ]
    return rings


def corners(rings: Sequence[Sequence[Sequence[float]]]) -> Any:
    """Return the four corners of rings that have more points on their edges, counter-clockwise: n x 4 x 2."""
    points, number = np.concatenate(rings), np.repeat(np.arange(len(rings)), list(map(len, rings)))
    once = shapely.simplify(shapely.polygons(shapely.linearrings(points, indices=number)), 0.003)
    # Where a ring begins, a point stays: it begins elsewhere the second time.
    points, number = shapely.get_coordinates(once, return_index=True)
    onward = np.diff(number, prepend=-1) == 0
    turned = shapely.linearrings(points[onward], indices=number[onward])
    twice = shapely.orient_polygons(shapely.simplify(shapely.polygons(turned), 0.003))
    counts = shapely.get_num_coordinates(twice)
    if (counts != 5).any():
        raise ValueError(f"{(counts != 5).sum()} outlines have not four corners")
    return shapely.get_coordinates(twice).reshape(-1, 5, 2)[:, :4]


def quadrangle(rings: dict[int, Rings]) -> Any:
    """Return the corners of a row at path 0, the median over the paths whose outline is not cut."""
    whole = {path: parts[0] for path, parts in rings.items() if len(parts) == 1}
    moved = corners(list(whole.values()))
    moved[:, :, 0] += STEP * np.array(list(whole))[:, None]
    first = np.roll(moved[0], -int(np.argmax(moved[0][:, 1] - moved[0][:, 0])), axis=0)
    turns = np.stack([np.roll(moved, turn, axis=1) for turn in range(4)])
    turns[..., 0] -= np.round(np.median(turns[..., 0] - first[:, 0], axis=2) / 360)[..., None] * 360
    best = np.abs(turns - first).max(axis=(2, 3)).argmin(axis=0)
    return np.median(turns[best, np.arange(len(best))], axis=0)


def table(rings: dict[tuple[int, int], Rings]) -> str:
    """Return the file's content."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", *(f"{axis}{corner}" for corner in range(1, 5) for axis in ("lon", "lat"))])
    rows: dict[int, dict[int, Rings]] = {}
    for (path, row), parts in sorted(rings.items()):
        rows.setdefault(row, {})[path] = parts
    for row in sorted(rows):
        quad = quadrangle(rows[row])
        quad = quad - [round(float(quad[:, 0].mean()) / 360) * 360, 0]
        writer.writerow([row, *(f"{value:.4f}" for value in quad.flatten())])
    return text.getvalue()


if __name__ == "__main__":
    TARGET.write_text(table(outlines(fetch(TILEMATCHER))), encoding="utf-8")
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")
