"""Keep one pgstac for a whole test session: start it, say where it is, and end it when the session's process is gone.

Run as ``python keep.py STATE PID``: writes STATE as JSON once all answers (or with an "error" if it does not), then
waits for PID to end. It is a process of its own so that a session that is killed leaves nothing behind, and so that
all workers of a session share it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

BIN = Path("/usr/lib/postgresql/15/bin")
VENV = Path(__file__).resolve().parents[2] / ".venv-servers" / "bin"

SETTINGS = """
alter database postgis set search_path to pgstac, public;
set search_path to pgstac, public;
insert into pgstac.queryables (name, property_wrapper, definition) values
  ('created', 'to_tstz', '{"type": "string", "format": "date-time"}'),
  ('updated', 'to_tstz', '{"type": "string", "format": "date-time"}');
create role counting superuser login;
alter role counting set pgstac.context = 'on';
"""
"""`created` and `updated` are compared as times, as a careful operator has it; `published` as text, as it comes.

The role `counting` is who the second API logs in as: what that one lists, it counts (numberMatched).
"""


def main(state: Path, session: int) -> None:
    """Start, tell, wait, stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    home = Path(tempfile.mkdtemp(prefix="watcher-pgstac-"))
    apis: list[subprocess.Popen[bytes]] = []
    try:
        try:
            told = start(home, apis)
        except (OSError, subprocess.SubprocessError, TimeoutError) as error:
            log = "".join(path.read_text()[-2000:] for path in home.glob("*.log"))
            told = {"error": f"{error}\n{log}"}
        # Renamed into place, so that nobody reads half of it.
        draft = state.with_suffix(".draft")
        draft.write_text(json.dumps(told))
        draft.rename(state)
        if "error" not in told:
            wait_for_end_of(session)
    finally:
        stop(home, apis)


def start(home: Path, apis: list[subprocess.Popen[bytes]]) -> dict[str, str]:
    """Make a database, and two APIs on it: one that counts what it lists, one that does not."""
    port = free_port()
    environment = {
        **os.environ,
        "PGHOST": "127.0.0.1",
        "PGPORT": str(port),
        "PGUSER": "postgres",
        "PGPASSWORD": "x",
        "PGDATABASE": "postgis",
    }
    if os.geteuid() == 0:
        shutil.chown(home, "postgres")
    run([*postgres(), BIN / "initdb", "-D", home / "data", "-A", "trust", "-U", "postgres", "--locale=C.UTF-8", "-N"])
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off -c jit=off"
    run([*postgres(), BIN / "pg_ctl", "-D", home / "data", "-l", home / "postgres.log", "-w", "-o", options, "start"])
    run([BIN / "psql", "-q", "-d", "postgres", "-c", "create database postgis"], environment)
    run([VENV / "pypgstac", "migrate"], environment)
    run([BIN / "psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", SETTINGS], environment)
    told = {}
    for name, user in (("plain", "postgres"), ("counting", "counting")):
        api = free_port()
        logins = {f"POSTGRES_{key}": environment[f"PG{key}"] for key in ("HOST", "PORT")}
        logins |= {f"POSTGRES_HOST_{kind}": "127.0.0.1" for kind in ("READER", "WRITER")}
        logins |= {"POSTGRES_USER": user, "POSTGRES_PASS": "x", "POSTGRES_DBNAME": "postgis", "PGUSER": user}
        logins |= {"ENABLE_TRANSACTIONS_EXTENSIONS": "TRUE", "DB_MIN_CONN_SIZE": "1", "DB_MAX_CONN_SIZE": "4"}
        app = ["stac_fastapi.pgstac.app:create_app", "--factory", "--host", "127.0.0.1", "--port", str(api)]
        with (home / f"{name}.log").open("wb") as log:
            apis.append(
                subprocess.Popen(
                    [VENV / "uvicorn", *app, "--log-level", "warning"],
                    env={**environment, **logins},
                    stdout=log,
                    stderr=log,
                )
            )
        told[name] = f"http://127.0.0.1:{api}"
    for (name, url), server in zip(told.items(), apis, strict=True):
        wait_for_answer(url, server, home / f"{name}.log")
    return told


def stop(home: Path, apis: Sequence[subprocess.Popen[bytes]]) -> None:
    """End what was started, and leave no trace."""
    for api in apis:
        api.terminate()
    for api in apis:
        try:
            api.wait(10)
        except subprocess.TimeoutExpired:
            api.kill()
            api.wait()
    if (home / "data" / "postmaster.pid").exists():
        run([*postgres(), BIN / "pg_ctl", "-D", home / "data", "-m", "immediate", "-w", "stop"])
    shutil.rmtree(home, ignore_errors=True)


def postgres() -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


def run(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
    """Run a command to its end; its words are in the error if it fails."""
    done = subprocess.run(
        list(command),
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise OSError(f"{command} ended with {done.returncode}: {done.stdout.decode(errors='replace')[-2000:]}")


def free_port() -> int:
    """Return a port that is free, of those that the kernel gives to nobody: so it still is when ours comes up."""
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ports = [*range(10_000, first), *range(last + 1, 2**16)] or range(10_000, 2**16)
    while True:
        port = secrets.choice(ports)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_for_answer(url: str, server: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    """Return once a server answers; what it wrote is in the error if it does not."""

    def asked() -> None:
        with urllib.request.urlopen(url, timeout=30):
            pass

    _wait_for(asked, url, server, log, seconds)


def wait_for_connection(port: int, server: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    """Return once a server takes connections; what it wrote is in the error if it does not."""

    def connected() -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=30):
            pass

    _wait_for(connected, f"port {port}", server, log, seconds)


def _wait_for(done: Callable[[], None], place: str, server: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return done()
        except OSError as error:
            ended = server.poll()
            if ended is not None or time.monotonic() > deadline:
                why = f"its server ended with {ended}" if ended is not None else f"nothing answers after {seconds:g} s"
                raise TimeoutError(f"{place}: {why}: {log.read_text(errors='replace')[-2000:]}") from error
            time.sleep(0.02)


def wait_for_end_of(process: int) -> None:
    """Return once a process is gone."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return
    with os.fdopen(handle, "rb", buffering=0):
        select.select([handle], [], [])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
