"""USGS' M2M: a token is changed for a key, and the address of a Landsat scene's bundle for one that is signed."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.auth.pretend_m2m import NAME, SCENE, TOKEN, M2m, option, serving, wrong
from tests.loopback import Peer, Request, reply, served
from tests.transfer.depot import Depot, tarred
from watcher.auth import usgs
from watcher.auth.usgs.bundles import _dataset
from watcher.credentials import Secret, redact
from watcher.errors import CatalogueError, CredentialError, HttpError, Staged, TransferError, Unreachable, WatcherError
from watcher.model import Asset
from watcher.net import Http, Lent
from watcher.net.reach import shown
from watcher.transfer import fetch

TAR = gzip.decompress(tarred())
KEYS = b"canary-key"


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_TEST_KEY", TOKEN)


@dataclass
class Scene:
    """M2M, the catalogue, and the server to which signed addresses lead."""

    m2m: M2m
    api: Peer
    home: Peer
    files: Peer
    depot: Depot
    http: Http
    kind: usgs.Kind
    asset: Asset = field(init=False)

    def __post_init__(self) -> None:
        self.asset = Asset("bundle", f"{self.kind.bundle_url}?landsat_product_id={SCENE}", "application/x-tar")

    def fetch(self, path: Path) -> Any:
        return fetch(self.http, self.asset, path)


@pytest.fixture
def scene() -> Iterator[Scene]:
    m2m, depot = M2m(options=[option(size=len(TAR))]), Depot(TAR, etag='"tar-1"', kind="application/x-tar")
    with ExitStack() as stack:
        api, files = stack.enter_context(serving(m2m)), stack.enter_context(served(depot))
        home = stack.enter_context(served(lambda request, _: reply(404)))
        m2m.where = lambda scene, number: (
            f"{files.origin}/download/canary-signature-of-{number}-for-{scene}/?s={number}"
        )
        kind = usgs.Kind(
            api_url=api.url("/api/api/json/stable"),
            bundle_url=home.url("/gen-bundle"),
            username=NAME,
            token=Secret(env="WATCHER_TEST_KEY"),
        )
        hosts = [f"127.0.0.1:{peer.port}" for peer in (api, files)]
        http = stack.enter_context(
            Http(origin=home.origin, hosts=hosts, auth=kind.auth(), allow_insecure=True, backoff_base=0.0)
        )
        yield Scene(m2m, api, home, files, depot, http, kind)


def client(scene: Scene, *peers: Peer, **settings: str) -> Http:
    """A client of its own, which has logged in nowhere yet and may reach further servers."""
    hosts = [f"127.0.0.1:{peer.port}" for peer in (scene.api, scene.files, *peers)]
    auth = msgspec.structs.replace(scene.kind, **settings).auth()
    return Http(origin=scene.home.origin, hosts=hosts, auth=auth, allow_insecure=True, backoff_base=0.0)


def test_a_bundle_comes_home_by_an_address_that_is_signed_for_it(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / f"{SCENE}.tar"
    home = scene.fetch(path)

    assert (path.read_bytes(), home.how, home.size) == (TAR, "tar", len(TAR))
    assert scene.m2m.endpoints == [
        "login-token",
        "download-retrieve",
        "scene-metadata",
        "download-options",
        "download-request",
    ]
    asked = dict(scene.m2m.asked)
    assert asked["scene-metadata"]["datasetName"] == "landsat_ot_c2_l2"
    assert asked["download-request"]["label"] == asked["download-retrieve"]["label"] == f"watcher-{SCENE}"


def test_the_key_is_seen_by_the_api_alone_and_the_token_by_its_login(scene: Scene, tmp_path: Path) -> None:
    scene.fetch(tmp_path / "a.tar")

    (request,) = scene.files.requests
    assert KEYS not in request.raw
    assert TOKEN.encode() not in request.raw
    assert request.headers["host"] == f"127.0.0.1:{scene.files.port}"
    assert "x-auth-token" not in request.headers
    assert scene.home.requests == []
    with_token = [asked.target for asked in scene.api.requests if TOKEN.encode() in asked.raw]
    assert with_token == ["/api/api/json/stable/login-token"]


def test_what_is_no_bundle_is_asked_for_as_it_is(scene: Scene) -> None:
    for path in ("/search?x=1", "/gen-bundle", f"/gen-bundle?landsat_product_id={SCENE}&requestSignature=abc"):
        with scene.http.stream(scene.home.url(path)) as response:
            assert response.status_code == 404
    assert scene.api.requests == []
    assert scene.home.targets[0] == "/search?x=1"
    assert KEYS not in b"".join(request.raw for request in scene.home.requests)


def test_an_address_that_leads_back_to_the_catalogue_is_followed_without_being_signed_again(
    scene: Scene, tmp_path: Path
) -> None:
    """As it is where a bundle is packed while it is sent: the address that was signed is the catalogue's own."""
    scene.m2m.options = [option("ls_zip", size=1)]
    with served(scene.depot) as home:
        address = home.url(f"/gen-bundle?landsat_product_id={SCENE}")
        scene.m2m.where = lambda _, number: f"{address}&requestSignature={number}"
        kind = msgspec.structs.replace(scene.kind, bundle_url=home.url("/gen-bundle"))
        asset = msgspec.structs.replace(scene.asset, href=address)
        with Http(origin=home.origin, hosts=scene_hosts(scene), auth=kind.auth(), allow_insecure=True) as http:
            assert fetch(http, asset, tmp_path / "a.tar").how == "tar"
    assert home.targets == [f"/gen-bundle?landsat_product_id={SCENE}&requestSignature=1"]
    assert KEYS not in home.requests[0].raw


