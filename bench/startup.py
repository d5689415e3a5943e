"""How long `watcher --help` takes, against an interpreter that does nothing.

    python -m bench startup

Both are started again and again, as the installed command is; bytecode is kept from the first time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.ratios import arguments, expect, interleaved, ratio, refuse_noise, report, timed


def main() -> int:
    options = arguments(__doc__, runs=20).parse_args()
    refuse_noise(force=options.force)
    script = shutil.which("watcher", path=Path(sys.executable).parent)
    expect(script, f"there is no watcher beside {sys.executable}: pip install it there")
    nothing, help_ = [sys.executable, "-c", "pass"], [str(script), "--help"]
    said = subprocess.run(help_, env=environment(), check=True, capture_output=True, text=True).stdout
    expect("add-site" in said and "status" in said, "watcher --help does not help")
    seconds = interleaved({"python -c pass": lambda: run(nothing), "watcher --help": lambda: run(help_)}, options.runs)
    report("startup: watcher --help", ratio(seconds["watcher --help"], seconds["python -c pass"]),
           unit="x python -c pass", most=8)  # fmt: skip
    return 0


def run(command: Sequence[str]) -> float:
    return timed(lambda: subprocess.run(command, env=environment(), check=True, stdout=subprocess.DEVNULL))[0]


def environment() -> dict[str, str]:
    """Return the environment in which bytecode is kept, as it is where a program is installed."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


if __name__ == "__main__":
    raise SystemExit(main())
