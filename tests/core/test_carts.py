"""Carts: written for other programs, and read as the servers of the time wrote them."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.given import NOW, changed, product
from tests.recordings import folder
from watcher.core.archive.shelves import taken
from watcher.core.carts import FORMATS, cart, read
from watcher.core.carts.cart import bytes_in_all
from watcher.errors import UsageError
from watcher.model import Asset

MD5 = "md5:" + "5a" * 16
METALINK = '<metalink xmlns="urn:ietf:params:xml:ns:metalink">{}</metalink>'


def offered(title: str, *assets: Asset) -> object:
    return changed(product(title), title=title, assets=assets)


def zipped(href: str, checksum: str | None = MD5, size: int | None = 7) -> Asset:
    return Asset("product", href, type="application/zip", size=size, checksum=checksum)


def test_the_same_file_in_two_catalogues_is_one_with_two_addresses() -> None:
    files = cart([offered("S2A", zipped("https://a.example/1")), offered("S2A again", zipped("https://b.example/1"))])
    assert [(file.name, file.urls) for file in files] == [("S2A.zip", ("https://a.example/1", "https://b.example/1"))]
    assert bytes_in_all(files) == (7, 0)


def test_files_without_a_checksum_are_never_taken_for_the_same() -> None:
    one, other = (offered("P", zipped(f"https://{host}.example/1", None, None)) for host in "ab")
    files = cart([one, other])
    assert [file.name for file in files] == ["P.zip", "P.2.zip"]
    assert bytes_in_all(files) == (0, 2)


def test_a_product_of_several_files_has_a_directory() -> None:
    files = cart([offered("P", Asset("B02", "https://a.example/b2.tif"), Asset("B03", "https://a.example/b3.tif"))])
    assert [file.name for file in files] == ["P/B02.tif", "P/B03.tif"]


@pytest.mark.parametrize(
    ("href", "kept"),
    [
        ("https://jane:secret@a.example/p.zip", "https://a.example/p.zip"),
        ("https://a.example/p.zip?_tk=secret&lang=en", "https://a.example/p.zip?lang=en"),
        ("https://a.example/p.zip?X-Amz-Signature=secret", "https://a.example/p.zip"),
        ("https://a.example/p.zip?sig=secret&st=1", "https://a.example/p.zip?st=1"),
        *(
            (
                f"https://a.example/p.zip?{name}=secret&id=P-1&author=Ann&path=a%2Fb",
                "https://a.example/p.zip?id=P-1&author=Ann&path=a%2Fb",
            )
            for name in (
                "requestSignature",
                "X-Goog-Signature",
                "AWSAccessKeyId",
                "Key-Pair-Id",
                "password",
                "auth",
                "Authorization",
                "jwt",
                "id_token",
                "accessToken",
                "subscription-key",
                "apiKey",
                "client_secret",
            )
        ),
    ],
)
def test_no_credential_is_in_a_cart(href: str, kept: str) -> None:
    assert [file.urls for file in cart([offered("P", zipped(href))])] == [(kept,)]


def test_what_is_not_to_be_had_by_http_is_left_out() -> None:
    assert cart([offered("P", zipped("s3://bucket/p.zip")), offered("Q")]) == []


@settings(max_examples=40)
@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(sorted(FORMATS)))
def test_whatever_a_catalogue_writes_adds_no_line_to_a_list(title: str, path: str, form: str) -> None:
    plain = cart([offered("P", zipped("https://a.example/p.zip"))])
    files = cart([offered(title, zipped(f"https://a.example/{path}"))])
    if not files:
        return
    text = FORMATS[form](files, NOW)
    usual = FORMATS[form](plain, NOW)
    assert len(text.splitlines()) == len(usual.splitlines())
    if form == "meta4":
        assert read(text.encode(), name="it")[0].urls == files[0].urls
    if form == "csv":
        assert len(list(csv.reader(io.StringIO(text)))) == 2


def test_what_was_written_is_read_again() -> None:
    sha = changed(zipped("https://a.example/2", "sha256:" + "ab" * 32), size=9)
    files = cart([offered("S2A", zipped("https://a.example/1")), offered("S2B", sha)])
    assert [changed(file, product=None) for file in files] == read(FORMATS["meta4"](files, NOW).encode(), name="it")


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell here")
def test_a_script_for_wget_cannot_be_talked_into_anything(tmp_path: Path) -> None:
    evil = offered("$(touch bad); `touch bad`", zipped("https://a.example/$(touch bad);'\"`touch bad`"))
    script = FORMATS["wget"](cart([evil]), NOW)
    (tmp_path / "wget").write_text('#!/bin/sh\nprintf "%s\\n" "$@" >> asked\nexit 1\n')
    (tmp_path / "wget").chmod(0o700)
    ran = subprocess.run(["sh", "-c", script], cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False)
    assert ran.returncode == 1
    assert (tmp_path / "asked").read_text().splitlines()[0] == "-O"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["asked", "wget"]


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell here")
def test_a_script_for_wget_fetches_what_it_can_and_fails_when_anything_is_missing(tmp_path: Path) -> None:
    products = [
        offered(f"P{number}", zipped(f"https://a.example/{number}", checksum=None, size=4)) for number in range(3)
    ]
    script = FORMATS["wget"](cart(products), NOW)
    (tmp_path / "wget").write_text(
        '#!/bin/sh\ncase "$3" in */0) exit 8 ;; */1) printf cut ;; *) printf four ;; esac >"$2"\n'
    )
    (tmp_path / "wget").chmod(0o700)
    ran = subprocess.run(["sh", "-c", script], cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False)
    assert ran.returncode == 1
    assert (tmp_path / "P2.zip").read_text() == "four"
    assert not (tmp_path / "P0.zip").exists()
    assert not (tmp_path / "P1.zip").exists()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", "passwd"),
        ("/etc/shadow.zip", "shadow.zip"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("P.gzip", "P.tgz"),
        ("..", "1"),
        ("", "1"),
    ],
)
def test_a_cart_cannot_name_a_file_elsewhere(name: str, expected: str) -> None:
    text = METALINK.format(f'<file name="{name}"><url>https://a.example/1</url></file>')
    assert [file.name for file in read(text.encode(), name="it")] == [expected]


@pytest.mark.parametrize("end", [".part", ".part.json", ".stac.json", ".rotten"])
def test_a_cart_cannot_name_a_file_as_what_is_unfinished_of_another(end: str) -> None:
    one = '<file name="{}"><url>https://a.example/1</url></file>'
    text = METALINK.format(one.format("P.zip") + one.format(f"P.zip{end}"))
    first, second = read(text.encode(), name="it")
    assert first.name == "P.zip"
    assert second.name.startswith("P.zip.")
    assert not taken(second.name)


def test_two_files_of_one_name_are_told_apart() -> None:
    one = '<file name="{}"><url>https://a.example/1</url></file>'
    text = METALINK.format(one.format("P.zip") + one.format("x/p.ZIP") + one.format("P.zip"))
    assert [file.name for file in read(text.encode(), name="it")] == ["P.zip", "p.2.ZIP", "P.3.zip"]


def test_the_best_address_comes_first_and_the_strongest_hash_counts() -> None:
    text = METALINK.format(
        '<file name="P.zip"><size>12</size><hash type="md5">'
        + "5A" * 16
        + '</hash><hash type="sha-256">'
        + "ab" * 32
        + '</hash><url priority="2">https://b.example/1</url><url priority="1">https://a.example/1</url>'
        "<url>ftp://c.example/1</url></file>"
    )
    (file,) = read(text.encode(), name="it")
    assert (file.size, file.checksum) == (12, "sha256:" + "ab" * 32)
    assert file.urls == ("https://a.example/1", "https://b.example/1")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no Metalink file"),
        (b"<html>login</html>", "its root is html"),
        (b"<metalink xmlns='http://www.metalinker.org/'/>", "no Metalink file"),
        (METALINK.format("").encode(), "names no file"),
        (b'<!DOCTYPE m [<!ENTITY a "b">]><m>&a;</m>', "no Metalink file: it has a document type"),
        (b"<!DOCTYPE html><html>login</html>", "no Metalink file: it has a document type"),
        (METALINK.format('<file name="P"><url>file:///etc/passwd</url></file>').encode(), "names no file"),
    ],
)
def test_what_is_no_cart_is_refused_with_the_reason(content: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        read(content, name="cart.meta4")
    assert "cart.meta4" in str(refused.value)
    assert refused.value.hint


def test_the_cart_of_a_real_resto_server_is_read() -> None:
    content = (folder("resto-2.0.4") / "order_meta4.meta4").read_bytes()
    files = read(content, name="order")
    assert [(file.name, file.size, (file.checksum or "")[:8]) for file in files] == [
        ("SPOT5_HRG1_XS_20150629_N2A_MooreesburgD0000B0000.tgz", 87000, "md5:15b6"),
        ("SPOT5_HRG1_XS_20150629_N2A_PornicD0000B0000.tgz", 86973, "md5:77ca"),
    ]


def test_a_cart_of_theia_has_its_hash_in_the_attribute() -> None:
    files = read((folder("samples") / "theia_cart_20190130.meta4").read_bytes(), name="cart")
    assert [(file.name, file.checksum, file.size) for file in files] == [
        ("SENTINEL2B_20190128-104831-308_L2A_T31TGK_D.zip", "md5:fe595caf9305c78cda005f60444d5895", None),
        ("SENTINEL2A_20190113-104826-809_L2A_T31TGK_D.zip", "md5:10d21e5bded5be6e2e8140be73029269", None),
    ]
    assert all(file.urls[0].startswith("https://theia.cnes.fr/") and "?_tk=" in file.urls[0] for file in files)
