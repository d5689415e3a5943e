"""`watcher cart` and `watcher import`, as a person uses them, with the programs that carts are for."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Scene, Watcher
from tests.given import NOW
from tests.loopback import Request, reply, served
from watcher.core.carts import FORMATS, File, read
from watcher.core.wording import bytes_word


@pytest.fixture
def filled(watcher: Watcher, home: Path) -> Path:
    """A cart of what was seen at Pornic."""
    watcher("add-site", "Pornic", "--level", "L2A")
    watcher("poll")
    path = home / "pornic.meta4"
    said = watcher("cart", "--site", "Pornic", "--since", "2015-05-01", "-o", str(path))
    assert (said.code, said.out) == (0, "")
    assert said.err.endswith(f", in {path}\n")
    return path


@pytest.mark.skipif(shutil.which("aria2c") is None, reason="aria2 is not installed: tests/servers/install")
def test_aria2_downloads_a_cart_and_verifies_it(filled: Path, tmp_path: Path) -> None:
    account = ["--http-user=take5@example.org", "--http-passwd=take5pass", "--no-conf", "--quiet"]
    subprocess.run(
        [
            "aria2c",
            *account,
            "--check-integrity=true",
            "--metalink-file",
            str(filled),
            "-d",
            str(tmp_path / "by-aria2"),
        ],
        check=True,
        timeout=60,
    )
    files = read(filled.read_bytes(), name="it")
    assert files
    for file in files:
        content = (tmp_path / "by-aria2" / file.name).read_bytes()
        assert (len(content), f"md5:{hashlib.md5(content).hexdigest()}") == (file.size, file.checksum)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_downloads_a_cart(filled: Path, watcher: Watcher, tmp_path: Path) -> None:
    config = tmp_path / "curl.txt"
    config.write_text(watcher("cart", "--site", "Pornic", "--since", "2015-05-01", "--format", "curl").out)
    subprocess.run(
        ["curl", "-q", "-sS", "-u", "take5@example.org:take5pass", "-K", str(config)],
        cwd=tmp_path,
        check=True,
        timeout=60,
    )
    for file in read(filled.read_bytes(), name="it"):
        assert f"md5:{hashlib.md5((tmp_path / file.name).read_bytes()).hexdigest()}" == file.checksum


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_ends_with_an_error_when_any_file_of_a_cart_is_missing(tmp_path: Path) -> None:
    def answer(request: Request, connection: object) -> bytes:
        del connection
        return reply(404) if request.target == "/1" else reply(200, b"content")

    with served(answer) as peer:
        files = [File(f"P{number}", (peer.url(f"/{number}"),)) for number in range(3)]
        (tmp_path / "cart").write_text(FORMATS["curl"](files, NOW))
        ran = subprocess.run(["curl", "-q", "-sS", "-K", "cart"], cwd=tmp_path, check=False, timeout=60)
    assert ran.returncode == 22
    assert (tmp_path / "P0").read_bytes() == b"content"


def test_a_cart_is_imported_whole_and_a_second_time_kept(filled: Path, watcher: Watcher, home: Path) -> None:
    count = len(read(filled.read_bytes(), name="it"))
    said = watcher("import", str(filled))
    assert said.code == 0
    assert said.out.count("stored ") == count
    assert said.out.count("verified: md5") == count
    again = watcher("import", str(filled))
    assert (again.code, again.out.count("kept ")) == (0, count)
    stored = list((home / "state/archive/carts/pornic").iterdir())
    assert sorted(path.name for path in stored) == sorted(file.name for file in read(filled.read_bytes(), name="it"))


def test_files_that_a_full_disk_leaves_untried_are_counted(filled: Path, watcher: Watcher, home: Path) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text().replace("reserve = 0", 'reserve = "1000 TB"\nconcurrency = 1'))
    count = len(read(filled.read_bytes(), name="it"))
    said = watcher("import", str(filled))
    assert (said.code, said.out) == (1, "")
    assert said.err.count("failed ") == 1
    assert f"watcher: {count} files of {count} could not be fetched\n" in said.err


def test_a_file_that_is_another_than_the_cart_says_is_not_stored(
    filled: Path, watcher: Watcher, tmp_path: Path
) -> None:
    text = filled.read_text()
    first = read(filled.read_bytes(), name="it")[0]
    filled.write_text(text.replace((first.checksum or "").removeprefix("md5:"), "0" * 32))
    said = watcher("import", str(filled), "--to", str(tmp_path / "here"))
    assert said.code != 0
    assert f"failed {first.name}: the md5 is" in said.err
    assert "make it anew" in said.err
    assert not (tmp_path / "here" / first.name).exists()


def test_a_cart_cannot_reach_into_the_network_that_it_is_read_in(watcher: Watcher, scene: Scene, home: Path) -> None:
    cart = home / "evil.meta4"
    cart.write_text(
        '<metalink xmlns="urn:ietf:params:xml:ns:metalink">'
        + "".join(
            f'<file name="f{number}"><url>{url}</url></file>'
            for number, url in enumerate(["http://127.0.0.1:1/x", "https://127.0.0.1/x", "https://[::1]/x"])
        )
        + "</metalink>"
    )
    said = watcher("import", str(cart))
    assert said.code != 0
    assert said.err.count("failed f") == 3
    assert "secret" not in said.err


@pytest.mark.parametrize("arguments", [("--level", "L3A"), ("--site", "Nantes")])
def test_nothing_to_put_into_a_cart_is_an_error(filled: Path, watcher: Watcher, arguments: tuple[str, ...]) -> None:
    said = watcher("cart", *arguments)
    assert (said.code, said.out) == (2, "")
    assert "→" in said.err


def test_what_a_cart_brings_counts_in_the_volume_of_its_catalogue(filled: Path, watcher: Watcher, home: Path) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text().replace("gap = 0\n", 'gap = 0\nmonthly = "70 GB"\n'))
    assert "take5: fetched nothing of 70 GB this month" in watcher("status").out
    assert watcher("import", str(filled), "--to", str(home / "here")).code == 0
    size = sum(file.size or 0 for file in read(filled.read_bytes(), name="it"))
    assert f"take5: fetched {bytes_word(size)} of 70 GB this month" in watcher("status").out
    assert watcher("import", str(filled), "--to", str(home / "here")).code == 0
    assert f"take5: fetched {bytes_word(size)} of 70 GB this month" in watcher("status").out
