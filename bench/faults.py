"""Let servers, and others on this machine, do all they can to a download, and print what happened.

    python -m bench faults                    everything
    python -m bench faults --only statuses    a part: statuses, truncations, oddities, races, names

`statuses` answers with each HTTP status there may be, where nothing is there yet and where half of the file is;
`truncations` cuts a zip, a tgz and a picture after each of their bytes, in each way to send a body, and lets a better
server bring what is missing; `oddities` are the servers of `tests/transfer/oddities.py`, in all combinations of
what is fetched, what is known of it, what is there of it already, and over how many connections; `races` puts links
into the archive while a thousand files come home, in each of six ways; `names` gives products, files and members
20,000 hostile names. Nothing but a whole version that was published may have a final name, and nothing may be written
elsewhere. The tables are kept in bench/README.md.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import socket
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.ratios import report
from tests.loopback import Request, reply, served
from tests.transfer.depot import Depot, asset, tarred, zipped
from tests.transfer.names import FIXED, hostile
from tests.transfer.oddities import ETAG, KNOWN, ODDITIES, UNKNOWABLE, VERSIONS, tried
from tests.transfer.races import RACES, ran
from watcher.core.archive.shelves import file_name, member_path, safe
from watcher.errors import CredentialError, Staged, TransferError, WatcherError
from watcher.model import Asset
from watcher.net import Http
from watcher.transfer import fetch, segments
from watcher.transfer.resume import boot


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
    """Answer with each status: where nothing is there yet, and where half of the file is."""
    content, path = zipped(2000), folder / "p.zip"
    bad = 0
    said: dict[tuple[str, str], list[int]] = {}
    told = b'{"message":"Said by the server"}'
    for status in range(100, 600):
        server = Turning(content)
        with served(server) as peer, Http(origin=peer.origin, backoff_base=0.0) as http:
            server.instead = reply(status, told, Content_Type="application/json", Location="/p.zip")
            wanted = asset(peer.url("/p.zip"), content)
            words = _ended(http, wanted, path).replace(peer.origin, "")
            words = re.sub(rf"\b{status}\b(?!\.)", "N", words)
            bad += path.exists()
            halved(path, wanted, content)
            _ended(http, wanted, path)
            bad += path.exists()
            server.instead = b""
            came = fetch(http, wanted, path).fetched
            bad += path.read_bytes() != content
            path.unlink()
        said.setdefault((words, "kept" if came < len(content) else "fetched again"), []).append(status)
    print("| status | what is said | and then | half that was there |\n|---|---|---|---|")
    for (words, half), found in said.items():
        print(f"| {_spans(found)} | {words} | {half} |")
    return bad, 1000


def truncations(folder: Path) -> tuple[int, int]:
    """Cut a body after each of its bytes, and let a better server bring what is missing."""
    files = {"p.zip": zipped(200), "p.tgz": tarred(200), "p.tif": b"II*\0" + bytes(400)}
    ways: dict[str, Callable[[bytes, int], bytes]] = {
        "with its length": lambda body, cut: reply(200, body)[: -len(body)] + body[:cut],
        "in chunks": lambda body, cut: _chunk(body)[:-5][: len(_chunk(body)) - 5 - len(body) + cut],
        "until the connection ends": lambda body, cut: reply(200, sized=False) + body[:cut],
        "its second half (206)": lambda body, cut: _rest(body)[: len(_rest(body)) - len(body) + len(body) // 2 + cut],
    }
    bad = count = 0
    print("| sent | the catalogue says | cuts | refused | then whole | unverified | taken for whole |")
    print("|---|---|---|---|---|---|---|")
    for (way, cutting), sized in itertools.product(ways.items(), (False, True)):
        ended: Counter[str] = Counter()
        for name, body in files.items():
            ended += _cut(folder / name, body, cutting, sized=sized, half=way == "its second half (206)")
        whole = ended["cuts"] - ended["refused"] - ended["unverified"]
        bad += whole + ended["corrupt"] + ended["refused"] - ended["then whole"]
        count += ended["cuts"]
        numbers = (*(ended[what] for what in ("cuts", "refused", "then whole", "unverified")), whole)
        print(f"| {way} | {'its size' if sized else 'nothing'} | {' | '.join(map(str, numbers))} |", flush=True)
    return bad, count


def _cut(path: Path, body: bytes, cutting: Callable[[bytes, int], bytes], *, sized: bool, half: bool) -> Counter[str]:
    """Cut a body, or its second half, after each of its bytes; count how that ended."""
    ended: Counter[str] = Counter()
    server = Turning(body)
    with served(server) as peer, Http(origin=peer.origin, backoff_base=0.0) as http:
        wanted = asset(peer.url(f"/{path.name}"), kind=None, size=len(body) if sized else None)
        for cut in range(len(body) - half * (len(body) // 2)):
            if half:
                halved(path, wanted, body)
            server.instead = cutting(body, cut)
            how = _how(http, wanted, path)
            server.instead = b""
            ended.update(("cuts", how))
            if how == "refused" and _how(http, wanted, path) != "refused":
                ended["then whole"] += 1
                ended["corrupt"] += path.read_bytes() != body
            for left in path.parent.iterdir():
                left.unlink()
    return ended


def oddities(folder: Path) -> tuple[int, int]:
    """Meet each odd server in all combinations."""
    segments.LEAST, segments.MOST = 40_000, 60_000
    bad = count = 0
    found: dict[tuple[int, int, int], list[str]] = {}
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
        found.setdefault((home, refused, wrong), []).append(oddity)
    print("| came home | refused | corrupt | the server |\n|---|---|---|---|")
    for numbers, servers in sorted(found.items(), reverse=True):
        print(f"| {' | '.join(map(str, numbers))} | {'; '.join(servers)} |")
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
    """Give hostile names; count those that lead out of the directory, are too long, or are another's too."""
    taken: dict[Path, str] = {}
    bad = count = 0
    for name in itertools.chain(FIXED, hostile(20_000)):
        title = Path(folder, safe(name))
        for path in (title, Path(folder, file_name(Asset(name, "https://h/x.tif"))), folder / member_path(name)):
            long = any(len(f"{part}.part.json.new".encode()) > 255 for part in path.parts)
            bad += long or not path.resolve().is_relative_to(folder)
        bad += taken.setdefault(title, name) != name
        count += 1
    print(f"{len(taken)} names of products, none of them another's" if not bad else f"{bad} bad names")
    return bad, count


