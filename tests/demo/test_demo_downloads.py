"""Files from the demo catalogue: who gets them, and how their bytes are on the wire."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import socket
import tarfile
import zlib
from http.client import HTTPResponse
from xml.etree import ElementTree

import pytest

from tests.demo.asking import AUGUST, ask, listed
from watcher.demo.catalogue import serve
from watcher.demo.timeline import Timeline

TAKE5 = "Basic " + base64.b64encode(b"take5@example.org:take5pass").decode()


@pytest.fixture
def product(complete) -> dict:
    return listed(complete, "zone_geo=Pornic&processingLevel=LEVEL2A&maxRecords=1")[0]


def path(product: dict) -> str:
    return f"/resto/collections/SPOT5/{product['id']}/download"


def fetch(catalogue, product: dict, **headers: str):
    return ask(catalogue, path(product), headers={"Authorization": TAKE5, **headers})


def on_the_wire(catalogue, target: str, *lines: str) -> tuple[dict[str, str], bytes]:
    """Headers and every byte up to the end of the connection, whatever Content-Length says."""
    port = int(catalogue.origin.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        head = "\r\n".join([f"GET {target} HTTP/1.1", "Host: x", f"Authorization: {TAKE5}", *lines, "", ""])
        connection.sendall(head.encode())
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    top, _, body = received.partition(b"\r\n\r\n")
    status, *fields = top.decode().splitlines()
    return dict(field.split(": ", 1) for field in fields) | {"status": status.split()[1]}, body


def test_a_file_is_what_the_catalogue_said(complete, product):
    told = product["properties"]["services"]["download"]
    reply = fetch(complete, product)
    assert told["url"] == complete.origin + path(product)
    assert 20_000 < told["size"] < 150_000
    assert len(reply.body) == told["size"]
    assert "md5=" + hashlib.md5(reply.body).hexdigest() == told["checksum"]
    assert reply.header("Content-Type") == told["mimeType"]


def test_a_file_is_an_archive_with_metadata_and_images(complete, product):
    ident = product["properties"]["productIdentifier"]
    with tarfile.open(fileobj=io.BytesIO(fetch(complete, product).body), mode="r:gz") as archive:
        members = {m.name: archive.extractfile(m).read() for m in archive}
    described = ElementTree.fromstring(members[f"{ident}/{ident}.xml"])
    assert described.findtext("HEADER/IDENT") == ident
    images = {name: body for name, body in members.items() if name.endswith(".TIF")}
    assert len(images) == 5
    assert all(body.startswith(b"II*\0") for body in images.values())


def test_every_size_is_between_20_and_150_kilobytes(complete):
    downloads = [f["properties"]["services"]["download"] for f in listed(complete, "maxRecords=500")]
    sizes = [d["size"] for d in downloads if "size" in d]
    assert len(sizes) == len(downloads) - 1, "of one product neither size nor checksum is known"
    assert 20_000 < min(sizes) < max(sizes) < 150_000


def test_a_product_without_size_has_a_file_all_the_same(complete):
    (bare,) = [
        f
        for f in listed(complete, "maxRecords=500")
        if list(f["properties"]["services"]["download"]) == ["url", "mimeType"]
    ]
    assert zlib.decompress(fetch(complete, bare).body, wbits=31)


@pytest.mark.parametrize(
    ("credentials", "status", "code"),
    [
        (None, 403, 403),
        ("take5@example.org:wrong", 403, 403),
        ("norights@example.org:norightspass", 403, 403),
        ("unsigned@example.org:unsignedpass", 200, 3002),
    ],
)
def test_who_may_not_download_gets_json_instead(credentials, status, code, complete, product):
    headers = {"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()} if credentials else {}
    reply = ask(complete, path(product), headers=headers)
    assert reply.status == status
    assert json.loads(reply.body)["ErrorCode"] == code
    assert reply.header("WWW-Authenticate") is None


@pytest.mark.parametrize(
    "word", ["Basic %%%", "Basic " + base64.b64encode(b"\xff").decode(), "Bearer a.b.c", "Digest x"]
)
def test_unreadable_credentials_are_nobodys(word, complete, product):
    assert ask(complete, path(product), headers={"Authorization": word}).status == 403


def test_a_token_opens_downloads_for_an_hour(product):
    time = [1_800_000_000.0]
    with serve(timeline=Timeline(start=AUGUST), now=lambda: time[0]) as catalogue:
        token = json.loads(ask(catalogue, "/resto/api/users/connect", headers={"Authorization": TAKE5}).body)["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        time[0] += 3599
        assert ask(catalogue, path(product), headers=bearer).status == 200
        time[0] += 1
        assert ask(catalogue, path(product), headers=bearer).status == 403
        expired = ask(catalogue, f"/resto/api/users/checkToken?_tk={token}")
        assert json.loads(expired.body) == {"status": "error", "message": "User not connected"}


def test_a_download_resumes_where_it_stopped(complete, product):
    whole = fetch(complete, product)
    rest = fetch(complete, product, Range="bytes=1000-")
    size = len(whole.body)
    assert whole.header("Content-Range") == f"bytes 0-{size - 1}/{size}", "also on a 200"
    assert rest.status == 206
    assert rest.header("Content-Range") == f"bytes 1000-{size - 1}/{size}"
    assert rest.body == whole.body[1000:]


@pytest.mark.parametrize("ranges", ["bytes=100-199", "bytes=-100", "bytes=0-9,20-29", "bytes=200-100"])
def test_a_range_with_an_end_overruns_its_length_and_ends_the_connection(ranges, complete, product, recorded):
    size = product["properties"]["services"]["download"]["size"]
    headers, body = on_the_wire(complete, path(product), f"Range: {ranges}")
    theirs = next(
        r for r in json.loads((recorded / "download_ranges_on_the_wire.json").read_text()) if r["Range"] == ranges
    )
    (their_range,) = theirs["content_range"]
    assert headers["status"] == "206"
    assert headers["Content-Range"] == re.sub(r"/\d+", f"/{size}", their_range.partition(": ")[2])
    assert [f"Content-Length: {headers['Content-Length']}"] == theirs["content_length"]
    assert size - len(body) == 86973 - theirs["body_bytes_on_the_wire"], "bytes left out at the beginning"
    assert body == fetch(complete, product).body[size - len(body) :]


@pytest.mark.parametrize("beyond", [0, 1, 999_999_999])
def test_a_range_past_the_end_brings_the_last_byte_again(beyond, complete, product):
    whole = fetch(complete, product).body
    headers, body = on_the_wire(complete, path(product), f"Range: bytes={len(whole) + beyond}-", "Connection: close")
    assert headers["status"] == "206"
    assert headers["Content-Range"] == f"bytes {len(whole) - 1}-{len(whole) - 1}/{len(whole)}"
    assert body == whole[-1:]


@pytest.mark.parametrize("ranges", ["bytes=0-", "bytes=0-0", "bytes=abc", "lines=1-2"])
def test_a_range_that_means_nothing_brings_the_whole_file(ranges, complete, product):
    reply = fetch(complete, product, Range=ranges)
    assert reply.status == 200
    assert reply.body == fetch(complete, product).body


def test_if_range_is_not_looked_at(complete, product):
    assert fetch(complete, product, Range="bytes=10-", **{"If-Range": '"other"'}).status == 206


def test_a_connection_is_kept_from_one_answer_to_the_next(complete):
    ask_for = "GET /resto/collections.json HTTP/1.1\r\nHost: x\r\n"
    port = int(complete.origin.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"{ask_for}\r\n{ask_for}Connection: close\r\n\r\n".encode())
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.count(b"HTTP/1.1 200 OK") == 2


def test_pictures_and_metadata_are_open_to_anybody(complete, product):
    told = product["properties"]
    for key in ("quicklook", "thumbnail"):
        reply = ask(complete, told[key].removeprefix(complete.origin))
        assert reply.status == 200
        assert reply.header("Content-Type") == "image/png"
        assert reply.body.startswith(b"\x89PNG\r\n\x1a\n")
    via = next(link for link in told["links"] if link["rel"] == "via")
    assert told["productIdentifier"].encode() in ask(complete, via["href"].removeprefix(complete.origin)).body
    assert ask(complete, "/ql/SPOT5_nothing.png").status == 404


def test_a_catalogue_that_is_closed_has_hung_up():
    catalogue = serve(timeline=Timeline())
    port = int(catalogue.origin.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET /resto/collections.json HTTP/1.1\r\nHost: x\r\n\r\n")
        with HTTPResponse(connection) as answer:
            answer.begin()
            assert answer.read().endswith(b"}")
        catalogue.close()
        assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=20)
