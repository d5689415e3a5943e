"""Let servers, and others on this machine, do all they can to a download, and print what happened.

    python -m bench faults                    everything
    python -m bench faults --only statuses    a part: statuses, truncations, oddities, races, names

`statuses` answers with each HTTP status there may be; `truncations` cuts a zip, a tgz and a picture after each of their
bytes, in each way to send a body; `oddities` are the servers of `tests/transfer/oddities.py`, in all combinations of
what is fetched, what is known of it, what is there of it already, and over how many connections; `races` puts links
into the archive while a thousand files come home, in each of six ways; `names` gives products, files and members
20,000 hostile names. Nothing but a whole version that was published
may have a final name, and nothing may be written elsewhere. The tables are kept in bench/README.md.
"""

from __future__ import annotations

import argparse
import itertools
import random
import socket
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.ratios import report
from tests.loopback import Request, reply, served
from tests.transfer.depot import asset, tarred, zipped
from tests.transfer.oddities import KNOWN, ODDITIES, UNKNOWABLE, VERSIONS, tried
from tests.transfer.races import RACES, ran
from watcher.core.shelves import file_name, member_path, safe
from watcher.errors import CredentialError, Staged, TransferError, WatcherError
from watcher.model import Asset
from watcher.net import Http
from watcher.transfer import fetch, segments


def main() -> int:
    parts = {"statuses": statuses, "truncations": truncations, "oddities": oddities, "races": races}
    parts["names"] = names
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=parts, action="append", help="one of the parts (may be repeated)")
    options = parser.parse_args()
    for name in options.only or parts:
        print(f"\n{name}\n")
        with tempfile.TemporaryDirectory(prefix="bench-faults-") as folder:
            bad, count = parts[name](Path(folder))
        report(f"{name}: corrupt files, or files elsewhere, in {count:,} tries", bad, unit="", most=0)
    return 0


def statuses(folder: Path) -> tuple[int, int]:
    """Answer with each status, without and with an explanation."""
    home = 0
    said: dict[str, list[int]] = {}
    told = b'{"message":"Said by the server"}'
    for status in range(200, 600):
        answer = reply(status, told, Content_Type="application/json", Location="/p.zip")
        with served(answer) as peer, Http(origin=peer.origin, backoff_base=0.0) as http:
            words = _ended(http, peer.url("/p.zip"), folder / "p.zip").replace(str(status), "N")
        home += (folder / "p.zip").exists()
        said.setdefault(words, []).append(status)
    print("| status | what is said | and then |\n|---|---|---|")
    for words, found in said.items():
        print(f"| {_spans(found)} | {words} |")
    return home, 400


def truncations(folder: Path) -> tuple[int, int]:
    """Cut a body after each of its bytes."""
    files = {"p.zip": zipped(200), "p.tgz": tarred(200), "p.tif": b"II*\0" + bytes(400)}
    ways: dict[str, Callable[[bytes, int], bytes]] = {
        "with its length": lambda body, cut: reply(200, body)[: -len(body)] + body[:cut],
        "in chunks": lambda body, cut: _chunk(body)[:-5][: len(_chunk(body)) - 5 - len(body) + cut],
        "until the connection ends": lambda body, cut: reply(200, sized=False) + body[:cut],
    }
    bad = count = 0
    print("| file | sent | the catalogue says | cut after each of | refused | called unverified | taken for whole |")
    print("|---|---|---|---|---|---|---|")
    for (name, body), (way, cutting), sized in itertools.product(files.items(), ways.items(), (False, True)):
        ended: Counter[str] = Counter()
        for cut in range(len(body)):
            said = cutting(body, cut)

            def answer(_: Request, connection: socket.socket, said: bytes = said) -> None:
                connection.sendall(said)

            path = folder / name
            with served(answer) as peer, Http(origin=peer.origin, backoff_base=0.0) as http:
                wanted = asset(peer.url(f"/{name}"), kind=None, size=len(body) if sized else None)
                try:
                    ended[fetch(http, wanted, path).how] += 1
                except WatcherError:
                    ended["refused"] += 1
            for left in folder.iterdir():
                left.unlink()
        wrong = sum(ended.values()) - ended["refused"] - ended["unverified"]
        bad, count = bad + wrong, count + sum(ended.values())
        row = (name, way, "its size" if sized else "nothing", f"{len(body)} bytes")
        print(f"| {' | '.join(row)} | {ended['refused']} | {ended['unverified']} | {wrong} |", flush=True)
    return bad, count


def oddities(folder: Path) -> tuple[int, int]:
    """Meet each odd server in all combinations."""
    segments.LEAST, segments.MOST = 40_000, 60_000
    bad = count = 0
    print("| the server | came home | refused | corrupt |\n|---|---|---|---|")
    for oddity in ODDITIES:
        home = refused = wrong = 0
        for kind, known, half, streams in itertools.product(VERSIONS, KNOWN, (False, True), (1, 3)):
            if kind == "tif" and "checksum" not in known and oddity in UNKNOWABLE:
                continue
            ended = tried(oddity, kind, known, folder, half=half, streams=streams)
            home += ended.home
            refused += not ended.home
            wrong += not ended.well
            count += 1
        bad += wrong
        print(f"| {oddity} | {home} | {refused} | {wrong} |", flush=True)
    return bad, count


def races(folder: Path) -> tuple[int, int]:
    """Let links appear while files come home."""
    outside = 0
    for number, race in enumerate(RACES):
        (folder / str(number)).mkdir()
        found = ran(race, folder / str(number), times=1000)
        print(f"{race}: 1000 files, {found} elsewhere", flush=True)
        outside += found
    return outside, 1000 * len(RACES)


def names(folder: Path) -> tuple[int, int]:
    """Give names of hostile parts; count those that lead out of the directory, are too long, or are another's too."""
    chance = random.Random(1)
    parts = ["..", ".", "/", "\\", "-rf", "~", "\0", "\n", "\u202e", "e\u0301", "é", " ", "C:", "$(x)", ".part", "a"]
    taken: dict[Path, str] = {}
    bad = 0
    for number in range(20_000):
        name = "".join(chance.choice(parts) for _ in range(chance.randrange(1, 9))) + str(number) * chance.randrange(2)
        name *= 100 if number % 50 == 0 else 1
        title = Path(folder, safe(name))
        for path in (title, Path(folder, file_name(Asset(name, "https://h/x.tif"))), folder / member_path(name)):
            long = any(len(f"{part}.part.json.new".encode()) > 255 for part in path.parts)
            bad += long or not path.resolve().is_relative_to(folder)
        bad += taken.setdefault(title, name) != name
    print(f"{len(taken)} names of products, none of them another's" if not bad else f"{bad} bad names")
    return bad, 20_000


def _ended(http: Http, href: str, path: Path) -> str:
    try:
        return f"home | {fetch(http, asset(href), path).how}"
    except CredentialError as error:
        return f"{error} | its account is looked at by a person"
    except Staged as error:
        return f"{error} | waited for"
    except TransferError as error:
        return f"{error} | {'given up' if error.permanent else 'tried again'}".replace(href, "the address")


def _chunk(body: bytes) -> bytes:
    return reply(200, sized=False, Transfer_Encoding="chunked") + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"


def _spans(found: list[int]) -> str:
    """Write numbers as spans: 400, 402-428."""

    def runs() -> Iterator[str]:
        for _, group in itertools.groupby(enumerate(found), lambda pair: pair[1] - pair[0]):
            numbers = [number for _, number in group]
            yield str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"

    return ", ".join(runs())


if __name__ == "__main__":
    raise SystemExit(main())