class Turning:
    """A server that says something `instead`, and is well behaved where that is empty."""

    def __init__(self, content: bytes) -> None:
        self.instead, self.well = b"", Depot(content, etag=ETAG, kind=None)

    def __call__(self, request: Request, connection: socket.socket) -> bytes | None:
        if not self.instead:
            return self.well(request, connection)
        connection.sendall(self.instead)
        return None


def halved(path: Path, wanted: Asset, content: bytes) -> None:
    """Leave half of a file there, as a kill would."""
    path.with_name(f"{path.name}.part").write_bytes(content[: len(content) // 2])
    known = {"size": wanted.size, "checksum": wanted.checksum}
    record = {"href": wanted.href, "total": len(content), "etag": ETAG, "boot": boot(), **known}
    path.with_name(f"{path.name}.part.json").write_text(json.dumps(record))


def _how(http: Http, wanted: Asset, path: Path) -> str:
    try:
        return fetch(http, wanted, path).how
    except WatcherError:
        return "refused"


def _ended(http: Http, wanted: Asset, path: Path) -> str:
    try:
        return f"home | {fetch(http, wanted, path).how}"
    except WatcherError as error:
        then = "given up" if isinstance(error, TransferError) and error.permanent else "tried again"
        if isinstance(error, CredentialError):
            then = "its account is looked at by a person"
        elif isinstance(error, Staged):
            then = "waited for"
        return f"{error} | {then}"


def _rest(body: bytes) -> bytes:
    start, size = len(body) // 2, len(body)
    return reply(206, body[start:], Content_Range=f"bytes {start}-{size - 1}/{size}", ETag=ETAG)


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
