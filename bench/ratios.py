"""Measure several ways in one interleaved run, and say their ratios: seconds drift from hour to hour, ratios hold."""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

BUSY = 2.5
REFUSED = 75
"""The exit status of a measurement that did not want to run now: EX_TEMPFAIL of sysexits(3)."""

T = TypeVar("T")


def arguments(doc: str | None, *, runs: int) -> argparse.ArgumentParser:
    """Return a parser with the options that every measurement has; `runs` is the default number of repetitions."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=runs, help=f"how often each way is measured (default: {runs})")
    parser.add_argument("--force", action="store_true", help="measure although the machine is busy")
    return parser


def refuse_noise(*, force: bool) -> None:
    """End the program when others are at work on this machine; `force`, or `python -m bench --force`, does not mind."""
    load = os.getloadavg()[0]
    if load > BUSY and not force and "BENCH_FORCE" not in os.environ:
        print(f"the load is {load:.1f}, above {BUSY}: wait for a quieter machine, or say --force")
        raise SystemExit(REFUSED)


def timed(work: Callable[[], T], *, clock: Callable[[], float] = time.perf_counter) -> tuple[float, T]:
    """Return the seconds that some work took, and its result; the garbage of what went before is not its business."""
    gc.collect()
    start = clock()
    result = work()
    return clock() - start, result


def interleaved(ways: Mapping[str, Callable[[], float]], runs: int) -> dict[str, list[float]]:
    """Measure each way in turn, `runs` times; a round before that warms the caches. A way returns its seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for run in range(runs + 1):
        for name, way in ways.items():
            took = way()
            if run:
                seconds[name].append(took)
                print(f"{run:3} {name:32} {1000 * took:10.2f} ms", flush=True)
    print()
    for name, values in seconds.items():
        print(
            f"    {name:32} {1000 * statistics.median(values):10.2f} ms, the median of {len(values)}"
            f" ({1000 * min(values):.2f} to {1000 * max(values):.2f})"
        )
    return seconds


def ratio(of: Sequence[float], to: Sequence[float]) -> float:
    """Return the ratio of two medians."""
    return statistics.median(of) / statistics.median(to)


def paired(of: Sequence[float], to: Sequence[float]) -> float:
    """Return the median of the ratios of each round: what drifts from one round to the next is in both."""
    return statistics.median(one / other for one, other in zip(of, to, strict=True))


def report(what: str, value: float, *, unit: str, most: float | None = None, least: float | None = None) -> None:
    """Say a figure and whether it reaches its goal; `python -m bench` gathers what is said here in its table."""
    reached = (most is None or value <= most) and (least is None or value >= least)
    goal = f"<= {most:g}" if most is not None else f">= {least:g}"
    row = {"what": what, "figure": f"{value:.2f} {unit}", "goal": goal, "reached": reached}
    print(f"{what}: {row['figure']} (goal {goal}: {'reached' if reached else 'MISSED'})", flush=True)
    gathered = os.environ.get("BENCH_FIGURES")
    if gathered:
        with Path(gathered).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def expect(true: Any, otherwise: str) -> None:
    """End the program where a measurement did not do what it claims to measure."""
    if not true:
        raise SystemExit(f"FAILED: {otherwise}")