def scene_hosts(scene: Scene) -> list[str]:
    return [f"127.0.0.1:{peer.port}" for peer in (scene.api, scene.files)]


def test_a_signed_address_that_leads_on_is_followed_from_where_it_is(scene: Scene, tmp_path: Path) -> None:
    def leading(request: Request, connection: Any) -> bytes | None:
        return (
            reply(302, Location="/there?sig=2") if "/download/" in request.target else scene.depot(request, connection)
        )

    with served(leading) as files:
        scene.m2m.where = lambda _, number: f"{files.origin}/download/x?sig=1"
        with client(scene, files) as http:
            assert fetch(http, scene.asset, tmp_path / "a.tar").size == len(TAR)
    assert files.targets == ["/download/x?sig=1", "/there?sig=2"]


def test_who_leads_back_to_the_catalogue_has_nothing_signed(scene: Scene) -> None:
    scene.depot.gate = lambda _: reply(302, Location=scene.asset.href)
    assert read(scene, SCENE) == 404
    assert scene.home.targets == [f"/gen-bundle?landsat_product_id={SCENE}"]
    assert scene.m2m.endpoints.count("download-request") == 1


def test_an_address_at_a_host_that_must_not_be_asked_is_not_asked(scene: Scene, tmp_path: Path) -> None:
    scene.m2m.where = lambda _, number: "http://127.0.0.1:1/inner"
    with pytest.raises(WatcherError, match="asks for port 1"):
        scene.fetch(tmp_path / "a.tar")
    with pytest.raises(Unreachable, match="asks for port 1"), scene.http.stream(scene.asset.href):
        pass


def test_an_order_that_is_being_prepared_is_waited_for_and_found_again_and_made_once(
    scene: Scene, tmp_path: Path
) -> None:
    scene.m2m.prepares = 2
    with pytest.raises(Staged, match=f"is preparing the bundle of {SCENE}"):
        scene.fetch(tmp_path / "a.tar")
    with client(scene) as another, pytest.raises(Staged):  # as a later pass, in another process
        fetch(another, scene.asset, tmp_path / "a.tar")
    assert scene.m2m.endpoints.count("download-request") == 1
    assert scene.fetch(tmp_path / "a.tar").size == len(TAR)
    assert len(scene.m2m.orders) == 1


def test_what_is_called_being_prepared_and_is_there_comes_at_once(scene: Scene, tmp_path: Path) -> None:
    scene.m2m.ready = False
    assert scene.fetch(tmp_path / "a.tar").size == len(TAR)
    assert scene.m2m.endpoints[-2:] == ["download-request", "download-retrieve"]


@pytest.mark.parametrize("at", ["download-retrieve", "scene-metadata", "download-options", "download-request"])
def test_a_key_that_is_over_on_the_way_is_changed_once(at: str, scene: Scene, tmp_path: Path) -> None:
    def over(request: Request, connection: Any) -> bytes | None:
        if request.target.endswith(at) and scene.m2m.logins == 1:
            scene.m2m.over.add("canary-key-1")
        return scene.m2m(request, connection)

    with served(over) as api, client(scene, api, api_url=api.url("/api/api/json/stable")) as http:
        if at == "download-retrieve":  # a key that was just given cannot be over
            with pytest.raises(CredentialError, match="AUTH_EXPIRED: API key has expired"):
                fetch(http, scene.asset, tmp_path / "a.tar")
        assert fetch(http, scene.asset, tmp_path / "a.tar").size == len(TAR)
    assert scene.m2m.logins == 2


