"""The service as a process of its own: started, signalled, killed, on a real catalogue server on loopback."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import Scene, Watcher
from tests.loopback import until


class Run:
    """A running service, its log, and what it told systemd."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.log = directory / f"run-{time.monotonic_ns()}.log"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify = directory / f"notify-{time.monotonic_ns()}"
        self.socket.bind(str(self.notify))
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "watcher", "run"],
                env=os.environ | {"NOTIFY_SOCKET": str(self.notify)} | environment,
                stderr=log,
            )
        self.told: list[str] = []

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def says(self, words: str) -> bool:
        assert self.process.poll() is None, self.text()
        self.tells("")  # systemd reads its socket, too: a full one would be an error
        return words in self.text()

    def tells(self, line: str) -> bool:
        while select.select([self.socket], [], [], 0)[0]:
            self.told += self.socket.recv(4096).decode().splitlines()
        return line in self.told

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        begun = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(30), time.monotonic() - begun


@contextmanager
def running(directory: Path, **environment: str) -> Iterator[Run]:
    run = Run(directory, **environment)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()
        run.socket.close()


def test_it_polls_notifies_downloads_and_leaves_cleanly(watcher: Watcher, scene: Scene, home: Path) -> None:
    for site in ("Pornic", "Litchfield", "Mooreesburg"):
        watcher("add-site", site, "--level", "L1C", "--level", "L2A")
    watcher("subscribe", f"mbox://{home}/mail")
    with running(home, WATCHDOG_USEC="2000000") as run:
        until(lambda: run.says("baselined=6"))
        assert run.tells("READY=1")
        scene.play()
        expected = {product.ident for product in scene.catalogue.arrived()}

        def settled() -> bool:
            state = json.loads(watcher("status", "--json").out)
            return bool(
                state["arrivals"]["all"] >= len(expected)
                and not state["deliveries"]["owed"]
                and not state["downloads"]["wanted"]
            )

        until(settled)
        until(lambda: run.tells("WATCHDOG=1"))
        code, seconds = run.end()
        assert code == 0
        assert seconds < 25
        assert run.tells("STOPPING=1")
    rows = json.loads(watcher("products", "--json").out)
    assert {row["title"] for row in rows if row["event"]} == expected
    levels = {row["level"] for row in rows if row["stored"]}
    assert levels == {"L2A"}
    mail = (home / "mail").read_text()
    assert "revised L2A" in mail
    assert "Traceback" not in run.text()


def test_a_site_added_while_it_runs_is_seen_without_a_restart(watcher: Watcher, home: Path) -> None:
    with running(home) as run:
        until(lambda: run.tells("READY=1"))
        watcher("add-site", "Pornic")
        until(lambda: run.says("baselined=1"))


def test_a_second_service_is_refused_with_the_pid_of_the_first(home: Path) -> None:
    with running(home) as first:
        until(lambda: first.tells("READY=1"))
        with running(home) as second:
            assert second.process.wait(30) == 73
            assert f"process {first.process.pid}" in second.text()
        first.end(signal.SIGKILL)
        with running(home) as third:
            until(lambda: third.tells("READY=1"))


def test_sighup_reads_the_configuration_again_and_a_bad_one_changes_nothing(home: Path) -> None:
    config = home / "config.toml"
    good = config.read_text()
    with running(home) as run:
        until(lambda: run.tells("READY=1"))
        config.write_text(good.replace('interval = "1s"', 'interval = "7s"'))
        run.process.send_signal(signal.SIGHUP)
        until(lambda: run.says("poll_take5=7s"))
        config.write_text("[poll\n")
        run.process.send_signal(signal.SIGHUP)
        until(lambda: run.says("the old one stays"))
        # What `systemctl status` shows after a `systemctl reload`, which cannot fail.
        until(lambda: any(line.startswith("STATUS=configuration not taken over") for line in heard(run)))
        assert run.end()[0] == 0


