"""Fill a small disk at many points of a download, make room again, and see what became of it.

    python -m bench full_disk [--points 30]

Each way to fetch (one stream, several, several files, members of a zip) writes to a tmpfs of 4 MiB, in a mount
namespace of its own (root is needed), with the disk full at so many points. Judged: half files that have a final name,
and downloads that do not go on by themselves once there is room, both of which must be none.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile

from bench.ratios import expect, report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=30, help="at how many points each way meets a full disk")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-disk-") as folder:
        command = [sys.executable, "-m", "tests.transfer.full_disk", folder, str(options.points)]
        ran = subprocess.run(["unshare", "-m", *command], stdout=subprocess.PIPE, text=True, check=False)
    expect(ran.returncode == 0, "no disk could be mounted, or see above")
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    for one in found:
        points, full = one["points"], one["full"]
        print(f"{one['way']:26} full {full:3} of {points} times, {one['half']} half, {one['stuck']} stuck")
    times, half, stuck = (sum(one[what] for one in found) for what in ("full", "half", "stuck"))
    report(f"half files under final names, the disk full {times} times", half, unit="", most=0)
    report("downloads that did not go on by themselves", stuck, unit="", most=0)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