def test_an_address_is_used_for_some_minutes_and_another_one_asked_for_when_it_is_refused(scene: Scene) -> None:
    assert [read(scene, SCENE), read(scene, SCENE)] == [200, 200]
    assert scene.m2m.endpoints.count("download-request") == 1
    refused = reply(403, b"<Error><Code>AccessDenied</Code></Error>")
    scene.depot.gate = lambda request: refused if request.target.endswith("s=1") else None
    assert read(scene, SCENE) == 200
    assert scene.m2m.endpoints.count("download-request") == 2


def test_what_broke_off_goes_on_by_another_address(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    scene.depot.cut = [150_000]
    with pytest.raises(TransferError):
        scene.fetch(path)
    left = path.with_name("a.tar.part").stat().st_size
    assert 0 < left <= 150_000
    with client(scene) as another:
        home = fetch(another, scene.asset, path)
    assert (home.fetched, path.read_bytes()) == (len(TAR) - left, TAR)
    first, second = scene.files.targets
    assert first != second
    assert scene.files.requests[1].headers["if-range"] == '"tar-1"'


def test_without_a_strong_etag_it_begins_again(scene: Scene, tmp_path: Path) -> None:
    scene.depot.etag, scene.depot.cut = None, [150_000]
    with pytest.raises(TransferError):
        scene.fetch(tmp_path / "a.tar")
    assert scene.fetch(tmp_path / "a.tar").fetched == len(TAR)


def test_where_the_server_says_no_size_a_file_has_that_of_the_api(scene: Scene, tmp_path: Path) -> None:
    scene.m2m.options = [option(size=len(TAR) + 1)]
    assert scene.fetch(tmp_path / "a.tar").size == len(TAR)
    scene.depot.sized = False
    with pytest.raises(TransferError, match=f"sent {len(TAR)} of {len(TAR) + 1} bytes"):
        fetch_anew(scene, tmp_path)


def fetch_anew(scene: Scene, folder: Path) -> Any:
    with client(scene) as another:
        return fetch(another, scene.asset, folder / "b.tar")


def test_a_tar_that_was_cut_is_no_product(scene: Scene, tmp_path: Path) -> None:
    scene.depot.content = TAR[:-20_000]
    scene.m2m.options = [option(size=len(TAR) - 20_000)]
    with pytest.raises(TransferError):
        scene.fetch(tmp_path / "a.tar")
    assert not (tmp_path / "a.tar").exists()


def test_a_bundle_that_lies_there_is_taken_before_one_that_is_packed(scene: Scene, tmp_path: Path) -> None:
    browse = option("dds_ms", name="Full-Resolution Browse (Reflective Color) GeoTIFF")
    scene.m2m.options = [option("folder", name="Landsat Collection 2 Level-2 Band File"), browse, option("ls_zip")]
    scene.m2m.options.append({**option("dds_ms", size=len(TAR)), "id": "the-one"})
    scene.fetch(tmp_path / "a.tar")
    assert dict(scene.m2m.asked)["download-request"]["downloads"][0]["productId"] == "the-one"


@pytest.mark.parametrize(
    ("vices", "error", "told", "hint"),
    [
        ({"scene-metadata": [wrong("NOT_FOUND", "no such scene")]}, TransferError, "does not find LC08", "real time"),
        (
            {"scene-metadata": [wrong("DATASET_INVALID", "unknown")]},
            TransferError,
            "DATASET_INVALID: unknown (dat",
            "api",
        ),
        (
            {"download-options": [wrong("AUTH_UNAUTHORIZED", "no access")]},
            CredentialError,
            "no access",
            "profile/access",
        ),
        ({"download-options": [wrong("AUTH_UNAUTHORIZED", "no", 403)]}, CredentialError, "no", "profile/access"),
        ({"download-request": [wrong("RATE_LIMIT_USER_DL", "too many")]}, HttpError, "too many", "quarter of an hour"),
        ({"download-request": [wrong("RATE_LIMIT", "busy")] * 3}, HttpError, "RATE_LIMIT: busy", "later"),
        ({"download-request": [wrong("MAINTENANCE", "down")] * 3}, HttpError, "MAINTENANCE: down", "later"),
        ({"scene-metadata": [reply(200, b"<html>Maintenance</html>")]}, CatalogueError, "no JSON", "maintenance"),
        ({"scene-metadata": [reply(502)] * 3}, HttpError, "answered 502", ""),
        ({"scene-metadata": [reply(302, Location="http://127.0.0.1:1/")]}, HttpError, "answered 302", ""),
        ({"scene-metadata": [wrong("INPUT_FORMAT", "odd")]}, CatalogueError, "INPUT_FORMAT: odd", ""),
        ({"download-options": [reply(200, b'{"data":[{"x":1}]}')]}, CatalogueError, "otherwise than", ""),
        (
            {"download-request": [reply(200, b'{"data":{"failed":[{"errorMessage":"eula"}]}}')]},
            TransferError,
            "eula",
            "",
        ),
    ],
)
def test_what_the_api_says_is_told_with_the_way_out(
    vices: dict[str, list[bytes]], error: type[WatcherError], told: str, hint: str, scene: Scene
) -> None:
    scene.m2m.vices = vices
    with pytest.raises(error) as raised, scene.http.stream(scene.asset.href):
        pass
    assert told in str(raised.value)
    assert hint in str(raised.value.hint or "")
    assert scene.files.requests == []


def test_a_limit_is_waited_for(scene: Scene, tmp_path: Path) -> None:
    scene.m2m.vices = {"download-request": [wrong("RATE_LIMIT", "busy")] * 2}
    assert scene.fetch(tmp_path / "a.tar").size == len(TAR)
    scene.m2m.vices = {"download-retrieve": [wrong("RATE_LIMIT_USER_DL", "15,000 downloads")]}
    with pytest.raises(HttpError) as raised:
        fetch_anew(scene, tmp_path)
    assert (raised.value.retry_after, raised.value.permanent) == (900.0, False)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([option(available=False), option("ls_zip", available=False)], "not available for download"),
        ([option("folder", name="Band File")], f"offers no bundle of {SCENE}, but Band File"),
        ([], f"offers no bundle of {SCENE}"),
    ],
)
def test_a_scene_without_a_bundle_is_said_to_be_one(options: list[dict[str, Any]], told: str, scene: Scene) -> None:
    scene.m2m.options = options
    with pytest.raises(TransferError, match=told), scene.http.stream(scene.asset.href):
        pass


