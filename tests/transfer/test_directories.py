"""Nothing is written outside the archive, whatever others do to it meanwhile.

`python -m bench faults` runs each race a thousand times.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.transfer.races import RACES, ran
from watcher.errors import TransferError
from watcher.transfer.part import part_of


def test_directories_are_made_and_have_ordinary_modes(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with part_of(tmp_path / "a" / "b" / "c" / "p"):
            pass
    finally:
        os.umask(before)
    assert {stat.S_IMODE(place.stat().st_mode) for place in (tmp_path / "a").rglob("*")} == {0o755}
    assert (tmp_path / "a" / "b" / "c").is_dir()


@pytest.mark.parametrize("where", ["last", "above"])
def test_the_administrator_may_keep_an_archive_elsewhere_by_a_link(where: str, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "archive").symlink_to(tmp_path / "disk")
    path = tmp_path / "archive" / ("p" if where == "last" else "site/p")
    with part_of(path) as part:
        part.write(b"x")
        part.publish()
    assert (tmp_path / "disk" / path.relative_to(tmp_path / "archive")).read_bytes() == b"x"


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can play somebody else")


@needs_root
@pytest.mark.parametrize("where", ["last", "above"])
def test_a_link_of_somebody_else_is_not_followed(where: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "site").symlink_to(tmp_path / "elsewhere")
    os.chown(tmp_path / "site", 65534, 65534, follow_symlinks=False)
    with (
        pytest.raises(TransferError, match="cannot be written"),
        part_of(tmp_path / "site" / ("p" if where == "last" else "L2A/p")),
    ):
        raise AssertionError("it was opened")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_link_is_not_followed_where_others_may_put_one(mode: int, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "site").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "shared").chmod(mode)
    with pytest.raises(TransferError), part_of(tmp_path / "shared" / "site" / "p"):
        raise AssertionError("it was opened")
    (tmp_path / "shared").chmod(mode | stat.S_ISVTX)  # where each has only his own
    with part_of(tmp_path / "shared" / "site" / "p"):
        pass


@pytest.mark.parametrize("race", RACES)
def test_no_link_that_appears_meanwhile_leads_outside(race: str, tmp_path: Path) -> None:
    outside = ran(race, tmp_path, times=40)
    assert outside == 0
