"""On which file system a directory lies, by what the kernel has mounted (proc_pid_mountinfo(5))."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

_REMOTE = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "coda", "glusterfs", "gpfs", "lustre", "orangefs"),
    *("fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.goofys", "fuse.glusterfs", "fuse.ceph-fuse"),
}


class Mount(msgspec.Struct, frozen=True):
    """A file system: where it is mounted, its type, what of, and whether it can be read only."""

    point: str
    kind: str
    source: str
    read_only: bool

    @property
    def remote(self) -> bool:
        """Whether another machine is known to have the files."""
        return self.kind in _REMOTE

    @property
    def doubtful(self) -> bool:
        """Whether another machine, or a program, has the files: what it makes of locks and renames is its business."""
        return self.remote or self.kind.startswith("fuse.")


def mount_of(directory: Path) -> Mount | None:
    """Return the file system of a directory, or where it is not there, of that which it would be made in.

    `None` where the kernel does not say.
    """
    try:
        text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None  # not Linux
    real = str(directory.resolve())
    best: Mount | None = None
    for line in text.splitlines():
        mount = _read(line)
        within = mount is not None and (real == mount.point or real.startswith(mount.point.rstrip("/") + "/"))
        # Of two at the same place the later one hides the other.
        if mount is not None and within and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def _read(line: str) -> Mount | None:
    """Read a line: ``36 35 98:0 /root /point rw,noatime shared:1 - nfs4 server:/x rw,vers=4.2``."""
    mine, _, its = line.partition(" - ")
    fields, more = mine.split(" "), its.split(" ")
    if len(fields) < 6 or len(more) < 3:
        return None
    read_only = "ro" in fields[5].split(",") or "ro" in more[2].split(",")
    return Mount(_plain(fields[4]), more[0], _plain(more[1]), read_only)


def _plain(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
