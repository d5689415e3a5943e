"""An nginx of a measurement's own, on loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.ratios import expect

_NGINX = shutil.which("nginx") or "/usr/sbin/nginx"

_CONF = """
worker_processes 1; daemon off; pid {here}/nginx.pid; error_log {here}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; types {{}} default_type {kind}; keepalive_requests 10000;
  client_body_temp_path {here}/t; proxy_temp_path {here}/t; fastcgi_temp_path {here}/t;
  uwsgi_temp_path {here}/t; scgi_temp_path {here}/t;
  server {{ listen 127.0.0.1:{port}{ssl}; root {here}/data; {rules} }}
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def nginx(
    here: Path, port: int, *, kind: str = "application/octet-stream", ssl: str = "", rules: str = ""
) -> Iterator[None]:
    """Serve the files in `here`/data, of that media type; `ssl` and `rules` are nginx's own words."""
    (here / "nginx.conf").write_text(_CONF.format(here=here, port=port, kind=kind, ssl=ssl, rules=rules))
    here.chmod(0o755)  # nginx's workers run as somebody else
    server = subprocess.Popen([_NGINX, "-p", str(here), "-c", str(here / "nginx.conf")], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            expect(server.poll() is None and time.monotonic() < deadline, "nginx does not start")
            time.sleep(0.02)
        yield
    finally:
        server.terminate()
        server.wait()
