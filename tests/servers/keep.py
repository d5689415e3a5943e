"""Keep one pgstac for a whole test session: start it, say where it is, and end it when the session's process is gone.

Run as ``python keep.py STATE PID``: writes STATE as JSON once all answers (or with an "error" if it does not), then
waits for PID to end. It is a process of its own so that a session that is killed leaves nothing behind, and so that
all workers of a session share it.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
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
    for url in told.values():
        wait_for_answer(url)
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
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_answer(url: str, seconds: float = 30) -> None:
    """Return once a server answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{url} did not answer within {seconds:g} s") from error
            time.sleep(0.02)


def wait_for_connection(port: int, seconds: float = 30) -> None:
    """Return once a server takes connections."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                return
        except OSError as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing listens on port {port} after {seconds:g} s") from error
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
