"""What arrived, as Atom, JSON Feed, GeoJSON, a calendar and a STAC collection: held to their validators."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import feedparser
import icalendar
import pystac
import pystac.validation
import pytest

from tests.given import ACQUIRED, L2A, NOW, box, product
from watcher.core import feeds
from watcher.core.feeds import Came, Child, Feed
from watcher.core.feeds.feed import link, urn
from watcher.core.production import Acquisition, Step
from watcher.core.production.expected import Expected
from watcher.core.production.passes import Sensor
from watcher.core.production.revisits import Track
from watcher.model import Asset, Event

GROUND = box(-2.5, 46.8, -1.6, 47.4)
URL = "https://example.org/arrivals/"


def came(ident: str = "A", event: Event = Event.NEW, **facts: Any) -> Came:
    usual = {
        "geometry": GROUND,
        "cloud": 12.0,
        "platform": "SPOT5",
        "instrument": "HRG1",
        "published": NOW - timedelta(hours=1),
        "link": "https://catalogue.example.org/A.json",
        "quicklook": "https://catalogue.example.org/A.png",
    }
    return Came("Pornic", event, NOW, "take5", product(ident, **(usual | facts)), coverage=96.4)


def feed(*arrivals: Came, **facts: Any) -> Feed:
    usual: dict[str, Any] = {"site": "Pornic", "since": NOW - timedelta(days=9), "came": arrivals, "geometry": GROUND}
    return Feed(**(usual | facts))


def acquisition() -> Acquisition:
    steps = [Step(1, level, ACQUIRED, NOW, "seen", title=f"SPOT5_{level}", cloud=12.0) for level in ("L1C", "L2A")]
    return Acquisition("20150530T111203/SPOT5/PORNIC", ACQUIRED, "SPOT-5", "PORNIC", steps)


def expected() -> Expected:
    track = Track(
        sensor=Sensor("SPOT-5", "HRG"),
        period=5,
        last=ACQUIRED,
        brought=Step(1, L2A, ACQUIRED),
        spread=timedelta(minutes=2),
        own=(12, 13),
        hits=12,
        chances=13,
        places=("PORNIC",),
    )
    return Expected(track, ACQUIRED + timedelta(days=5), 0.9)


def test_atom_is_read_by_a_feed_reader() -> None:
    read = feedparser.parse(feeds.atom(feed(came("B", Event.WITHDRAWN), came("A"), url=URL)))
    assert not read.bozo
    assert read.version == "atom10"
    assert read.feed.title == "Arrivals at Pornic"
    assert read.feed.links == [{"rel": "self", "type": "application/atom+xml", "href": f"{URL}arrivals.atom"}]
    gone, new = read.entries
    assert new.title == "new L2A at Pornic: SPOT5_A_L2A"
    assert (
        new.content[0].value
        == "acquired 2015-05-30 11:12 UTC, SPOT5, cloud 12 %, covers 96 % of the site, 10 B, in take5"
    )
    assert new.link == "https://catalogue.example.org/A.json"
    assert [tag.term for tag in new.tags] == ["new", "L2A", "Pornic", "SPOT5"]
    assert gone.content[0].value.endswith("no longer in the catalogue")
    assert gone.id != new.id


def test_atom_has_what_rfc_4287_asks_of_a_feed_and_of_an_entry() -> None:
    space = "{http://www.w3.org/2005/Atom}"
    root = ElementTree.fromstring(feeds.atom(feed(came(link=None, quicklook=None))))
    for element in (root, root.find(f"{space}entry")):
        assert element is not None
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{space}{name}")) == 1
        assert (element.findtext(f"{space}id") or "").startswith("urn:uuid:")
        assert datetime.fromisoformat(element.findtext(f"{space}updated") or "").tzinfo is UTC
    assert root.findtext(f"{space}author/{space}name") == "watcher"
    # Without a link, an entry has to have content (§4.1.2).
    assert root.find(f"{space}entry/{space}content") is not None


def test_a_json_feed_keeps_the_rules_of_version_1_1() -> None:
    read = json.loads(feeds.jsonfeed(feed(came("A"), came("B"), url=URL)))
    assert read["version"] == "https://jsonfeed.org/version/1.1"
    assert read["feed_url"] == f"{URL}arrivals.json"
    assert isinstance(read["title"], str)
    assert {author["name"] for author in read["authors"]} == {"watcher"}
    assert len({item["id"] for item in read["items"]}) == 2
    for item in read["items"]:
        assert isinstance(item["id"], str)
        assert item["content_text"]
        assert datetime.fromisoformat(item["date_published"]).tzinfo is not None
        assert all(isinstance(tag, str) for tag in item["tags"])
        assert all(re.match("https?://", item[key]) for key in ("url", "image"))
    assert "feed_url" not in json.loads(feeds.jsonfeed(feed()))


def test_geojson_is_wound_to_the_right_and_says_what_happened() -> None:
    clockwise = json.dumps({"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]]}).encode()
    read = json.loads(feeds.geojson(feed(came(geometry=clockwise), came("B", geometry=None))))
    assert read["type"] == "FeatureCollection"
    there, nowhere = read["features"]
    assert there["geometry"]["coordinates"][0][1] == [1, 0]
    assert there["bbox"] == [0, 0, 1, 1]
    assert nowhere["geometry"] is None
    assert "bbox" not in nowhere
    words = there["properties"]
    assert (words["event"], words["level"], words["cloud"], words["acquired"]) == (
        "new",
        "L2A",
        12,
        "2015-05-30T11:12:03Z",
    )


@pytest.mark.parametrize(
    "odd",
    [
        b'{"type": "Polygon", "coordinates": []}',
        b'{"type": "Polygon", "coordinates": [[[0, 0], [999, 1], [1, 1], [0, 0]]]}',
        b'{"type": "Point", "coordinates": ["a", 1]}',
        b"{",
    ],
)
def test_a_footprint_that_is_none_is_left_out(odd: bytes) -> None:
    assert json.loads(feeds.geojson(feed(came(geometry=odd))))["features"][0]["geometry"] is None
    assert "bbox" not in json.loads(next(iter(feeds.items(feed(came(geometry=odd))).values())))


def test_a_calendar_has_what_was_seen_and_tentatively_what_is_expected() -> None:
    content = feeds.ics(feed(seen=[("Pornic", acquisition())], expected=[("Pornic", expected())]))
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    calendar = icalendar.Calendar.from_ical(content)
    assert {"VERSION", "PRODID"} <= calendar.keys()
    seen, coming = calendar.events
    for event in (seen, coming):
        assert {"UID", "DTSTAMP", "DTSTART"} <= event.keys()
        assert not event.errors
    assert str(seen["SUMMARY"]) == "SPOT-5 at Pornic: L1C, L2A"
    assert str(seen["DESCRIPTION"]) == "cloud 12 %\nSPOT5_L1C\nSPOT5_L2A"
    assert (seen.start, str(seen["STATUS"])) == (ACQUIRED, "CONFIRMED")
    assert str(coming["SUMMARY"]) == "expected: SPOT-5 HRG at Pornic"
    assert (coming.start, str(coming["STATUS"])) == (ACQUIRED + timedelta(days=5), "TENTATIVE")
    assert "plus or minus 2 min, every 5 days" in str(coming["DESCRIPTION"])


def test_a_calendar_without_events_has_something_in_it_all_the_same() -> None:
    calendar = icalendar.Calendar.from_ical(feeds.ics(feed()))
    assert [component.name for component in calendar.subcomponents] == ["VTIMEZONE"]


class Core(pystac.validation.JsonSchemaSTACValidator):
    """The validator of pystac with the schemas that it ships: those of extensions are on the network."""

    def validate_extension(self, *args: Any, **options: Any) -> None:
        return None


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pystac.validation.RegisteredValidator, "_validator", Core())


def lay(directory: Path, at: Feed) -> None:
    """Lay out a site's collection below that of all, as the files are."""
    (directory / "sites/pornic/items").mkdir(parents=True)
    for name, content in feeds.items(at).items():
        (directory / "sites/pornic/items" / name).write_bytes(content)
    (directory / "sites/pornic/collection.json").write_bytes(feeds.collection(at))
    whole = Feed(site=None, since=at.since, came=at.came, url=at.url and URL)
    child = Child("sites/pornic", "Pornic", feeds.extent(at))
    (directory / "collection.json").write_bytes(feeds.collections(whole, [child]))


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("url", [None, f"{URL}sites/pornic/"])
def test_a_stac_collection_is_valid_with_all_its_items_and_can_be_walked(tmp_path: Path, url: str | None) -> None:
    odd = came("C", geometry=None, cloud=-1.0, platform=None, instrument=None, quicklook=None, published=None)
    lay(tmp_path, feed(came("A", grid="MGRS-31TCJ"), came("B"), odd, url=url))
    root = pystac.Collection.from_file(str(tmp_path / "collection.json"))
    assert root.validate_all() == 3
    (child,) = root.get_children()
    child.validate()
    assert child.title == "Arrivals at Pornic"
    item = next(item for item in child.get_items() if item.properties["title"] == "SPOT5_A_L2A")
    assert item.collection_id == child.id
    assert item.get_parent() is child
    assert item.datetime == ACQUIRED
    assert (item.properties["eo:cloud_cover"], item.properties["grid:code"]) == (12, "MGRS-31TCJ")
    assert {re.sub(r".*io/(\w+)/.*", r"\1", each) for each in item.stac_extensions} == {
        "eo",
        "processing",
        "timestamps",
        "grid",
    }
    assert root.extent.to_dict()["spatial"]["bbox"] == [[-2.5, 46.8, -1.6, 47.4]]


