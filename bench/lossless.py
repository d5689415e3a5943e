"""Let the world change while the watcher polls it, and count what was missed and what was told twice.

    python -m bench lossless [--events 10000] [--seed 1] [--server NAME]

Products are published (late, out of order), processed again under the same and under new names, touched, deleted and
offered again, before polls and between the pages of their answers; servers fail, break off, lie and are slow; we are
killed and restarted, and sites are added, removed and paused. The servers are real ones (pgstac, rustac) and models of
the oddities of those that cannot be had. Then it is quiet: two good polls, a third 19 hours later, and the judge.

An event is what happens to a product. Missed is what was listed throughout two good polls and was not told; doubled
what was told twice, or wrongly; late what was told, but after those two polls; reread what was found only when at last
all was read again. What is gone is found by that alone where a catalogue neither lists what it took away nor is read
whole at each poll: then it is judged after it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.proof.season import Account
from tests.proof.servers import PGSTACS, SERVERS, lived, serving
from tests.servers import keep
from tests.servers.stac import started_pgstac

_COLUMNS = ("events", "polls", "failing", "requests", "announced", "missed", "doubled", "late", "reread", "seconds")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000, help="how much happens in all (default: 10000)")
    parser.add_argument("--seed", type=int, default=1, help="of the chance that chooses what happens (default: 1)")
    parser.add_argument("--server", action="append", choices=SERVERS, metavar="NAME", help=", ".join(SERVERS))
    options = parser.parse_args()
    names = options.server or SERVERS
    missing = [path for path in (keep.VENV / "uvicorn", keep.VENV / "rustac", keep.BIN / "initdb") if not path.exists()]
    if missing and {"rustac", *PGSTACS} & set(names):
        parser.error(f"{missing[0]} is not installed: run tests/servers/install, or name other servers")
    each = -(-options.events // len(names))
    print(f"{'':20}" + "".join(f"{column:>10}" for column in _COLUMNS), flush=True)
    rows = []
    with tempfile.TemporaryDirectory(prefix="lossless-") as name:
        for server in names:
            begun = time.monotonic()
            account = season(Path(name), server, each, options.seed)
            rows.append(row(account, time.monotonic() - begun))
            print(f"{server:20}" + "".join(f"{figure:>10}" for figure in rows[-1]), flush=True)
            for problem in wrong(account):
                print(f"    {problem}", flush=True)
            rows[-1].append(not account.good)
    totals = [sum(column) for column in zip(*rows, strict=True)]
    print(f"{'all':20}" + "".join(f"{figure:>10}" for figure in totals[:-1]))
    return int(totals[-1] > 0)


def season(directory: Path, server: str, events: int, seed: int) -> Account:
    """Live a season at a server; pgstac is started for the first that asks, and ends with this process."""
    pgstac = directory / "pgstac"
    pgstac.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=directory) as name,
        serving(server, Path(name), lambda: started_pgstac(pgstac, os.getpid())) as model,
    ):
        return lived(model, Path(name, "watcher.db"), events=events, seed=f"{server} {seed}")


def row(account: Account, seconds: float) -> list[int]:
    verdict, again = account.verdict, account.again
    return [
        account.events,
        account.polls,
        account.failing,
        account.requests,
        verdict.announced,
        len({*verdict.missed, *again.missed}),
        len({*verdict.doubled, *again.doubled}),
        len(verdict.late),
        account.mended,
        round(seconds),
    ]


def wrong(account: Account) -> list[str]:
    """Say what is not as it should be."""
    verdict, again = account.verdict, account.again
    told = [f"missed {one}" for one in {*verdict.missed, *again.missed}]
    told += [f"doubled {one}" for one in {*verdict.doubled, *again.doubled}]
    return sorted(told) + [f"when all was quiet: {problem}" for problem in account.problems]


if __name__ == "__main__":
    sys.exit(main())
