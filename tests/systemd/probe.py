"""Runs inside the sandbox of the unit and prints, as JSON, what it could and could not do there."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import gettempdir

NEW_USER_NAMESPACE = 0x10000000  # CLONE_NEWUSER, sched.h
STATE = Path(os.environ["STATE_DIRECTORY"])
CREDENTIALS = Path(os.environ["CREDENTIALS_DIRECTORY"])
SCRATCH = Path(gettempdir()) / "scratch"


def outcome(attempt: Callable[[], object]) -> object:
    try:
        answer = attempt()
    except OSError as error:
        return os.strerror(error.errno or 0)
    return "done" if answer is None else answer


def compiled_wheels() -> object:
    import apprise
    import charset_normalizer
    import httpx
    import markupsafe
    import msgspec
    import numpy as np
    import rapidfuzz
    import shapely
    import yaml  # type: ignore[import-untyped]

    np.linalg.inv(np.eye(300) + 1)  # the threads and the kernels of BLAS
    area = shapely.union_all([shapely.Point(0, 0), shapely.Point(0.5, 0.5)]).buffer(1).area
    tree = shapely.STRtree([shapely.Point(0, 0).buffer(1)])
    apprise.Apprise().add("json://127.0.0.1")
    httpx.Client().close()
    charset = charset_normalizer.from_bytes("né".encode()).best()
    return {
        "area": msgspec.json.decode(msgspec.json.encode(round(area))),
        "found": tree.query(shapely.Point(0, 0)).tolist(),
        "alike": rapidfuzz.fuzz.ratio("Litchfield", "Litchfeld") > 90,
        "escaped": str(markupsafe.escape("<")),
        "charset": charset and charset.encoding,
        "yaml": yaml.load("a: 1", yaml.CSafeLoader),
        "bucket": bucket(),
    }


def bucket() -> str:
    """What becomes of an upload to a port that nobody listens at: obstore's threads, and its TLS, were started then."""
    import certifi

    from watcher.archive.objects import Objects
    from watcher.config import BucketPlace, BucketTable
    from watcher.errors import TransferError

    # The machine has no certificates of its own.
    table = BucketTable(endpoint="https://127.0.0.1:9", region="x", ca_bundle=certifi.where())
    objects = Objects(BucketPlace("s3", "none", ""), table)
    os.environ |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
    try:
        objects.put("x", b"x", said={}, create=True, stop=threading.Event())
    except TransferError as error:
        return str(error)
    return "stored"


def database() -> str:
    path = STATE / "probe.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE IF NOT EXISTS probe (x)")
        db.execute("INSERT INTO probe VALUES (1)")
        db.commit()
    return mode(path)


def work() -> dict[str, object]:
    """What the commands print at last that watch a site of the demo catalogue, tell of its news and fetch them."""
    from watcher.demo.catalogue import serve
    from watcher.demo.timeline import Timeline

    config, told = Path(gettempdir()) / "config.toml", []
    environment = os.environ | {"WATCHER_CONFIG": str(config), "WATCHER_STATE": str(STATE / "state")}

    def watcher(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "/opt/watcher/bin/watcher", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip().splitlines()[-1] if done.returncode == 0 else done.stdout + done.stderr

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["title"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    clock = [0.0]
    with (
        serve(timeline=Timeline(pace=1.0, clock=lambda: clock[0])) as catalogue,
        ThreadingHTTPServer(("127.0.0.1", 0), Hook) as hook,
    ):
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        secret = STATE / "password"
        secret.write_text("take5pass")
        config.write_text(f"""
            [catalogues.take5]
            kind = "resto"
            url = "{catalogue.url}"
            collections = ["SPOT5"]
            gap = 0
            [catalogues.take5.auth]
            kind = "basic"
            username = "take5@example.org"
            password = {{ file = "{secret}" }}
            [download]
            levels = ["L2A"]
            archive = "{STATE}/archive"
            reserve = 0
            """)
        watcher("add-site", "Litchfield", "--level", "L2A")
        watcher("subscribe", f"json://127.0.0.1:{hook.server_port}/")
        said = {"baseline": watcher("poll")}
        catalogue.timeline.begin()
        clock[0] = 1000.0
        said |= {"poll": watcher("poll"), "download": watcher("download")[:7], "notify": watcher("notify")}
        hook.shutdown()
    return {**said, "told": told, "stored": len(list((STATE / "archive").rglob("*.tgz")))}


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


def thread() -> list[int]:
    seen: list[int] = []
    one = threading.Thread(target=seen.append, args=(1,))
    one.start()
    one.join()
    return seen


def hook() -> str:
    return subprocess.run(["/bin/echo", "said"], capture_output=True, text=True, check=True).stdout.strip()


def picture() -> bool:
    """Whether a quicklook can be drawn by a process that gives up what harm could be done with."""
    import io

    from PIL import Image

    from watcher.tasks.pictures import Painter

    raw = io.BytesIO()
    Image.new("RGB", (50, 50)).save(raw, "PNG")
    with Painter(largest=5000) as painter:
        return painter.draw(raw.getvalue(), seconds=30.0).startswith(b"\xff\xd8\xff")


def nameless() -> str:
    file = os.memfd_create("picture")
    os.write(file, b"seen")
    return Path(f"/proc/self/fd/{file}").read_text()


def write(path: str) -> Callable[[], object]:
    return lambda: Path(path).write_text("x")


def talk_to(address: str) -> Callable[[], None]:
    def talk() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to:
            to.sendto(b"?", (address, 9))

    return talk


def become_others_on_execution() -> None:
    SCRATCH.touch()
    SCRATCH.chmod(0o4755)


def new_namespace() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_USER_NAMESPACE) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def kernel_says(name: str) -> str | None:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return line.split()[1]
    return None


json.dump(
    {
        "uid": os.getuid(),
        "capabilities": kernel_says("CapEff"),
        "bounding": kernel_says("CapBnd"),
        "no_new_privileges": kernel_says("NoNewPrivs"),
        "seccomp": kernel_says("Seccomp"),
        "umask": kernel_says("Umask"),
        "state": mode(STATE),
        "wheels": outcome(compiled_wheels),
        "database": outcome(database),
        "work": outcome(work) if sys.argv[1:] == ["probe"] else None,
        "thread": outcome(thread),
        "hook": outcome(hook),
        "picture": outcome(picture),
        "nameless": outcome(nameless),
        "credential": outcome((CREDENTIALS / "theia").read_text),
        "config": outcome(lambda: bool(Path("/etc/watcher/config.toml").read_text())),
        "credential_at_home": outcome(Path("/etc/watcher/credentials/theia").read_text),
        "write_tmp": outcome(write(str(SCRATCH))),
        "write_usr": outcome(write("/usr/x")),
        "write_etc": outcome(write("/etc/watcher/x")),
        "write_archive": outcome(write("/srv/archive/x")),
        "executable_memory": outcome(
            lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
        ),
        "raw_socket": outcome(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()),
        "new_namespace": outcome(new_namespace),
        "set_hostname": outcome(lambda: socket.sethostname("other")),
        "become_root": outcome(lambda: os.setuid(0)),
        "set_user_id": outcome(become_others_on_execution),
        "loopback": outcome(talk_to("127.0.0.1")),
        "private_network": outcome(talk_to("10.11.12.13")),
        "sees_the_machine": Path("/proc/meminfo").exists(),
        "sees_others": Path("/proc/1").exists(),
    },
    sys.stdout,
)