@pytest.mark.usefixtures("offline")
def test_a_stac_collection_without_products_is_valid_and_has_the_ground_of_its_site(tmp_path: Path) -> None:
    lay(tmp_path, feed())
    root = pystac.Collection.from_file(str(tmp_path / "collection.json"))
    assert root.validate_all() == 0
    assert next(root.get_children()).to_dict()["extent"]["spatial"]["bbox"] == [[-2.5, 46.8, -1.6, 47.4]]


def test_an_item_is_the_newest_processing_and_none_is_what_was_withdrawn_or_has_no_time() -> None:
    old, new = came("A", cloud=1.0), came("A", Event.REVISED, cloud=2.0)
    gone = [came("B", Event.WITHDRAWN), came("B")]
    items = feeds.items(feed(new, old, *gone, came("C", acquired=None)))
    assert [json.loads(item)["properties"]["eo:cloud_cover"] for item in items.values()] == [2]


def test_what_a_feed_says_does_not_depend_on_when_it_is_written_nor_an_id_on_the_database() -> None:
    one, other = feed(came(), url=URL), feed(came(), url=URL)
    for write in (feeds.atom, feeds.jsonfeed, feeds.geojson, feeds.ics, feeds.collection):
        assert write(one) == write(other)
    assert came().urn == came().urn != came(revision="other").urn
    assert urn("a", "bc") != urn("ab", "c")


