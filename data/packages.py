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

    @property
    def registry(self) -> str:
        """Say where it is from."""
        return "npm" if self.file.endswith(".tgz") else "PyPI"


def lying(package: Package) -> Path | None:
    """Return where the package lies, `None` when it was not downloaded whole."""
    path = FOLDER / package.file
    return path if path.is_file() and _sha256(path) == package.sha256 else None


def fetch(package: Package) -> Path:
    """Return where the package lies, downloaded if it is not there yet.

    Raises `ConnectionError` with what pip or npm say when they do not bring it, `ValueError` for another content.
    """
    path = FOLDER / package.file
    if lying(package) is None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        _npm(package) if package.registry == "npm" else _pip(package)
        if (found := _sha256(path)) != package.sha256:
            raise ValueError(f"{path} has the SHA-256 {found}, not {package.sha256}")
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pip(package: Package) -> None:
    # pip reads what a source distribution needs by running its setup.py: only once its checksum was right.
    wanted = f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n"
    form = "--only-binary" if package.file.endswith(".whl") else "--no-binary"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--retries", "1"]
    _run([*command, "--no-deps", form, package.name, "--dest", str(FOLDER), "--requirement", "/dev/stdin"], wanted)


def _npm(package: Package) -> None:
    command = ["npm", "pack", "--loglevel", "error", "--fetch-retries", "1", "--fetch-retry-mintimeout", "1000"]
    _run([*command, "--pack-destination", str(FOLDER), f"{package.name}@{package.version}"])


def _run(command: list[str], text: str = "") -> None:
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ConnectionError(f"{command[0]} is not installed") from None
    if done.returncode == 0:
        return
    said = [line.strip() for line in done.stderr.splitlines() if "error" in line.lower()]
    if "DO NOT MATCH THE HASHES" in done.stderr:
        raise ValueError(done.stderr.strip())
    raise ConnectionError(said[0] if said else f"exit status {done.returncode}")
