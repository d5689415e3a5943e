"""Fixtures: a real server of Azure's blobs, Microsoft's Azurite."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import httpx
import pytest

from tests.servers import keep
from tests.servers.stac import need
from tests.servers.way import Sent

SERVER = Path(__file__).resolve().parents[2] / ".node-azurite/node_modules/azurite/dist/src/blob/main.js"
ACCOUNT = "eoproducts"
KEY = base64.b64encode(b"the key of Azurite's one account").decode()


def token(container: str, rights: str = "rwdl", *, until: str = "2099-01-01T00:00:00Z") -> str:
    """Make a token for a container, as its owner does.

    See learn.microsoft.com/rest/api/storageservices/create-service-sas. Azurite takes one for a whole account, too, but
    not for what removes blobs.
    """
    said = {"sp": rights, "st": "", "se": until, "resource": f"/blob/{ACCOUNT}/{container}", "si": "", "sip": ""}
    said |= {"spr": "https,http", "sv": "2022-11-02", "sr": "c", "snapshot": "", "ses": ""}
    return _signed(said, "\n".join([*said.values(), "", "", "", "", ""]))


def _account_token() -> str:
    """Make a token for all there is (learn.microsoft.com/rest/api/storageservices/create-account-sas)."""
    said = {"sp": "rwdlac", "ss": "b", "srt": "sco", "st": "", "se": "2099-01-01T00:00:00Z", "sip": ""}
    said |= {"spr": "https,http", "sv": "2022-11-02", "ses": ""}
    return _signed(said, "".join(f"{value}\n" for value in (ACCOUNT, *said.values())))


def _signed(said: dict[str, str], text: str) -> str:
    signature = hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)
    shown = {name: value for name, value in said.items() if value and name != "resource"}
    shown["sig"] = base64.b64encode(signature).decode()
    return urlencode(shown)


_asking = httpx.Client(headers={"x-ms-version": "2022-11-02"}, timeout=60)
_TOKEN = _account_token()


@dataclass
class AzureContainer:
    """A container of a test's own. Parts that are never made a blob cannot be aborted: Azure drops them in a week."""

    endpoint: str
    name: str
    scheme: ClassVar[str] = "az"
    aborts: ClassVar[bool] = False
    proves: ClassVar[bool] = False

    def make(self) -> None:
        _asking.put(self._url("", "restype=container")).raise_for_status()

    def visible(self) -> list[str]:
        return self._listed("")

    def uploads(self) -> int:
        return len(self._listed("&include=uncommittedblobs")) - len(self.visible())

    def read(self, key: str) -> bytes:
        return _asking.get(self._url(key)).raise_for_status().content

    def said(self, key: str) -> dict[str, str]:
        headers = _asking.head(self._url(key)).raise_for_status().headers
        return {name[10:]: value for name, value in headers.items() if name.startswith("x-ms-meta-")}

    def put_as(self, sent: Sent, instead: Sent) -> None:
        own = {k: v for k, v in sent.headers.items() if k.startswith("x-ms-meta-")} | {"x-ms-blob-type": "BlockBlob"}
        key = sent.path.partition(f"/{self.name}/")[2]
        _asking.put(self._url(key), content=instead.body, headers=own).raise_for_status()

    def put(self, key: str, content: bytes) -> None:
        kind = {"x-ms-blob-type": "BlockBlob"}
        _asking.put(self._url(key), content=content, headers=kind).raise_for_status()

    def settings(self) -> dict[str, Any]:
        return {"account_name": ACCOUNT}

    def secret(self) -> tuple[str, str]:
        return "account_key", KEY

    def _url(self, key: str, query: str = "") -> str:
        return f"{self.endpoint}/{self.name}{'/' if key else ''}{quote(key)}?{query}&{_TOKEN}"

    def _listed(self, more: str) -> list[str]:
        listed = _asking.get(self._url("", f"restype=container&comp=list{more}")).raise_for_status().text
        return re.findall(r"<Name>([^<]*)</Name>", listed)


@pytest.fixture(scope="session")
def azure_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node (and npm) not installed: install Debian's nodejs and npm, then run tests/servers/install")
    need(SERVER)
    port, home = keep.free_port(), tmp_path_factory.mktemp("azure")
    command = [node, SERVER, "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    command += ["--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    with (said := home / "azurite.log").open("wb") as log:
        own = {**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
        server = subprocess.Popen(command, cwd=home, env=own, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        keep.wait_for_connection(port, server, said)
        yield f"http://127.0.0.1:{port}/{ACCOUNT}"
    finally:
        server.terminate()
        server.wait()