HOSTILE = [
    "<script>alert(1)</script>",
    "]]><x/>",
    "&amp;&lol;<!ENTITY x>",
    "a\r\nBEGIN:VEVENT\r\nSUMMARY:forged",
    "a\x00b\x1b[31m\x07\ufffe\ud800",
    "\u202egnp.exe\u2028next",
    "x" * 5000,
    "../../../etc/passwd",
    'javascript:alert(1)" onload="x',
    "END:VCALENDAR;TZID=x:1\\n,",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.usefixtures("offline")
def test_a_hostile_title_stays_a_title_in_every_format(text: str, tmp_path: Path) -> None:
    bad = came(
        text, title=text, link=text, quicklook=f"javascript:{text}", platform=text, instrument=text, collection=text,
        assets=(Asset(text, text, text), Asset("b", f"file:///etc/{text}")),
    )  # fmt: skip
    bad = Came(f"P{text}", Event.NEW, NOW, text, bad.product, cause=text)
    step = Step(1, L2A, ACQUIRED, title=text, platform=text)
    seen = Acquisition(text, ACQUIRED, text, text, [step])
    at = feed(bad, site=f"P{text}", seen=[(f"P{text}", seen)], expected=[(text, expected())])
    read = feedparser.parse(feeds.atom(at))
    assert not read.bozo
    assert len(read.entries) == 1
    root = ElementTree.fromstring(feeds.atom(at))
    assert {re.sub("{.*}", "", element.tag) for element in root.iter()} <= {
        "feed", "id", "title", "updated", "author", "name", "generator", "entry", "published", "link", "category",
        "content",
    }  # fmt: skip
    (item,) = json.loads(feeds.jsonfeed(at))["items"]
    assert not {"url", "image"} & item.keys()
    assert all(character.isprintable() for character in item["title"] + item["content_text"])
    calendar = icalendar.Calendar.from_ical(feeds.ics(at))
    assert [component.name for component in calendar.walk()] == ["VCALENDAR", "VEVENT", "VEVENT"]
    json.loads(feeds.geojson(at))
    lay(tmp_path, at)
    (name,) = feeds.items(at)
    assert re.fullmatch(r"[A-Za-z0-9_-]+\.json", name)
    assert pystac.Collection.from_file(str(tmp_path / "collection.json")).validate_all() == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/x?lang=en", "https://a.example/x?lang=en"),
        ("https://a.example/x?sig=abc&se=1", "https://a.example/x"),
        ("https://a.example/x?X-Amz-Signature=abc", "https://a.example/x"),
        ("https://a.example/x?access_token=abc", "https://a.example/x"),
        ("https://user:secret@a.example/x", "https://a.example/x"),
        ("file:///etc/passwd", None),
        ("/srv/archive/x", None),
        (None, None),
    ],
)
def test_a_link_has_no_key_in_it(url: str | None, shown: str | None) -> None:
    assert link(url) == shown


def test_an_asset_may_lie_in_a_bucket_and_never_on_this_machine() -> None:
    assets = (Asset("a", "s3://eodata/S2/x.zip"), Asset("b", "https://a.example/x.zip?token=1"), Asset("c", "/srv/x"))
    (item,) = feeds.items(feed(came(assets=assets))).values()
    said = json.loads(item)["assets"]
    assert {key: asset["href"] for key, asset in said.items()} == {
        "quicklook": "https://catalogue.example.org/A.png",
        "a": "s3://eodata/S2/x.zip",
        "b": "https://a.example/x.zip",
    }
