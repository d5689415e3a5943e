"""The same against a server that others wrote."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback import until
from tests.transfer.depot import asset, md5, zipped
from watcher.errors import CredentialError, TransferError
from watcher.net import Http
from watcher.transfer import Terms, fetch, fetch_members, segments

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
PRODUCT, OTHER = zipped(3_000_000), zipped(3_000_000, seed=2)

CONF = """
worker_processes 1; daemon off; pid {dir}/pid; error_log {dir}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log {dir}/access.log; default_type application/octet-stream; types {{ }}
  client_body_temp_path {dir}/t; proxy_temp_path {dir}/t; fastcgi_temp_path {dir}/t;
  uwsgi_temp_path {dir}/t; scgi_temp_path {dir}/t;
  server {{
    listen 127.0.0.1:{port}; root {dir}/data;
    location /norange/ {{ alias {dir}/data/; max_ranges 0; }}
    location /noetag/ {{ alias {dir}/data/; etag off; }}
    location /closed/ {{ return 401; }}
    location /moved/ {{ return 302 /p.zip; }}
  }}
}}
"""

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A running nginx: its address, and the folder that it serves."""
    folder = tmp_path / "nginx"
    (folder / "data").mkdir(parents=True)
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == os.geteuid() and parent.name.startswith(("pytest", "popen", "test_", "nginx")):
            parent.chmod(0o755)  # its workers run as somebody else
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "conf").write_text(CONF.format(dir=folder, port=port))
    (folder / "data" / "p.zip").write_bytes(PRODUCT)
    os.utime(folder / "data" / "p.zip", (1, 1))  # an ETag that nginx makes of a time just now proves nothing
    process = subprocess.Popen([str(NGINX), "-p", str(folder), "-c", str(folder / "conf")], stderr=subprocess.DEVNULL)

    def up() -> bool:
        assert process.poll() is None, (folder / "error.log").read_text()
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(up)
        yield f"http://127.0.0.1:{port}", folder / "data"
    finally:
        process.terminate()
        process.wait()


def _begun(path: Path, origin: str, count: int, **known: object) -> None:
    """Leave the first `count` bytes of a download behind, as a kill would."""

    class Enough(Exception):
        pass

    def stop(progress: object) -> None:
        raise Enough

    with Http(origin=origin) as http, pytest.raises(Enough):
        fetch(http, asset(origin + "/p.zip", **known), path, progress=stop)  # type: ignore[arg-type]
    with Path(f"{path}.part").open("r+b") as file:
        file.truncate(0)
        file.write(PRODUCT[:count])


def test_a_product_comes_home(nginx: tuple[str, Path], tmp_path: Path) -> None:
    with Http(origin=nginx[0]) as http:
        assert fetch(http, asset(nginx[0] + "/moved/", PRODUCT), tmp_path / "p.zip").how == "md5"
        assert fetch(http, asset(nginx[0] + "/p.zip"), tmp_path / "q.zip").how == "zip"


@pytest.mark.parametrize("known", [{"content": PRODUCT}, {}], ids=["checksum", "etag"])
def test_what_was_begun_is_gone_on_with(known: dict[str, object], nginx: tuple[str, Path], tmp_path: Path) -> None:
    _begun(tmp_path / "p.zip", nginx[0], 1_000_000, **known)
    with Http(origin=nginx[0]) as http:
        home = fetch(http, asset(nginx[0] + "/p.zip", **known), tmp_path / "p.zip")  # type: ignore[arg-type]
    assert home.fetched == len(PRODUCT) - 1_000_000
    assert (tmp_path / "p.zip").read_bytes() == PRODUCT


@pytest.mark.parametrize("known", [{"content": PRODUCT}, {}], ids=["checksum", "etag"])
def test_several_connections_bring_it(
    known: dict[str, object], nginx: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "LEAST", 100_000)
    with Http(origin=nginx[0], connections=6) as http:
        wanted = asset(nginx[0] + "/p.zip", **known)  # type: ignore[arg-type]
        home = fetch(http, wanted, tmp_path / "p.zip", terms=Terms(streams=4))
    assert (home.fetched, (tmp_path / "p.zip").read_bytes()) == (len(PRODUCT), PRODUCT)
    asked = (nginx[1].parent / "access.log").read_text().splitlines()
    assert len(asked) > 4
    assert {line.split()[8] for line in asked} == {"206"}


def test_members_of_a_zip_are_brought_alone(nginx: tuple[str, Path], tmp_path: Path) -> None:
    with Http(origin=nginx[0]) as http:
        home = fetch_members(http, asset(nginx[0] + "/p.zip"), tmp_path / "p", ["band.tif"])
    assert list(home.files) == ["PRODUCT/band.tif"]
    assert (tmp_path / "p" / "PRODUCT" / "band.tif").stat().st_size == home.size == 3_000_000


@pytest.mark.parametrize("location", ["/norange/p.zip", "/noetag/p.zip"])
def test_without_ranges_or_etags_it_still_comes_home(location: str, nginx: tuple[str, Path], tmp_path: Path) -> None:
    _begun(tmp_path / "p.zip", nginx[0], 1_000_000, content=PRODUCT)
    with Http(origin=nginx[0]) as http:
        fetch(http, asset(nginx[0] + location, PRODUCT), tmp_path / "p.zip")
    assert (tmp_path / "p.zip").read_bytes() == PRODUCT


def test_a_file_that_was_replaced_meanwhile_is_fetched_anew(nginx: tuple[str, Path], tmp_path: Path) -> None:
    _begun(tmp_path / "p.zip", nginx[0], 1_000_000)
    replaced = nginx[1] / "p.zip"
    replaced.write_bytes(OTHER)
    os.utime(replaced, (2, 2))  # nginx makes its ETag of the time and the size
    with Http(origin=nginx[0]) as http:
        assert fetch(http, asset(nginx[0] + "/p.zip"), tmp_path / "p.zip").fetched == len(OTHER)
    assert (tmp_path / "p.zip").read_bytes() == OTHER


def test_a_file_that_was_replaced_after_the_catalogue_was_read_is_refused(
    nginx: tuple[str, Path], tmp_path: Path
) -> None:
    (nginx[1] / "p.zip").write_bytes(OTHER)
    with Http(origin=nginx[0]) as http, pytest.raises(TransferError, match="the md5 is"):
        fetch(http, asset(nginx[0] + "/p.zip", checksum=md5(PRODUCT)), tmp_path / "p.zip")


def test_a_closed_door_and_a_missing_file_are_told_apart(nginx: tuple[str, Path], tmp_path: Path) -> None:
    with Http(origin=nginx[0]) as http:
        with pytest.raises(CredentialError):
            fetch(http, asset(nginx[0] + "/closed/p.zip"), tmp_path / "p.zip")
        with pytest.raises(TransferError, match="not on its disk"):
            fetch(http, asset(nginx[0] + "/missing.zip"), tmp_path / "p.zip")
