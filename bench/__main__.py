"""Run the measurements, all or those that are named, and gather their figures in a table.

    python -m bench                     all of them
    python -m bench resto stac          some
    python -m bench page --rows 100000  one, with options of its own

Each is a module of this package with a `main`, and runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.ratios import REFUSED

HERE = Path(__file__).parent


def main() -> int:
    known = measurements()
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--force", action="store_true", help="measure although the machine is busy")
    options, others = parser.parse_known_args()
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; the measurements are: {', '.join(known)}")
    if others and len(options.names) != 1:
        parser.error(f"{' '.join(others)}: options of a measurement go with its name alone")
    if options.force:
        os.environ["BENCH_FORCE"] = "1"
    rows: list[dict[str, object]] = []
    failed = 0
    for name in options.names or known:
        print(f"\n== {name}\n", flush=True)
        figures, status = run(name, others)
        failed |= status != 0
        rows += figures
        if status or not figures:
            word = {0: "well, see above", REFUSED: "not measured: the machine is busy"}.get(status, "FAILED, see above")
            rows.append({"what": name, "figure": word, "goal": "", "reached": status == 0})
    table(rows)
    return int(failed or not all(row["reached"] for row in rows))


def measurements() -> list[str]:
    """Name the modules that have a `main`, without importing them."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(HERE)]))
    return [
        name
        for name in names
        if name not in ("__main__", "catalogue") and "\ndef main(" in (HERE / f"{name}.py").read_text(encoding="utf-8")
    ]


def run(name: str, options: list[str]) -> tuple[list[dict[str, object]], int]:
    """Run one measurement; returns the figures it reported, and its exit status."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        gathered = Path(directory) / "figures"
        status = subprocess.run(
            [sys.executable, "-m", f"bench.{name}", *options],
            env={**os.environ, "BENCH_FIGURES": str(gathered)},
            cwd=HERE.parent,
            check=False,
        ).returncode
        lines = gathered.read_text(encoding="utf-8").splitlines() if gathered.exists() else []
        return [json.loads(line) for line in lines], status


def table(rows: list[dict[str, object]]) -> None:
    """Print the figures."""
    what = max(len(str(row["what"])) for row in rows)
    figure = max(len(str(row["figure"])) for row in rows)
    print()
    for row in rows:
        mark = "" if row["reached"] else "  MISSED" if row["goal"] else ""
        print(f"{row['what']!s:{what}}   {row['figure']!s:{figure}}   {row['goal']}{mark}")


if __name__ == "__main__":
    raise SystemExit(main())
