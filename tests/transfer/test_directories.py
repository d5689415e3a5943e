"""Nothing is written outside the archive, whatever others do to it meanwhile.

`python -m bench faults` runs each race a thousand times.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
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


READ_ONLY = """
import sys
from pathlib import Path
from watcher.errors import NoArchive
from watcher.transfer.part import part_of

try:
    with part_of(Path(sys.argv[1]) / "site" / "p"):
        pass
except NoArchive as error:
    print(error, error.hint, sep="\\n")
"""


def test_a_disk_that_can_be_read_only_is_no_fault_of_what_was_to_go_there(tmp_path: Path) -> None:
    mount = 'mount -t tmpfs none "$1" && mount -o remount,ro "$1" || exit 77; shift; exec "$@"'
    command = ["unshare", "-m", "sh", "-c", mount, "sh", str(tmp_path), sys.executable, "-c", READ_ONLY, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode and "Traceback" not in done.stderr:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    said, hint = done.stdout.splitlines()
    assert said.endswith("cannot be written: Read-only file system")
    assert "ReadWritePaths=" in hint
