"""The whole program on a real STAC server, while products are added, changed and removed under it."""

from __future__ import annotations

import hashlib
import io
import json
import mailbox
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Watcher
from tests.servers.stac import Pgstac, thing


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("product/manifest.safe", "<xml/>" * 5000)
    return buffer.getvalue()


ZIP = _zip()


class _Files(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/zip")
        self.send_header("Content-Length", str(len(ZIP)))
        self.end_headers()
        self.wfile.write(ZIP)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def files() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def learnt(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat().replace("+00:00", "Z")


Configure = Callable[..., None]


@pytest.fixture
def configure(pgstac: Pgstac, home: Path, files: str) -> Configure:
    def write(**settings: str) -> None:
        lines = [f'{key} = "{value}"' for key, value in settings.items()]
        (home / "config.toml").write_text(
            "\n".join(
                [
                    "[catalogues.real]",
                    'kind = "stac"',
                    f'url = "{pgstac.url}"',
                    f'collections = {{ "{pgstac.collection}" = "L2A" }}',
                    f'hosts = ["{files.removeprefix("http://")}"]',
                    "gap = 0",
                    "limit = 7",
                    *lines,
                    '[download]\nlevels = ["L2A"]\nreserve = 0\n',
                ]
            )
        )

    return write


def product(name: str, days: float, files: str, *, version: str = "1", **said: Any) -> dict[str, Any]:
    item = thing(name, learnt(days), acquired=learnt(days + 5), version=version, **said)
    multihash = "1220" + hashlib.sha256(ZIP).hexdigest()
    item["assets"] = {
        "product": {
            "href": f"{files}/{name}.zip",
            "type": "application/zip",
            "roles": ["data"],
            "file:size": len(ZIP),
            "file:checksum": multihash,
        }
    }
    return item


def titles(watcher: Watcher, event: str | None) -> set[str]:
    return {row["title"] for row in json.loads(watcher("products", "--json").out) if row["event"] == event}


def test_by_cursor_added_and_changed_products_arrive_once(
    watcher: Watcher, pgstac: Pgstac, configure: Configure, files: str, home: Path
) -> None:
    configure(cursor="updated")
    pgstac.add(*(product(f"OLD{n:02}", 30 + n, files) for n in range(20)))
    watcher("add-site", "Toulouse", "--point", "1.44,43.60,15")
    watcher("subscribe", f"mbox://{home}/mail")
    baseline = watcher("poll")
    assert "20 listed, 0 arrived, 1 baselined" in baseline.out, baseline
    assert "0 arrived" in watcher("poll").out

    pgstac.add(*(product(f"NEW{n:02}", 1 + n / 100, files) for n in range(9)))
    # Late: acquired long before the others, and published now.
    late = product("LATE", 0.5, files)
    late["properties"]["datetime"] = learnt(400)
    pgstac.add(late)
    assert "10 arrived" in watcher("poll").out
    changed = product("OLD03", 0.2, files, version="2")
    changed["properties"]["file:size"] = 1
    pgstac.change(changed)
    assert "1 arrived" in watcher("poll").out
    assert "0 arrived" in watcher("poll").out
    assert titles(watcher, "new") == {f"NEW{n:02}" for n in range(9)} | {"LATE"}
    assert titles(watcher, "revised") == {"OLD03"}

    fetched = watcher("download")
    assert fetched.code == 0, fetched
    assert fetched.out.count("verified: sha256") == 11
    assert watcher("notify").code == 0
    with closing(mailbox.mbox(home / "mail")) as box:
        (mail,) = box
    assert "10 new, 1 revised L2A at Toulouse" in mail["Subject"]
    # What was removed is not looked for by a cursor: nothing is concluded, nothing breaks.
    pgstac.remove("NEW00")
    assert "0 arrived" in watcher("poll").out


def test_by_window_a_removed_product_is_withdrawn_after_two_looks(
    watcher: Watcher, pgstac: Pgstac, configure: Configure, files: str, home: Path
) -> None:
    configure(cursor="none")
    pgstac.add(*(product(f"P{n:02}", 10 + n, files) for n in range(15)))
    watcher("add-site", "Toulouse", "--bbox", "1,43,2,44", "--no-download")
    watcher("subscribe", f"mbox://{home}/mail")
    assert "15 listed" in watcher("poll").out
    pgstac.remove("P07")
    assert "14 listed, 0 arrived" in watcher("poll").out
    assert "14 listed, 1 arrived" in watcher("poll").out
    assert titles(watcher, "withdrawn") == {"P07"}
    pgstac.add(product("P99", 1, files))
    assert "15 listed, 1 arrived" in watcher("poll").out
    watcher("notify")
    assert "1 new, 1 withdrawn L2A at Toulouse" in (home / "mail").read_text()


def test_a_collection_that_is_not_there_is_a_failure_not_silence(
    watcher: Watcher, pgstac: Pgstac, configure: Configure, home: Path
) -> None:
    configure()
    config = home / "config.toml"
    config.write_text(config.read_text().replace(pgstac.collection, f"{pgstac.collection}-gone"))
    watcher("add-site", "Toulouse", "--point", "1.44,43.60,15")
    said = watcher("poll")
    assert said.code == 69
    assert f"{pgstac.collection}-gone" in said.err
    assert json.loads(watcher("sites", "--json").out)[0]["baseline"] is None


@pytest.mark.parametrize("fields", ["true", "false"])
def test_a_reconcile_finds_what_no_poll_saw_whatever_the_answers_leave_out(
    watcher: Watcher, pgstac: Pgstac, configure: Configure, files: str, home: Path, fields: str
) -> None:
    configure(cursor="updated")
    config = home / "config.toml"
    config.write_text(config.read_text().replace("limit = 7\n", f"limit = 7\nfields = {fields}\n"))
    pgstac.add(*(product(f"OLD{n:02}", 30 + n, files) for n in range(20)))
    watcher("add-site", "Toulouse", "--point", "1.44,43.60,15")
    watcher("add-site", "Blagnac", "--bbox", "1.3,43.5,1.5,43.7")
    watcher("subscribe", f"mbox://{home}/mail", "--site", "Toulouse")
    watcher("poll")
    pgstac.add(product("NEW", 0, files))
    for _ in range(2):
        watcher("poll")
    # One that comes with a stamp of long ago, one that was only touched, and one that is gone.
    pgstac.add(product("HIDDEN", 20, files, **{"eo:cloud_cover": 4.5, "title": "Hidden"}))
    pgstac.change(product("OLD03", 15, files))
    pgstac.remove("OLD07")
    assert "0 arrived" in watcher("poll").out

    said = watcher("audit", "--now")
    assert said.code == 0, said
    assert re.search(
        r"real: \d asked, \d+ listed, 1 not seen before and read now, 1 of them passed over by polls, 2 arrived",
        said.err,
    )
    for name in ("Toulouse", "Blagnac"):
        (audit,) = json.loads(watcher("audit", name, "--json").out)
        assert {key: audit[key] for key in ("counted", "seen", "missing", "mended", "gone", "withdrawn")} == {
            "counted": 21, "seen": 21, "missing": 0, "mended": 1, "gone": 1, "withdrawn": 0,
        }  # fmt: skip
    assert "Hidden" in titles(watcher, "new")
    assert titles(watcher, "revised") == set()
    (hidden,) = [
        one for one in json.loads(watcher("products", "--site", "Toulouse", "--json").out) if one["title"] == "Hidden"
    ]
    assert hidden["cloud"] == 4.5
    watcher("notify")
    assert "2 new L2A at Toulouse" in (home / "mail").read_text()
    again = watcher("audit", "--now")
    assert ", 0 not seen before and read now, 0 arrived" in again.err
