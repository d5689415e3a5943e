"""The demo's answers, held against those of a real resto 2.0.4, field by field.

The demo is given exactly as many products of each site and level as the real server had, so that totals and pages are
comparable as they stand; only names and values of products differ.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.demo.asking import AUGUST, Reply, ask
from watcher.demo.catalogue import Catalogue, serve
from watcher.demo.products import L1C, L2A, PRODUCTS, named
from watcher.demo.sites import HEROES, PORNIC
from watcher.demo.timeline import Timeline

THEIRS, OURS = "SpotTake5", "SPOT5"
THEIR_ID = "f6ae0699-9545-5b7c-afbf-b5878434aee3"
OUR_PRODUCT = next(p for p in PRODUCTS if (p.site, p.level, f"{p.acquired:%m%d}") == (PORNIC, L2A, "0629"))
PASSWORDS = {f"{name}@example.org": f"{name}pass" for name in ("take5", "unsigned", "norights")}
WRONG_PASSWORD = {"search_bad_credentials", "download_badpassword", "connect_bad"}

COUNTED = [
    "search_default", "search_default_pretty_1", "search_rc", "search_litchfield_l2a", "search_box_litchfield",
    "search_box_pornic_l1c", "search_lonlat_mooreesburg", "search_lon_only", "search_wkt", "search_producttype",
    "search_level_or", "search_level_like", "search_level_lowercase", "search_dates_dateonly",
    "search_maxrecords_500", "search_maxrecords_1000", "search_by_productidentifier", "search_unknown_param",
    "search_published_param_ignored", "search_updated_param_ignored", "search_sort_param_ignored",
    "search_nosuffix", "search_all_collections", "search_gzip_conditional", "search_bad_credentials",
    "page_1_of_20", "page_2_of_20", "page_5_of_20", "page_6_of_20", "page_5_rc", "page_2_rc", "page_0",
    "page_minus3", "page_abc", "page_1_5", "index_99", "index_99_page_2", "page_999", "q_nogaz_Litchfield",
    "q_nogaz_Pornic", "q_nogaz_Mooreesburg", "q_nogaz_Australia", "q_nogaz_spot5", "q_nogaz_LEVEL2A",
    "q_nogaz_xyzzy", "error_maxrecords_text", "error_maxrecords_0", "error_level_unknown", "search_l2a_3",
]  # fmt: skip
"""Searches whose envelope must be the same, numbers included."""

SHAPED = ["search_dates", "search_dates_oneday", "search_cloud_interval", "collections", "collection", "feature"]
"""Answers that must have the same keys and types, while their numbers depend on the acquisition dates."""

SAME = [
    "error_baddate", "error_baddate_space", "error_bbox3", "error_bbox_text", "error_wkt",
    "error_maxrecords_neg", "error_cloud_text", "error_nocollection", "error_badcollectionname",
    "error_noroute", "error_badsuffix", "error_put", "search_updated_param_bad", "feature_by_productidentifier",
    "feature_unknown", "feature_wrong_collection", "connect_bad", "connect_anonymous",
    "connect_post_incomplete", "checktoken_bad", "download_anonymous", "download_badpassword",
    "download_norights", "download_unsigned_license", "download_bearer_garbage", "post_feature_anonymous",
]  # fmt: skip
"""Answers that must have the same body, letter for letter."""

FILES = [
    "download_ok", "download_conditional", "download_range_open", "download_range_closed",
    "download_range_complete", "download_range_beyond", "download_range_suffix", "download_range_multi",
    "download_range_garbage", "download_ifrange",
]  # fmt: skip

FRAMING = {"Content-Length", "Transfer-Encoding"}

HEADERS_ONLY = ["search_head", "search_options", "download_head", "describe", "describe_all", "connect", "connect_post"]


@dataclass(frozen=True)
class Asked:
    """One recorded request, as the recordings' table tells it."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@pytest.fixture(scope="module")
def twin() -> Iterator[Catalogue]:
    """A demo with the real server's hundred: 17 dates of three sites in two levels, less two L2A of Pornic."""
    missing = ("0410", "0415")
    products = [
        p
        for p in PRODUCTS
        if p.site in HEROES and not (p.site is PORNIC and p.level == L2A and f"{p.acquired:%m%d}" in missing)
    ]
    with serve(timeline=Timeline(start=AUGUST, products=products)) as catalogue:
        yield catalogue