def test_how_log_lines_look_is_read_again_too(home: Path) -> None:
    config = home / "config.toml"
    before = config.read_text()
    with running(home) as run:
        until(lambda: run.says("INFO started"))
        config.write_text(f'{before}\n[log]\nformat = "json"\n')
        run.process.send_signal(signal.SIGHUP)
        until(lambda: run.says('"event": "configuration read again"'))
        config.write_text(f'{before}\n[log]\nformat = "text"\nlevel = "loud"\n')
        run.process.send_signal(signal.SIGHUP)
        until(lambda: run.says('"event": "configuration not taken over'))
        config.write_text(f'{before}\n[log]\nlevel = "error"\n')
        run.process.send_signal(signal.SIGHUP)
        until(lambda: run.tells("READY=1") and run.told.count("READY=1") == 4)
        assert run.end()[0] == 0
        assert run.text().splitlines()[-1].startswith("{"), "nothing below an error was said since"


def heard(run: Run) -> list[str]:
    run.tells("")
    return run.told


@pytest.mark.parametrize(
    ("change", "code", "named"),
    [
        (('kind = "resto"', 'kind = "rest0"'), 78, "did you mean resto"),
        (('interval = "1s"', 'intervall = "1s"'), 78, "intervall"),
    ],
)
def test_a_configuration_error_ends_it_before_it_is_ready(
    home: Path,
    change: tuple[str, str],
    code: int,
    named: str,
) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text().replace(*change))
    with running(home) as run:
        assert run.process.wait(30) == code
        assert named in run.text()
        assert not run.tells("READY=1")


class _Dripping(BaseHTTPRequestHandler):
    """One product that takes for ever to download."""

    protocol_version = "HTTP/1.1"
    published = threading.Event()
    dripping = threading.Event()

    def do_GET(self) -> None:
        if "/download" in self.path:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-gzip")
            self.send_header("Content-Length", str(1 << 30))
            self.end_headers()
            self.wfile.write(b"\x1f\x8b" + bytes(1 << 20))
            self.dripping.set()
            try:
                while True:
                    self.wfile.write(bytes(1024))
                    time.sleep(0.05)
            except OSError:
                self.close_connection = True
            return
        feature = {
            "type": "Feature",
            "id": "4c192d84-41f0-51d3-a082-1eacb73c9a33",
            "geometry": None,
            "properties": {
                "collection": "SPOT5",
                "productIdentifier": "SPOT5_SLOW",
                "startDate": "2015-06-29T11:12:25Z",
                "processingLevel": "LEVEL2A",
                "zone_geo": "Pornic",
                "services": {"download": {"url": "x", "mimeType": "application/x-gzip", "size": 1 << 30}},
            },
        }
        features = [feature] if self.published.is_set() else []
        body = json.dumps(
            {"type": "FeatureCollection", "properties": {"totalResults": len(features)}, "features": features}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def dripping(watcher: Watcher, home: Path) -> Iterator[Callable[[Run], None]]:
    """Bring the service to where a product is under way that takes for ever."""
    watcher("add-site", "Pornic")
    _Dripping.published.clear()
    _Dripping.dripping.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Dripping)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = home / "config.toml"
    lines = config.read_text().splitlines()
    lines = [f'url = "http://127.0.0.1:{server.server_port}/resto"' if "url =" in line else line for line in lines]
    config.write_text("\n".join(lines))

    def bring(run: Run) -> None:
        until(lambda: run.says("baselined=1"))
        _Dripping.published.set()
        assert _Dripping.dripping.wait(30)
        until(lambda: any(part.stat().st_size for part in (home / "state" / "archive").rglob("*.part")))

    yield bring
    server.shutdown()
    server.server_close()


def test_sigterm_ends_it_within_seconds_in_the_middle_of_a_download(
    watcher: Watcher, home: Path, dripping: Callable[[Run], None]
) -> None:
    with running(home) as run:
        dripping(run)
        code, seconds = run.end()
        assert code == 0, run.text()
        assert seconds < 25
    (part,) = (home / "state" / "archive").rglob("*.part")
    assert part.stat().st_size > 0
    assert json.loads(watcher("status", "--json").out)["downloads"]["wanted"] == 1


