"""Fixtures: a real S3 server, moto's."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
import pytest

from tests.servers import keep
from tests.servers.stac import need
from tests.servers.way import Sent

SERVER = Path(__file__).resolve().parents[2] / ".venv-s3" / "bin" / "moto_server"

_asking = httpx.Client(
    headers={"Authorization": "AWS4-HMAC-SHA256 Credential=tests/20260101/us-east-1/s3/aws4_request"}, timeout=60
)
"""What moto takes for somebody who may read all: it compares no keys."""


@dataclass
class S3Bucket:
    """A bucket of a test's own, looked at without watcher's help."""

    endpoint: str
    name: str
    scheme: ClassVar[str] = "s3"
    aborts: ClassVar[bool] = True
    proves: ClassVar[bool] = True

    @property
    def url(self) -> str:
        return f"{self.endpoint}/{self.name}"

    def make(self) -> None:
        _asking.put(self.url).raise_for_status()

    def visible(self) -> list[str]:
        return re.findall(r"<Key>([^<]*)</Key>", _asking.get(self.url, params={"list-type": "2"}).text)

    def uploads(self) -> int:
        return _asking.get(self.url, params={"uploads": ""}).text.count("<UploadId>")

    def read(self, key: str) -> bytes:
        return _asking.get(f"{self.url}/{quote(key)}").raise_for_status().content

    def said(self, key: str) -> dict[str, str]:
        headers = _asking.head(f"{self.url}/{quote(key)}").raise_for_status().headers
        return {name[11:]: value for name, value in headers.items() if name.startswith("x-amz-meta-")}

    def put_as(self, sent: Sent, instead: Sent) -> None:
        own = {k: v for k, v in sent.headers.items() if k.startswith("x-amz-meta-")}
        _asking.put(f"{self.endpoint}{sent.path}", content=instead.body, headers=own).raise_for_status()

    def put(self, key: str, content: bytes) -> None:
        _asking.put(f"{self.url}/{quote(key)}", content=content).raise_for_status()

    def settings(self) -> dict[str, Any]:
        return {"region": "us-east-1", "access_key_id": "AKIDEXAMPLE"}

    def secret(self) -> tuple[str, str]:
        return "secret_access_key", "wJalrXUtnFEMI"


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need(SERVER)
    port, log = keep.free_port(), tmp_path_factory.mktemp("s3") / "moto.log"
    with log.open("wb") as file:
        server = subprocess.Popen([SERVER, "-H", "127.0.0.1", "-p", str(port)], stdout=file, stderr=file)
    try:
        keep.wait_for_answer(f"http://127.0.0.1:{port}/moto-api/", server, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()