def test_a_scene_that_is_not_there_is_not_found(scene: Scene) -> None:
    scene.m2m.scenes = {"another": "landsat_ot_c2_l2"}
    with (
        pytest.raises(TransferError, match=f"does not find {SCENE} in landsat_ot_c2_l2"),
        scene.http.stream(scene.asset.href),
    ):
        pass


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        ("LC09_L1TP_106069_20240102_20240102_02_RT", "landsat_ot_c2_l1"),
        ("LC08_L2SP_106069_20240102_20240110_02_T1", "landsat_ot_c2_l2"),
        ("LO08_L1TP_106069_20150102_20200910_02_T1", "landsat_ot_c2_l1"),
        ("LT08_L1GT_106069_20150102_20200910_02_T2", "landsat_ot_c2_l1"),
        ("LE07_L2SR_106069_20010102_20200910_02_T1", "landsat_etm_c2_l2"),
        ("LT05_L2SP_106069_19900102_20200910_02_T1", "landsat_tm_c2_l2"),
        ("LT04_L1TP_106069_19900102_20200910_02_T1", "landsat_tm_c2_l1"),
        ("LM03_L1TP_114069_19800102_20200910_02_T2", "landsat_mss_c2_l1"),
        ("LC08_L2SP_106069_20240102_20240110_02_T1_SR", None),
        ("LC08_CU_003010_20240102_20240110_02_SR", None),
        ("../../x", None),
    ],
)
def test_the_dataset_of_a_product_is_in_its_name(name: str, dataset: str | None) -> None:
    assert _dataset(name) == dataset


def test_a_name_that_is_no_scene_is_not_asked_for(scene: Scene) -> None:
    with (
        pytest.raises(TransferError, match="no Landsat Collection 2 scene") as raised,
        scene.http.stream(f"{scene.kind.bundle_url}?landsat_product_id=x"),
    ):
        pass
    assert raised.value.permanent
    assert scene.api.requests == []


def test_a_signed_address_is_told_without_what_opens_it(scene: Scene) -> None:
    opens = "eyJpZCI6MjAyNjM0NTksImNvbnRhY3RJZCI6NDE5NzY0fQ"
    scene.m2m.where = lambda _, number: scene.files.url(f"/download/{opens}?s={number}")
    with scene.http.stream(scene.asset.href) as response:
        told = f"{response.request.url} and {shown(response.request.url)}"
    assert told.count(opens) == 2
    assert redact(told) == f"*** and {scene.files.url('/download/***')}"


