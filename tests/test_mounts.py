"""Where a directory lies, and what is said of it."""

from __future__ import annotations

import errno
import fcntl
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Watcher
from watcher.config import load
from watcher.errors import TransferError
from watcher.jobs import tell_of_file_systems
from watcher.mounts import Mount, mount_of
from watcher.tasks.health.around import file_systems
from watcher.transfer.part import part_of
from watcher.wiring import Parts

MOUNTS = """\
1 0 8:1 / / rw,relatime - ext4 /dev/sda1 rw
2 1 0:40 / /srv rw,relatime shared:3 - nfs4 nas:/export rw,vers=4.2
3 2 0:41 / /srv/a\\040b ro,relatime shared:4 master:1 - cifs //nas/share\\134x rw,vers=3.1.1
4 1 0:42 / /home ro - ext4 /dev/sdb rw
5 4 0:43 / /home rw - btrfs /dev/sdc rw,subvolid=5
6 1 0:44 / /media rw - fuse.gocryptfs /crypt rw
7 1 0:45 / /mnt rw - xfs /dev/sdd ro
odd line
"""


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda self, *a, **k: MOUNTS if str(self) == "/proc/self/mountinfo" else real(self, *a, **k)
    )


@pytest.mark.usefixtures("mounted")
@pytest.mark.parametrize(
    ("path", "mount"),
    [
        ("/var/lib", Mount("/", "ext4", "/dev/sda1", False)),
        ("/srv/products", Mount("/srv", "nfs4", "nas:/export", False)),
        ("/srvx", Mount("/", "ext4", "/dev/sda1", False)),
        ("/srv/a b/c", Mount("/srv/a b", "cifs", "//nas/share\\x", True)),
        ("/home/jane", Mount("/home", "btrfs", "/dev/sdc", False)),
        ("/mnt", Mount("/mnt", "xfs", "/dev/sdd", True)),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(path: str, mount: Mount) -> None:
    assert mount_of(Path(path)) == mount


@pytest.mark.usefixtures("mounted")
def test_an_ordinary_disk_is_not_worth_a_word_and_a_network_is() -> None:
    assert list(file_systems("archive", Path("/var/a"), Path("/home/state"))) == []
    (database,) = file_systems("archive", Path("/var/a"), Path("/srv/state"))
    assert (database.subject, database.well) == ("database's file system", False)
    assert "nfs4 (nas:/export, mounted on /srv): SQLite's write-ahead log does not work" in database.text
    (archive,) = file_systems("archive", Path("/srv/a"), Path("/var"))
    assert (archive.subject, archive.well) == ("archive's file system", True)
    assert "as good as its server makes them" in archive.text
    (spool,) = file_systems("spool", Path("/media/spool"), Path("/var"))
    assert (spool.subject, spool.well) == ("spool's file system", True)


@pytest.mark.usefixtures("mounted")
def test_the_service_says_so_when_it_starts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[download]\narchive = "/srv/products"\n')
    caplog.set_level(logging.INFO)
    tell_of_file_systems(Parts(load(config), tmp_path))
    (line,) = caplog.records
    assert (line.levelname, line.getMessage()) == ("INFO", "archive's file system")
    assert "/srv/products lies on nfs4" in line.fields["says"]  # type: ignore[attr-defined]


def checked(mounting: str) -> subprocess.CompletedProcess[str]:
    """Run `watcher check` where something else is mounted."""
    script = f'{mounting} && exec "{sys.executable}" -m watcher check'
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, timeout=60)
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no mount namespace of our own: {done.stderr.strip()}")
    return done


def test_a_read_only_archive_is_named(home: Path, watcher: Watcher) -> None:
    config, place = home / "config.toml", home / "srv"
    place.mkdir()
    config.write_text(config.read_text().replace("[download]\n", f'[download]\narchive = "{place}/products"\n'))
    done = checked(f'mount -t tmpfs -o ro none "{place}"')
    at = f"{place}/products lies on tmpfs (none, mounted on {place})"
    assert f"WRONG  archive's file system: {at}: it can be read only" in done.stdout
    assert f"→ mount -o remount,rw {place}, or set download.archive" in done.stdout
    assert done.returncode == 1


def test_a_read_only_state_directory_is_named(home: Path, watcher: Watcher) -> None:
    watcher("sites")  # makes the database
    state = home / "state"
    done = checked(f'mount --bind "{state}" "{state}" && mount -o remount,ro,bind "{state}"')
    assert f"WRONG  database's file system: {state} lies on " in done.stdout
    assert f"→ mount -o remount,rw {state}, or use --state DIR" in done.stdout
    assert "Traceback" not in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def none(*_: object) -> None:
        raise OSError(code, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(TransferError, match="a file system without locks") as caught, part_of(tmp_path / "P.zip"):
        pass
    assert "nolock" in str(caught.value.hint)