def test_it_ends_in_the_middle_of_a_download_also_where_its_main_thread_cannot_go_on(
    home: Path, dripping: Callable[[Run], None]
) -> None:
    """Without a clock it would be a process that looks alive: here systemd is gone, which is to be fed."""
    with running(home, WATCHDOG_USEC="1000000") as run:
        dripping(run)
        run.notify.unlink()
        assert run.process.wait(30) == 1
        said = run.text().splitlines()
        assert any(line.endswith("INFO stopped") for line in said), said
        assert any(line.startswith("watcher: cannot tell systemd WATCHDOG=1") for line in said), said
        assert not any("download failed" in line or "self-test failed" in line for line in said), said


def test_a_catalogue_of_a_preset_that_is_watched_is_polled_also_when_it_is_added_while_it_runs(
    watcher: Watcher, scene: Scene, home: Path
) -> None:
    """Two presets are put beside the package's own, by their folder: neither stands in the configuration."""
    presets = home / "presets"
    presets.mkdir()
    for name in ("early", "late"):
        text = f'kind = "resto"\nurl = "{scene.catalogue.url}"\ncollections = ["SPOT4", "SPOT5"]\ngap = 0\n'
        (presets / f"{name}.toml").write_text(text + f'title = "{name}"\ninterval = "1s"\n')
    start = f"import watcher.config.shipped as s, pathlib; s.folder = lambda: pathlib.Path({str(presets)!r})\n"
    (home / "sitecustomize.py").write_text(start)
    environment = {"PYTHONPATH": f"{home}:{Path(__file__).parents[1]}"}

    def add(site: str, catalogue: str) -> None:
        command = [sys.executable, "-m", "watcher", "add-site", site, "--catalogue", catalogue]
        subprocess.run(command, env=os.environ | environment, check=True, capture_output=True)

    add("Pornic", "early")
    with running(home, **environment) as run:
        until(lambda: run.says("polled catalogue=early"))
        assert "late" not in run.text()
        add("Litchfield", "late")
        until(lambda: run.says("polled catalogue=late"))
        assert run.text().count("polled catalogue=late asked=1 listed=") >= 1
        assert "catalogue joined catalogue=late" in run.text()
        until(lambda: run.text().count("polled catalogue=late") > 1)
        assert run.end()[0] == 0
    assert "defect" not in run.text()


def test_the_watchdog_is_not_fed_after_a_self_test_that_failed(watcher: Watcher, home: Path) -> None:
    watcher("add-site", "Pornic")
    (home / "sitecustomize.py").write_text(
        "import watcher.canary\nwatcher.canary.rehearse = lambda like, *, now: 'no bird'\n"
    )
    with running(home, WATCHDOG_USEC="1000000", PYTHONPATH=f"{home}:{Path(__file__).parents[1]}") as run:
        until(lambda: run.says("self-test failed"))
        until(lambda: run.tells("READY=1"))
        run.told.clear()
        polls = run.text().count("polled")
        until(lambda: run.text().count("polled") > polls + 3)
        assert not run.tells("WATCHDOG=1")
        assert run.end()[0] == 0


def test_a_job_that_fails_as_it_did_is_told_of_once_and_when_it_goes_on(watcher: Watcher, home: Path) -> None:
    watcher("add-site", "Pornic")
    with running(home) as run:
        until(lambda: run.says("baselined=1"))
        database = home / "state" / "watcher.db"
        away = database.with_name("away")
        database.rename(away)
        database.mkdir()
        until(lambda: run.says("ERROR notify failed"))
        turns = time.monotonic() + 3  # its turn comes each second
        until(lambda: time.monotonic() > turns and run.says("ERROR notify failed"))
        database.rmdir()
        away.rename(database)
        until(lambda: run.says("INFO notify goes on"))
        assert run.text().count("ERROR notify failed") == 1
        assert run.end()[0] == 0