@pytest.mark.parametrize(
    ("said", "error", "told"),
    [
        (wrong("AUTH_INVALID", "User credential verification failed"), CredentialError, "verification failed"),
        (wrong("AUTH_UNAUTHORIZED", "No access to M2M", 403), CredentialError, "No access to M2M"),
        (reply(401, b"<html>"), CredentialError, "refused the application token"),
        (wrong("RATE_LIMIT", "Too many"), HttpError, "cannot log in now: Too many"),
        (reply(200, b"<html>Maintenance</html>"), CatalogueError, "without a key"),
        (reply(502, b""), HttpError, "answered 502"),
    ],
)
def test_what_is_no_key_is_a_failure_that_says_so(
    said: bytes, error: type[WatcherError], told: str, scene: Scene
) -> None:
    scene.m2m.vices = {"login-token": [said] * 3}
    with pytest.raises(error, match=told), scene.http.stream(scene.asset.href):
        pass


def test_a_look_changes_the_token(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    assert scene.kind.check(scene.http).text == f"127.0.0.1 accepts the application token of {NAME}"
    monkeypatch.setenv("WATCHER_TEST_KEY", "wr0ng")
    finding = scene.kind.check(scene.http)
    assert (finding.well, "ers.cr.usgs.gov" in str(finding.hint)) == (False, True)


@pytest.mark.parametrize("code", ["AUTH_INVALID", "AUTH_KEY_INVALID", "UNAUTHORIZED_USER", ""])
def test_whatever_it_calls_a_key_that_is_over_the_key_is_changed(code: str, scene: Scene) -> None:
    read(scene, SCENE)
    scene.m2m.vices = {"download-options": [wrong(code, "no") if code else reply(403, b"<html>")]}
    assert read(scene, numbered(scene, 3)) == 200
    assert scene.m2m.logins == 2


def numbered(scene: Scene, number: int) -> str:
    """Another scene that the API has."""
    name = f"LC08_L2SP_198030_202401{number:02}_20240110_02_T1"
    scene.m2m.scenes[name] = "landsat_ot_c2_l2"
    return name


def read(scene: Scene, name: str) -> int:
    with scene.http.stream(f"{scene.kind.bundle_url}?landsat_product_id={name}") as response:
        response.read()
        return response.status_code


def test_the_api_is_asked_one_thing_at_a_time(scene: Scene) -> None:
    """As it demands: it answers RATE_LIMIT to who asks two."""
    together, met = threading.Barrier(2), []

    def meeting(request: Request, connection: Any) -> bytes | None:
        with suppress(threading.BrokenBarrierError):
            together.wait(timeout=0.03)
            met.append(request.target)
        together.reset()
        return scene.m2m(request, connection)

    names = [numbered(scene, number) for number in range(11, 15)]
    with served(meeting) as api, client(scene, api, api_url=api.url("/api/api/json/stable")) as http:
        scene.http = http
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(lambda name: read(scene, name), names)) == {200}
    assert met == []
    assert len(scene.m2m.orders) == 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nothing_is_seen_by_where_the_api_or_a_signed_address_leads(status: int, scene: Scene) -> None:
    endpoints = ("login-token", "download-retrieve", "scene-metadata", "download-options", "download-request")
    said = pytest.raises(HttpError, match=f"answered {status}")
    with served(reply(200, b"public")) as stranger:
        for endpoint in endpoints:
            scene.m2m.vices = {endpoint: [reply(status, Location=stranger.url("/there"))]}
            with client(scene, stranger) as http, said, http.stream(scene.asset.href):
                pass
        assert stranger.requests == []
        for peer in (stranger, scene.home, scene.api):
            led = reply(status, Location=peer.url("/there"))
            scene.depot.gate = lambda request, led=led: led  # type: ignore[misc]  # the one of this turn
            with client(scene, stranger) as http, http.stream(scene.asset.href) as response:
                response.read()
    there = [r for peer in (stranger, scene.home, scene.api) for r in peer.requests if r.target == "/there"]
    assert len(there) == 3
    assert b"canary" not in b"".join(request.raw for request in there)


@pytest.mark.parametrize("again", [False, True])
def test_a_bundle_is_lent_by_its_signed_address_and_the_key_is_not(again: bool, scene: Scene, tmp_path: Path) -> None:
    loan = scene.http.lend([scene.asset.href])
    if again:
        refused, loan = loan, scene.http.lend([scene.asset.href], refused=loan)
        assert loan != refused
    before = len(scene.api.requests)
    with Http(origin=scene.home.origin, hosts=scene_hosts(scene), auth=Lent(loan), allow_insecure=True) as borrower:
        assert fetch(borrower, scene.asset, tmp_path / "a.tar").size == len(TAR)
        with borrower.stream(scene.home.url("/search")) as response:
            assert response.status_code == 404
    assert len(scene.api.requests) == before
    assert loan.headers == ()
    assert scene.home.requests[0].headers["host"] == f"127.0.0.1:{scene.home.port}"
