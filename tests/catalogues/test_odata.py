"""What an OData catalogue's answers mean, and that a walk over it is complete or a failure, whatever happens to it."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.pretend_odata import START, Pretend, at, deleted, thing
from tests.catalogues.spoiling import Item, Spoil, Spoiling, broken, nameless
from watcher.catalogues.odata import Kind
from watcher.core.unread import odd_of
from watcher.errors import CatalogueError, HttpError
from watcher.model import Asset, Capability, Product, Query
from watcher.net import Http

NAME = "SENTINEL-2:S2MSI2A"


def made(url: str, **settings: Any) -> Kind:
    return msgspec.convert({"url": f"{url}/odata/v1", "collections": {NAME: "L2A"}, "limit": 10, **settings}, Kind)


def pages(
    answer: Callable[[Asked], Reply], settings: dict[str, Any] | None = None, **query: Any
) -> list[list[Product]]:
    with answering(answer) as (url, _), Http(origin=url, backoff_base=0.001) as http:
        asked = Query(**{"collection": NAME, **query})
        return [list(page) for page in made(url, **(settings or {})).search(asked, http)]


def products(answer: Callable[[Asked], Reply], settings: dict[str, Any] | None = None, **query: Any) -> list[Product]:
    return [product for page in pages(answer, settings, **query) for product in page]


def numbers(listed: list[Product]) -> list[int]:
    return [int(product.id[-12:]) for product in listed]


def news(answer: Callable[[Asked], Reply], since: float, **settings: Any) -> list[Product]:
    return products(answer, settings, learnt_since=START + timedelta(minutes=since))


# What an entity means


def test_a_product_is_what_its_entity_says() -> None:
    said = {
        "platformShortName": "SENTINEL-2",
        "platformSerialIdentifier": "A",
        "instrumentShortName": "MSI",
        "cloudCover": 12.5,
        "tileId": "31TCJ",
        "productType": "S2MSI2A",
        "processingDate": at(-60),
        "processorVersion": "05.11",
    }
    quicklook = {"Type": "QUICKLOOK", "Id": "q", "DownloadLink": "https://cat.example/odata/v1/Assets(q)/$value"}
    entity = thing(
        7,
        modified=9,
        Checksum=[{"Algorithm": "BLAKE3", "Value": "b" * 64}, {"Algorithm": "MD5", "Value": "A" * 32}],
        Attributes=[{"Name": name, "Value": value} for name, value in said.items()],
        Assets=[quicklook],
    )

    (product,) = products(Pretend([entity]), {"download": "https://dl.example/odata/v1/"})

    href = "https://dl.example/odata/v1/Products(00000000-0000-0000-0000-000000000007)/$value"
    assert msgspec.structs.replace(product, geometry=None, link=None, revision="") == Product(
        collection=NAME,
        id="00000000-0000-0000-0000-000000000007",
        title="S2A_MSIL2A_20260201T105321_N0511_R051_T31TCJ_00007",
        level=product.level,
        acquired=START - timedelta(hours=7),
        revision="",
        published=START + timedelta(minutes=7),
        updated=START + timedelta(minutes=9),
        learnt=START + timedelta(minutes=9),
        cloud=12.5,
        platform="sentinel-2a",
        instrument="msi",
        quicklook="https://cat.example/odata/v1/Assets(q)/$value",
        assets=(Asset("product", href, "application/zip", 1007, "md5:" + "a" * 32, True),),
        grid="MGRS-31TCJ",
    )
    assert product.level == "L2A"
    assert str(product.link).endswith("/odata/v1/Products(00000000-0000-0000-0000-000000000007)")
    assert msgspec.json.decode(product.geometry or b"")["type"] == "Polygon"


def test_a_record_that_is_completed_is_the_same_processing_and_a_new_processing_is_not() -> None:
    from watcher.core.identity.revisions import completes, same

    bare = products(Pretend([thing(1, Checksum=[])]))[0].revision
    whole = products(Pretend([thing(1, modified=60)]))[0].revision
    touched = products(Pretend([thing(1, modified=90)]))[0].revision
    again = products(Pretend([thing(1, modified=90, Checksum=[{"Algorithm": "MD5", "Value": "f" * 32}])]))[0].revision

    assert same(whole, touched)
    assert completes(whole, touched)
    assert not same(whole, again)
    assert not completes(whole, bare)


def test_what_is_not_online_is_listed_without_files() -> None:
    assert products(Pretend([thing(1, Online=False)]))[0].assets == ()


def test_odd_values_hide_nothing_but_themselves() -> None:
    odd = thing(
        1, ContentLength="big", Checksum="none", Attributes=[None, {"Name": 3}, "x"], Assets=7, GeoFootprint=None
    )

    product, other = products(Pretend([odd, thing(2)]))

    assert (product.cloud, product.platform, product.geometry, product.quicklook) == (None, None, None, None)
    assert (product.assets[0].size, product.assets[0].checksum, product.grid) == (None, None, "MGRS-31TCJ")
    assert other.cloud is None


def test_a_level_that_is_not_set_is_read_from_the_attributes() -> None:
    settings = {"collections": {"SENTINEL-2": ""}}

    assert products(Pretend([thing(1)]), settings, collection="SENTINEL-2")[0].level == "L2A"
    assert not products(Pretend([thing(1)]), settings, collection="SENTINEL-2", level="L1C")


# What is asked


def test_a_question_names_the_collection_the_type_the_place_and_the_window() -> None:
    square = b'{"type":"Polygon","coordinates":[[[1,43],[2,43],[2,44],[1,44],[1,43]]]}'
    server = Pretend([thing(1)])

    products(server, geometry=square, acquired=(START - timedelta(days=1), START))

    (asked,) = server.searches
    assert asked["$filter"] == (
        "Collection/Name eq 'SENTINEL-2' and Attributes/OData.CSC.StringAttribute/any(att:att/Name eq 'productType' "
        "and att/OData.CSC.StringAttribute/Value eq 'S2MSI2A') and OData.CSC.Intersects(area=geography'SRID=4326;"
        "POLYGON((1 43,2 43,2 44,1 44,1 43))') and ContentDate/Start ge 2026-01-31T00:00:00.000000Z and "
        "ContentDate/Start le 2026-02-01T00:00:00.000000Z"
    )
    assert (asked["$orderby"], asked["$top"], asked["$expand"]) == ("PublicationDate asc", "10", "Assets")


def test_many_places_are_one_question_of_polygons_that_fits_an_address() -> None:
    import shapely

    ring = [shapely.Point(x * 5 - 170, 10).buffer(1.5, quad_segs=100) for x in range(20)]
    many = shapely.to_geojson(shapely.MultiPolygon(ring)).encode()
    with answering(Pretend([thing(1)])) as (url, asked), Http(origin=url) as http:
        list(made(url).search(Query(collection=NAME, geometry=many), http))

    text = asked[0].query["$filter"]
    assert text.count("OData.CSC.Intersects(") == 20
    assert text.count(" or ") == 19
    assert len(text) < 5000
    for shape, wkt in zip(ring, text.split("SRID=4326;")[1:], strict=True):
        assert shapely.from_wkt(wkt.partition("'")[0]).buffer(1e-5).covers(shape)


def test_a_brief_question_asks_for_less_and_keeps_the_footprints() -> None:
    square = b'{"type":"Polygon","coordinates":[[[1,43],[2,43],[2,44],[1,44],[1,43]]]}'
    server = Pretend([thing(1)])

    products(server, geometry=square, brief=True)
    products(server, brief=True)

    for asked in server.searches:
        assert not {"$select", "$expand"} & asked.keys()


def test_a_level_that_attributes_say_is_asked_for_even_briefly() -> None:
    server = Pretend([thing(1, Attributes=[{"Name": "processingLevel", "Value": "S2MSI2A"}])])
    (listed,) = products(server, {"collections": {"SENTINEL-2": ""}}, collection="SENTINEL-2", brief=True)
    assert listed.level == "L2A"
    assert "$expand" in server.searches[0]


def test_news_are_what_was_changed_and_what_was_published_and_what_was_deleted() -> None:
    known = [thing(n) for n in range(5)]
    server = Pretend(
        [*known, thing(5, published=-500, modified=61), thing(6, published=62, modified=-3), thing(7, published=63)],
        gone=[deleted(8, when=60), deleted(9, when=-60)],
    )

    listed = news(server, 59)

    assert numbers(listed) == [8, 5, 7, 6]
    gone = listed[0]
    assert (gone.withdrawn, gone.learnt, gone.assets) == (
        "Obsolete product or Other",
        START + timedelta(minutes=60),
        (),
    )
    assert [one.learnt for one in listed[1:]] == [START + timedelta(minutes=m) for m in (61, 63, 62)]
    assert all(one.withdrawn is None for one in listed[1:])
    assert numbers(news(server, 59, deletions=False)) == [5, 7, 6]


def test_it_is_asked_from_a_second_before_the_time_so_that_no_precision_matters() -> None:
    server = Pretend([thing(1, published=1 / 60)])

    assert numbers(products(server, learnt_since=START + timedelta(seconds=1, microseconds=999))) == [1]


def test_it_learns_everywhere_joins_places_and_says_what_it_took_away() -> None:
    capability = made("http://x").capability()

    assert capability == Capability(learns=True, codes=False, sweeps=True, places=20, page=10)


# Complete, or a failure


def test_a_walk_is_complete_beyond_the_offset_at_which_the_server_ends() -> None:
    server = Pretend([thing(n) for n in range(100)], furthest=20)

    assert numbers(products(server)) == list(range(100))
    assert all("$skip" not in asked for asked in server.searches)


def test_a_server_without_links_is_read_to_the_end() -> None:
    assert numbers(products(Pretend([thing(n) for n in range(30)], links=False))) == list(range(30))


def test_a_page_that_is_not_full_but_has_a_link_is_not_the_end() -> None:
    everything = Pretend([thing(n) for n in range(12)])

    def capped(asked: Asked) -> Reply:
        return everything(asked._replace(query={**asked.query, "$top": str(min(4, int(asked.query["$top"])))}))

    assert numbers(products(capped)) == list(range(12))


def test_more_products_of_one_moment_than_a_page_holds_are_read_by_their_acquisition() -> None:
    flood = [thing(n, published=5, modified=5) for n in range(200)]
    server = Pretend([thing(900, published=1), *flood, thing(901, published=9)], furthest=20)

    assert sorted(numbers(products(server))) == [*range(200), 900, 901]
    assert sorted(numbers(news(server, 2))) == [*range(200), 901]


def test_what_no_time_separates_is_read_by_offset_and_proven_by_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = {"Start": at(-90), "End": at(-90)}
    flood = [thing(n, published=5, modified=5, ContentDate=begun) for n in range(50)]

    assert sorted(numbers(products(Pretend(flood)))) == list(range(50))
    with pytest.raises(CatalogueError, match="counts 51 .* listed 50, twice"):
        products(Pretend(flood, hidden=1))
    monkeypatch.setattr("watcher.catalogues.odata.walks.FURTHEST", 30)
    with pytest.raises(
        CatalogueError, match="more than 30 Products of SENTINEL-2 that ContentDate/Start does not tell apart"
    ):
        products(Pretend(flood, furthest=30))


def test_times_printed_less_exactly_than_they_are_kept_lose_nothing() -> None:
    kept = Pretend([thing(n, published=n * 0.00001) for n in range(60)])

    def rounded(asked: Asked) -> Reply:
        reply = kept(asked)
        body = msgspec.json.decode(reply.body)
        for one in body["value"]:
            for name in ("PublicationDate", "ModificationDate"):
                time = datetime.fromisoformat(one[name]) + timedelta(microseconds=500)
                one[name] = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return Reply(200, msgspec.json.encode(body))

    assert sorted(numbers(products(rounded))) == list(range(60))


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_between_two_pages_nothing_that_stays_is_missed(seed: int) -> None:
    chance = random.Random(seed)
    server = Pretend([thing(n) for n in range(60)])
    stay = set(range(0, 60, 2))
    clock = [100.0]

    def meanwhile(asked: dict[str, str]) -> None:
        clock[0] += 1
        deed = chance.choice(["publish", "modify", "delete", "nothing"])
        if deed == "publish" and len(server.products) < 80:
            server.products.append(thing(1000 + int(clock[0]), published=clock[0]))
        elif deed == "modify":
            one = chance.choice(server.products)
            one["ModificationDate"] = at(clock[0])
        elif deed == "delete":
            fleeting = [one for one in server.products if int(one["Id"][-12:]) not in stay]
            if fleeting:
                server.products.remove(chance.choice(fleeting))

    server.before = meanwhile

    assert stay <= set(numbers(products(server)))
    assert stay <= set(numbers(news(server, -1)))


def test_a_page_too_heavy_for_the_server_is_asked_for_at_half_its_size() -> None:
    server = Pretend([thing(n) for n in range(30)], heavy=5)

    assert numbers(products(server)) == list(range(30))
    with pytest.raises(HttpError):
        products(Pretend([thing(n) for n in range(30)], heavy=0))


def test_a_server_that_does_not_sort_is_found_out() -> None:
    shuffled = [thing(n) for n in (3, 1, 2)]

    with pytest.raises(CatalogueError, match="does not sort by PublicationDate"):
        products(Pretend(shuffled, sorts=False))


def test_a_server_that_does_not_filter_is_found_out() -> None:
    with pytest.raises(CatalogueError, match="ignores the filter ModificationDate ge"):
        news(Pretend([thing(1)], filters=False), 59, deletions=False)
    with pytest.raises(CatalogueError, match="ignores the filter productType eq 'S2MSI1C'"):
        settings = {"collections": {"SENTINEL-2:S2MSI1C": "L1C"}}
        products(Pretend([thing(1)], filters=False), settings, collection="SENTINEL-2:S2MSI1C")


def test_a_filter_that_the_server_refuses_is_told_in_its_own_words() -> None:
    def refusing(asked: Asked) -> Reply:
        return Reply(400, b'{"detail":{"message":"Invalid geometry: self-intersection","request_id":"x"}}')

    with pytest.raises(HttpError) as refused:
        products(refusing)
    assert refused.value.hint == "the server says: Invalid geometry: self-intersection"


def test_silence_is_believed_only_of_a_collection_that_has_something() -> None:
    assert news(Pretend([thing(1)]), 59) == []
    with pytest.raises(CatalogueError, match="no products of SENTINEL-9 of type S2MSI2A") as caught:
        products(Pretend([thing(1)]), {"collections": {"SENTINEL-9:S2MSI2A": ""}}, collection="SENTINEL-9:S2MSI2A")
    assert caught.value.permanent


def test_a_walk_that_does_not_end_is_given_up() -> None:
    with pytest.raises(CatalogueError, match="more than 3 pages"):
        products(Pretend([thing(n) for n in range(100)]), {"max_pages": 3})


def test_a_page_that_says_there_is_more_and_lists_nothing_is_a_failure() -> None:
    body = b'{"value":[],"@odata.nextLink":"https://x/odata/v1/Products?$skip=10"}'

    with pytest.raises(CatalogueError, match="says that there are more"):
        products(lambda _: Reply(200, body))


# Looking at a server


def looked(server: Pretend, **settings: Any) -> dict[str, list[bool]]:
    found: dict[str, list[bool]] = {}
    with answering(server) as (url, _), Http(origin=url, backoff_base=0.001) as http:
        for finding in made(url, **settings).check(http):
            found.setdefault(finding.subject, []).append(finding.well)
    return found


def test_a_look_finds_a_server_well_by_asking_it() -> None:
    server = Pretend([thing(n) for n in range(30)], gone=[deleted(99, when=3)])

    found = looked(server)

    assert found["filter"] == found["paging"] == [True]
    assert found[NAME] == [True] * 7


def test_a_look_finds_what_a_server_ignores() -> None:
    things = [thing(n) for n in range(30)]

    assert looked(Pretend(things, refuses=False))["filter"] == [False]
    assert False in looked(Pretend(things, hidden=3))[NAME]
    assert False in looked(Pretend(list(reversed(things)), sorts=False))[NAME]
    assert looked(Pretend(things), collections={"SENTINEL-3:X": ""})["SENTINEL-3:X"] == [False]


def test_one_thing_that_is_wrong_hides_no_other() -> None:
    server = Pretend([thing(n) for n in range(30)], filters=False)

    found = looked(server, collections={"SENTINEL-3:X": "", NAME: "L2A"})

    assert found[NAME] == [True, False, True, False, True, True]
    assert found["SENTINEL-3:X"] == [False]


def test_a_collection_is_held_from_its_first_to_its_last_acquisition() -> None:
    with answering(Pretend([thing(n) for n in range(4)])) as (url, _), Http(origin=url) as http:
        (holding,) = made(url).discover(http)

    assert (holding.collection, holding.levels) == (NAME, ("L2A",))
    assert (holding.first, holding.last) == (START - timedelta(hours=3), START)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"collections": {}}, "at least one"),
        ({"url": "https://me@x/odata/v1"}, "without user"),
        ({"subscriptions": {"SENTINEL-1": "x"}}, "SENTINEL-1"),
        ({"limit": 1001}, "limit"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert({"url": "https://x", "collections": {NAME: ""}, **wrong}, Kind)


def test_the_collections_of_a_level_are_those_that_hold_it_or_may() -> None:
    kind = made("http://x", collections={NAME: "L2A", "SENTINEL-2:S2MSI1C": "L1C", "SENTINEL-3": ""})

    assert list(kind.collections_of("L2A")) == [NAME, "SENTINEL-3"]
    assert len(kind.collections_of(None)) == 3


def test_times_are_written_with_the_zone_that_the_server_needs() -> None:
    server = Pretend([thing(1)])
    zone = datetime(2026, 2, 1, 1, 0, tzinfo=UTC).astimezone()

    products(server, acquired=(None, zone))

    assert server.searches[0]["$filter"].endswith("ContentDate/Start le 2026-02-01T01:00:00.000000Z")


# What cannot be read


def odd(answer: Callable[[Asked], Reply], settings: dict[str, Any] | None = None, **query: Any) -> list[str]:
    with answering(answer) as (url, _), Http(origin=url, backoff_base=0.001) as http:
        asked = Query(**{"collection": NAME, **query})
        return [one.id[-3:] for page in made(url, **(settings or {})).search(asked, http) for one in odd_of(page)]


def spoiling(server: Pretend, how: Spoil, *numbers: int) -> Spoiling:
    found = Spoiling(server)
    found.spoilt = {str(thing(number)["Id"]): how for number in numbers}
    return found


@pytest.mark.parametrize("seed", range(6))
def test_whatever_cannot_be_read_all_else_is_listed(seed: int) -> None:
    chance = random.Random(seed)
    server = Pretend([thing(n, published=chance.randrange(12)) for n in range(40)], links=chance.random() < 0.5)
    bad = chance.sample(range(40), 8)
    spoilt = spoiling(server, chance.choice([broken, nameless]), *bad)

    assert sorted(numbers(products(spoilt, {"limit": 7}))) == sorted(set(range(40)) - set(bad))
    assert len(odd(spoilt, {"limit": 7})) == 8


@pytest.mark.parametrize("how", [broken, nameless])
def test_what_no_time_separates_is_counted_with_what_cannot_be_read(how: Spoil) -> None:
    begun = {"Start": at(0), "End": at(0)}
    server = Pretend([thing(n, published=5, ContentDate=begun) for n in range(25)], hidden=0)
    spoilt = spoiling(server, how, 3, 9, 19, 24)

    assert sorted(numbers(products(spoilt))) == sorted(set(range(25)) - {3, 9, 19, 24})
    server.hidden = 1
    with pytest.raises(CatalogueError, match="counts 26 Products"):
        products(spoilt)


def undated(one: Item) -> Item:
    return {"Was": one["Id"]}


def test_where_nothing_says_where_a_page_ends_what_follows_is_not_passed_over() -> None:
    server = Pretend([thing(n) for n in range(30)])

    assert numbers(products(spoiling(server, broken, 9))) == [*range(9), *range(10, 30)]
    for bad in ([8], [9], [9, 10], [*range(5, 25)], [18, 19]):
        assert sorted(numbers(products(spoiling(server, undated, *bad)))) == sorted({*range(30)} - {*bad})
    server.hidden = 1
    with pytest.raises(CatalogueError, match="counts 31 Products"):
        products(spoiling(server, undated, 9))


@pytest.mark.parametrize("when", [-500, 3, 15, 500])
def test_what_cannot_be_read_is_not_believed_where_it_says_that_it_belongs(when: int) -> None:
    server = Pretend([thing(n) for n in range(30)])
    spoilt = spoiling(server, lambda one: broken({**one, "PublicationDate": at(when)}), 9, 19)
    assert sorted(numbers(products(spoilt))) == sorted({*range(30)} - {9, 19})


def test_a_deletion_that_cannot_be_read_hides_none() -> None:
    server = Pretend([thing(1)], [deleted(n, when=n) for n in range(2, 8)])
    spoilt = spoiling(server, broken, 4)

    assert numbers(news(spoilt, -9)) == [2, 3, 5, 6, 7, 1]
    assert odd(spoilt, learnt_since=START) == ["004"]


def test_a_type_that_is_no_text_does_not_say_that_the_filter_is_ignored() -> None:
    strange = [{"Name": "productType", "Value": 7}, {"Name": "tileId", "Value": "31TCJ"}]

    assert numbers(products(Pretend([thing(1), thing(2, Attributes=strange)]))) == [1, 2]


def test_what_cannot_be_read_is_no_silence() -> None:
    server = Pretend([thing(1)])

    assert odd(spoiling(server, broken, 1)) == ["001"]
    assert len(server.searches) == 1
    assert products(spoiling(server, nameless, 1), learnt_since=START + timedelta(days=9)) == []


def test_a_look_goes_on_though_the_ends_cannot_be_read() -> None:
    server = Pretend([thing(n) for n in range(30)], gone=[deleted(40, when=1)])
    spoilt = spoiling(server, broken, 0, 29, 40)
    with answering(spoilt) as (url, _), Http(origin=url) as http:
        findings = list(made(url).check(http))
        (held,) = made(url).discover(http)

    wrong = {finding.subject: finding.text for finding in findings if not finding.well}
    assert wrong.keys() == {NAME, f"{NAME}: deletions"}
    assert wrong[NAME].startswith("1 of the 10 listed cannot be read: 00000000-0000-0000-0000-000000000029: Expected")
    assert (held.first, held.last) == (START - timedelta(hours=28), START - timedelta(hours=1))