@pytest.fixture(scope="module")
def requests(recorded: Path) -> dict[str, Asked]:
    row = re.compile(
        r"\| (?P<name>\w+)\.\S+ \| (?P<method>[A-Z]+) (?P<target>\S+)(?: \(user (?P<user>\S+)\))?"
        r"(?: body=(?P<body>.*?))?(?P<headers>(?: \[[^\]]+\])*) \|"
    )
    found = {}
    for line in (recorded / "README.md").read_text().splitlines():
        if not (told := row.match(line)):
            continue
        headers = dict(h.split(": ", 1) for h in re.findall(r"\[([^\]]+)\]", told["headers"]))
        if told["user"]:
            password = "bad" if told["name"] in WRONG_PASSWORD else PASSWORDS.get(told["user"], "")
            word = base64.b64encode(f"{told['user']}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {word}"
        body = told["body"].encode() if told["body"] else None
        found[told["name"]] = Asked(told["method"], told["target"], headers, body)
    return found


def translated(text: str) -> str:
    """A recorded request or answer, in the demo's names."""
    return (
        text.replace(THEIR_ID, OUR_PRODUCT.id)
        .replace("SPOT5_HRG1_XS_20150629_N2A_PornicD0000B0000", OUR_PRODUCT.ident)
        .replace(THEIRS, OURS)
    )


def put(catalogue: Catalogue, asked: Asked, recorded: Path) -> Reply:
    target = translated(asked.target).replace("[]", "%5B%5D")
    headers = dict(asked.headers)
    size = (recorded / "download_ok.tgz.part").stat().st_size
    if wanted := headers.get("Range"):
        headers["Range"] = wanted.replace(str(size), str(len(full(catalogue).body)))
    return ask(catalogue, target, method=asked.method, headers=headers, body=asked.body)


def full(catalogue: Catalogue) -> Reply:
    word = base64.b64encode(b"take5@example.org:take5pass").decode()
    path = f"/resto/collections/{OURS}/{OUR_PRODUCT.id}/download"
    return ask(catalogue, path, headers={"Authorization": f"Basic {word}"})


def told(recorded: Path, name: str) -> tuple[int, dict[str, str]]:
    """A recording's status and headers."""
    status, *lines = (recorded / f"{name}.headers.txt").read_text().splitlines()
    return int(status.split()[1]), dict(line.split(": ", 1) for line in lines if line)


def shape(value: object) -> object:
    """A JSON value without its values: keys in their order, and types."""
    if isinstance(value, dict):
        return [(key, shape(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    if isinstance(value, bool):
        return "boolean"
    if value is None:
        return "null"
    return "string" if isinstance(value, str) else "number"


def feature_shape(feature: dict) -> str:
    """A feature's shape, in which a keyword is known by its type rather than by its hash."""
    words = list(feature["properties"]["keywords"].values())
    properties = feature["properties"] | {"keywords": words}
    return repr(([word["type"] for word in words], shape(feature | {"properties": properties})))


def envelope(text: str, origin: str) -> str:
    """A search's answer without its features and without what differs from second to second."""
    answer = json.loads(text.replace("\\/", "/").replace(origin, "http://HOST"))
    answer.pop("features")
    answer["properties"].pop("id")
    query = answer["properties"]["query"]
    query["processingTime"] = type(query["processingTime"]).__name__
    if "processingTime" in query["analysis"]:
        query["analysis"]["processingTime"] = type(query["analysis"]["processingTime"]).__name__
    return json.dumps(answer, indent=1)


@pytest.mark.parametrize("name", COUNTED)
def test_a_search_is_enveloped_as_recorded(name, twin, requests, recorded):
    reply = put(twin, requests[name], recorded)
    theirs = translated((recorded / f"{name}.json").read_text())
    assert reply.status == told(recorded, name)[0]
    assert envelope(reply.body.decode(), twin.origin) == envelope(theirs, "http://127.0.0.1:8015")


@pytest.mark.parametrize("name", [n for n in COUNTED if n != "search_all_collections"] + SHAPED)
def test_a_body_has_the_recorded_keys_in_the_recorded_order_with_the_recorded_types(name, twin, requests, recorded):
    ours = json.loads(put(twin, requests[name], recorded).body)
    theirs = json.loads((recorded / f"{name}.json").read_text())
    if "features" not in theirs:
        assert keys(ours) == keys(theirs)
        return
    assert shape(ours["properties"]["query"]) == shape(theirs["properties"]["query"])
    assert list(ours) == list(theirs)
    assert list(ours["properties"]) == list(theirs["properties"])


def keys(answer: dict) -> object:
    """The shape of a feature, a collection, or a list of collections of which the last counts."""
    if "geometry" in answer:
        return feature_shape(answer)
    listed = answer.get("collections", [])
    return shape(answer | {"statistics": list(answer["statistics"])} | {"collections": listed[-1:]})


def test_every_feature_is_shaped_like_a_recorded_feature_of_its_site_and_level(twin, requests, recorded):
    for name in ("search_maxrecords_500", "search_all_collections"):
        ours = json.loads(put(twin, requests[name], recorded).body)["features"]
        theirs = json.loads((recorded / f"{name}.json").read_text())["features"]
        if name == "search_maxrecords_500":
            sized = [f for f in ours if "size" in f["properties"]["services"]["download"]]
            assert len(sized) == len(theirs) - 1
            assert {feature_shape(f) for f in sized} == {feature_shape(f) for f in theirs}
        else:
            assert {columns(f) for f in ours} == {columns(f) for f in theirs}


def columns(feature: dict) -> object:
    return repr([(key, "" if key == "keywords" else shape(value)) for key, value in feature["properties"].items()])


def test_as_many_products_of_each_kind_as_the_real_server_had(twin, requests, recorded):
    ours = json.loads(put(twin, requests["collection"], recorded).body)["statistics"]
    theirs = json.loads((recorded / "collection.json").read_text())["statistics"]
    assert list(ours) == list(theirs)
    for facet in ("continent", "platform", "processingLevel", "productType", "sensorMode"):
        assert ours[facet] == theirs[facet]


@pytest.mark.parametrize("name", SAME)
def test_a_refusal_is_the_recorded_one_to_the_letter(name, twin, requests, recorded):
    reply = put(twin, requests[name], recorded)
    theirs = translated((recorded / f"{name}.json").read_text())
    assert reply.status == told(recorded, name)[0]
    assert reply.body.decode().replace(twin.origin.replace("/", "\\/"), "O") == theirs.replace(
        "http:\\/\\/127.0.0.1:8015", "O"
    )


@pytest.mark.parametrize("name", [*COUNTED, *SHAPED, *SAME, *FILES, *HEADERS_ONLY])
def test_an_answer_carries_the_recorded_headers(name, twin, requests, recorded):
    reply = put(twin, requests[name], recorded)
    status, theirs = told(recorded, name)
    ours = dict(reply.headers)
    assert reply.status == status
    assert framing(ours, len(reply.body)) == framing(theirs, recorded_size(recorded, name))
    assert set(ours) - FRAMING == set(theirs) - FRAMING
    for header in set(theirs) - FRAMING - {"Date", "Server", "Content-Range", "Content-Disposition"}:
        assert ours[header] == theirs[header], header
    if "Content-Disposition" in theirs:
        assert ours["Content-Disposition"] == translated(theirs["Content-Disposition"])


def framing(headers: dict[str, str], size: int) -> set[str]:
    """How the body's end is told: long answers come in chunks, files never, and a HEAD says nothing."""
    told = FRAMING & headers.keys()
    if size and "Accept-Ranges" not in headers:
        assert told == {"Transfer-Encoding" if size > 8192 else "Content-Length"}
        return set()
    return told


def recorded_size(recorded: Path, name: str) -> int:
    """The length of a recording's body, 0 when there is none."""
    return next((f.stat().st_size for f in recorded.glob(f"{name}.*") if not f.name.endswith(".txt")), 0)


@pytest.mark.parametrize("name", FILES)
def test_a_range_is_announced_as_recorded(name, twin, requests, recorded):
    ours, theirs = (dict(put(twin, requests[name], recorded).headers), told(recorded, name)[1])
    our_size, their_size = len(full(twin).body), (recorded / "download_ok.tgz.part").stat().st_size

    def relative(text: str, size: int) -> list[str]:
        """Numbers near the end of the file, as distances from it."""
        return [str(int(n)) if int(n) < 5000 else f"size-{size - int(n)}" for n in re.findall(r"\d+", text)]

    for header in ("Content-Range", "Content-Length"):
        assert relative(ours[header], our_size) == relative(theirs[header], their_size)


def test_a_token_has_the_recorded_claims(twin, requests, recorded):
    def claims(body: bytes) -> object:
        middle = json.loads(body)["token"].split(".")[:2]
        return [shape(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))) for part in middle]

    for name in ("connect", "connect_post"):
        reply = put(twin, requests[name], recorded)
        assert claims(reply.body) == claims((recorded / f"{name}.json").read_bytes())


def test_a_token_is_checked_and_given_back_as_recorded(twin, recorded):
    word = base64.b64encode(b"take5@example.org:take5pass").decode()
    connect = ask(twin, "/resto/api/users/connect", headers={"Authorization": f"Basic {word}"})
    token = json.loads(connect.body)["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    check, download = f"/resto/api/users/checkToken?_tk={quote(token)}", f"{OURS}/{OUR_PRODUCT.id}/download"

    assert ask(twin, check).body == (recorded / "checktoken_ok.json").read_bytes()
    assert ask(twin, f"/resto/collections/{download}", headers=bearer).status == 200
    assert ask(twin, f"/resto/collections/{download}?_bearer={quote(token)}").status == 200
    gone = ask(twin, "/resto/api/users/disconnect", method="POST", headers=bearer)
    assert gone.body == (recorded / "disconnect.json").read_bytes()
    assert ask(twin, check).body == (recorded / "checktoken_after_disconnect.json").read_bytes()
    assert ask(twin, f"/resto/collections/{download}", headers=bearer).status == 200


def test_ids_are_made_as_on_the_real_server(recorded):
    theirs = json.loads((recorded / "search_maxrecords_500.json").read_text())
    for feature in theirs["features"]:
        assert named(THEIRS, feature["properties"]["productIdentifier"].upper()) == feature["id"]


@pytest.mark.parametrize("name", ["search_default", "search_box_litchfield", "search_updated_param_ignored"])
def test_a_search_is_identified_as_on_the_real_server(name, recorded):
    theirs = json.loads((recorded / f"{name}.json").read_text())["properties"]
    asked = {key: value for key, value in (theirs["query"]["searchFilters"] or {}).items() if key != "count"}
    assert named(THEIRS, json.dumps(asked or [], separators=(",", ":"))) == theirs["id"]


def test_the_description_offers_the_recorded_parameters(twin, requests, recorded):
    for name in ("describe", "describe_all"):
        ours = put(twin, requests[name], recorded).body.decode()
        theirs = (recorded / f"{name}.xml").read_text()
        template = re.compile(r'search\.json(\?[^"]+)"')
        assert template.search(ours)[1] == template.search(theirs)[1]
        parameter = re.compile(r'<parameters:Parameter name="(\w+)" value="([^"]+)"')
        assert set(parameter.findall(ours)) == set(parameter.findall(theirs))
        option = re.compile(r'<parameters:Options value="(\w+)"')
        assert (
            set(option.findall(ours))
            == set(option.findall(theirs))
            == {*("REFLECTANCE", "REFLECTANCETOA", L1C, L2A, "SPOT5", "HRG1", "HRG2", "XS")}
        )


def test_unknown_numbers_and_local_time_look_as_recorded(twin, recorded):
    """A product without cloud, size and checksum, published 16:56:56 UTC by a server that lives in Paris."""
    theirs = json.loads((recorded / "timezone_paris_feature.json").read_text())["properties"]
    ours = {f["properties"]["productIdentifier"]: f["properties"] for f in everything(twin)}
    sizeless = next(p for p in PRODUCTS if not p.sized)
    cloudless = next(p for p in PRODUCTS if p.cloud is None)
    assert list(ours[sizeless.ident]["services"]["download"]) == list(theirs["services"]["download"])
    assert ours[cloudless.ident]["cloudCover"] == theirs["cloudCover"] == 0
    assert ours[sizeless.ident]["published"] == "2015-06-08T10:10:37Z", "08:10:37 UTC is 10:10:37 in Paris"


def everything(catalogue: Catalogue) -> list[dict]:
    reply = ask(catalogue, f"/resto/api/collections/{OURS}/search.json?maxRecords=500")
    return json.loads(reply.body)["features"]
