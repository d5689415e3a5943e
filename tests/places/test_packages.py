"""The packages that the tables are made of: proven before they are read, and a lack of them is said."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from data import packages
from data.packages import Package, fetch, lying

CONTENT = b"what the registry has"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    monkeypatch.setattr(packages, "FOLDER", tmp_path)
    return Package("no-such-tables", "1.0", "no_such_tables-1.0.tgz", hashlib.sha256(CONTENT).hexdigest())


def test_a_package_lies_there_only_if_it_is_whole(package: Package) -> None:
    file = packages.FOLDER / package.file
    file.write_bytes(CONTENT[:-1])
    assert lying(package) is None
    file.write_bytes(CONTENT)
    assert lying(package) == fetch(package) == file


def test_who_cannot_bring_it_is_named(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(packages.FOLDER))
    with pytest.raises(ConnectionError, match="npm is not installed"):
        fetch(package)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ConnectionError, match=r"no-such-tables==1\.0"):
        fetch(package._replace(file="no_such_tables-1.0.tar.gz"))


def test_what_npm_brings_is_held_against_its_checksum(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = packages.FOLDER / "npm"
    npm.write_text(f"#!/bin/sh\nprintf forged > '{packages.FOLDER / package.file}'\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(packages.FOLDER))
    with pytest.raises(ValueError, match=f"has the SHA-256 {hashlib.sha256(b'forged').hexdigest()}, not"):
        fetch(package)
