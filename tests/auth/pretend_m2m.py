"""USGS' M2M API, and where its addresses lead, as its reference describes them, with the vices that clients report."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.loopback import Peer, Request, reply, served

NAME, TOKEN = "jane", "canary-t0ken-7f3a"
SCENE = "LC08_L2SP_198030_20240102_20240110_02_T1"
ENTITY = "LC81980302024002LGN00"
BASE = "/api/api/json/stable/"


@dataclass
class M2m:
    """The API. It knows `scenes` by dataset, and answers with an error by a status of 200.

    `options` are what there is of a scene, `prepares` how often an order is called being prepared before it is there,
    `ready` whether an order that is there is in the answer to the request for it, `vices` what it answers instead, by
    endpoint, each once. `over` are keys that are no longer good. `where` is the address that it gives for an order.
    """

    scenes: dict[str, str] = field(default_factory=lambda: {SCENE: "landsat_ot_c2_l2"})
    options: list[dict[str, Any]] = field(default_factory=lambda: [option()])
    prepares: int = 0
    ready: bool = True
    vices: dict[str, list[bytes]] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    logins: int = 0
    links: int = 0
    orders: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    where: Callable[[str, int], str] = lambda scene, number: ""

    def __call__(self, request: Request, _: socket.socket) -> bytes:
        if request.method != "POST":
            return reply(404)
        endpoint, body = request.target.removeprefix(BASE), json.loads(request.body)
        self.asked.append((endpoint, body))
        if self.vices.get(endpoint):
            return self.vices[endpoint].pop(0)
        if endpoint == "login-token":
            if body != {"username": NAME, "token": TOKEN}:
                return wrong("AUTH_INVALID", "User credential verification failed")
            self.logins += 1
            return right(f"canary-key-{self.logins}")
        key = request.headers.get("x-auth-token", "")
        if key != f"canary-key-{self.logins}" or key in self.over:
            return wrong("AUTH_EXPIRED", "API key has expired")
        answers = {
            "scene-metadata": self._metadata,
            "download-options": lambda _: right(self.options),
            "download-request": self._request,
            "download-retrieve": self._retrieve,
        }
        return answers[endpoint](body) if endpoint in answers else wrong("ENDPOINT_UNAVAILABLE", endpoint)

    @property
    def endpoints(self) -> list[str]:
        return [endpoint for endpoint, _ in self.asked]

    def _metadata(self, body: dict[str, Any]) -> bytes:
        assert body["idType"] == "displayId"
        if body["datasetName"] not in self.scenes.values():
            return wrong("DATASET_INVALID", "Dataset is not configured")
        found = self.scenes.get(body["entityId"]) == body["datasetName"]
        return right({"entityId": ENTITY, "displayId": body["entityId"]} if found else None)

    def _request(self, body: dict[str, Any]) -> bytes:
        (wanted,) = body["downloads"]
        assert (wanted["entityId"], wanted["productId"]) in {(one["entityId"], one["id"]) for one in self.options}
        assert len(body["label"]) <= 50
        new = body["label"] not in self.orders
        self.orders.setdefault(body["label"], self.prepares)
        there = self.orders[body["label"]] == 0
        entry = {"url": self._url(body["label"]), "entityId": wanted["entityId"], "downloadId": 7}
        return right(
            {
                "availableDownloads": [entry] if there and self.ready else [],
                "preparingDownloads": [] if there and self.ready else [{**entry, "url": "https://127.0.0.1:1/not-yet"}],
                "duplicateProducts": [] if new else {"7": body["label"]},
                "failed": [],
            }
        )

    def _retrieve(self, body: dict[str, Any]) -> bytes:
        left = self.orders.get(body["label"])
        scene = body["label"].removeprefix("watcher-")
        if left is None:
            return right({"available": [], "requested": [], "queueSize": 0})
        entry = {"url": self._url(body["label"]), "label": body["label"], "displayId": scene}
        self.orders[body["label"]] = max(0, left - 1)
        return right(
            {
                "available": [] if left else [entry],
                "requested": [entry] if left else [],
                "queueSize": len(self.orders),
            }
        )

    def _url(self, label: str) -> str:
        self.links += 1
        return self.where(label.removeprefix("watcher-"), self.links)


def option(system: str = "dds", *, available: bool = True, size: int = 0, name: str = "") -> dict[str, Any]:
    return {
        "id": f"product-{system}",
        "entityId": ENTITY,
        "displayId": SCENE,
        "available": available,
        "filesize": size,
        "productName": name or "Landsat Collection 2 Level-2 Product Bundle",
        "downloadSystem": system,
        "secondaryDownloads": [],
    }


def right(data: Any) -> bytes:
    return _json({"data": data, "errorCode": None, "errorMessage": None})


def wrong(code: str, message: str, status: int = 200) -> bytes:
    return _json({"data": None, "errorCode": code, "errorMessage": message}, status)


def _json(value: Any, status: int = 200) -> bytes:
    return reply(status, json.dumps(value).encode(), content_type="application/json")


@contextmanager
def serving(m2m: M2m) -> Iterator[Peer]:
    with served(m2m) as peer:
        yield peer
