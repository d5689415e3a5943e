"""The resto kind against a small resto on loopback, and against odd answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.catalogues.loopback import Reply, answering
from tests.catalogues.pretend_resto import APRIL, Held, Pretend, season
from tests.catalogues.replay import collection
from watcher import plugins
from watcher.catalogues.resto import Kind
from watcher.catalogues.resto.answers import read
from watcher.catalogues.resto.sites import bounds, box, spellings
from watcher.catalogues.resto.values import checksum_of
from watcher.errors import CatalogueError, ConfigError, HttpError, Unreachable
from watcher.model import Level, Product, Query
from watcher.net import Http


@contextmanager
def serving(answer, **settings) -> Iterator[tuple[plugins.Catalogue, Http, list]]:
    with answering(answer) as (url, asked), Http(origin=url, backoff_base=0.0) as http:
        settings = {"url": f"{url}/resto", "collections": ["SPOT4", "SPOT5"], **settings}
        yield Kind(**settings), http, asked


def listed(answer, query=None, **settings):
    with serving(answer, **settings) as (kind, http, _):
        return [product for page in kind.search(query or Query("SPOT5"), http) for product in page]


def one(**properties):
    """Return the product that a search with this one feature lists."""
    feature = Held("a1b2", APRIL).feature(**properties)
    (product,) = listed(lambda asked: collection([feature], total=1))
    return product


# Settings


def test_the_settings_are_those_of_the_configuration():
    kind = plugins.build(
        "catalogues",
        "resto",
        {"url": "https://spot-take5.org/resto", "collections": ["SPOT4", "SPOT5"], "levels": {"L2A": "N2A"}},
        place="catalogues.take5",
    )
    assert (kind.site_filter, kind.page_size, kind.max_pages) == ("zone_geo", 500, 200)
    assert kind.collections_of("L2A") == ["SPOT4", "SPOT5"]
    assert kind.capability().codes
    assert not kind.capability().learns


def test_its_parts_are_no_kinds():
    assert "resto" in plugins.kinds("catalogues")
    assert not [kind for kind in plugins.kinds("catalogues") if "_resto" in kind]


@pytest.mark.parametrize(
    "wrong", [{"collections": []}, {"page_size": 0}, {"page_size": 5000}, {"max_pages": 0}, {"zone": "x"}]
)
def test_an_impossible_setting_is_refused(wrong):
    settings = {"url": "https://spot-take5.org/resto", "collections": ["SPOT5"], **wrong}
    with pytest.raises(ConfigError, match=r"catalogues\.take5"):
        plugins.build("catalogues", "resto", settings, place="catalogues.take5")


# Questions


def question(query, **settings):
    with serving(lambda asked: collection([], total=None), **settings) as (kind, http, asked):
        list(kind.search(query, http))
        return asked[0].query


@pytest.mark.parametrize(
    ("level", "levels", "word"),
    [
        ("L2A", {}, "LEVEL2A"),
        ("L1C", {}, "LEVEL1C"),
        ("L2B-SNOW", {}, "L2B-SNOW"),
        ("L2A", {"L2A": "N2A"}, "N2A"),
        ("L1C", {"L2A": "N2A"}, "LEVEL1C"),
    ],
)
def test_a_level_is_asked_for_in_the_servers_word(level, levels, word):
    assert question(Query("SPOT5", level=Level(level)), levels=levels)["processingLevel"] == word


def test_a_level_in_the_servers_own_word_is_read_as_ours():
    feature = Held("a", APRIL, level="SR").feature()
    query = Query("SPOT5", level=Level("L2A"))
    (product,) = listed(lambda asked: collection([feature], total=1), query, levels={"L2A": "SR"})
    assert product.level == "L2A"


def test_a_site_is_asked_for_by_its_code_where_it_has_one():
    ground = b'{"type":"Point","coordinates":[130.8,-13.2]}'
    asked = question(Query("SPOT5", code="Litchfield", geometry=ground), site_filter="location")
    assert asked["location"] == "Litchfield"
    assert "box" not in asked


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        ({"type": "Polygon", "coordinates": [[[129.5, -14], [131.5, -14], [131.5, -12.5], [129.5, -14]]]},
         "129.5,-14,131.5,-12.5"),
        ({"type": "Point", "coordinates": [130.8, -13.2]}, "130.79999,-13.20001,130.80001,-13.19999"),
        ({"type": "LineString", "coordinates": [[1, 2, 300], [3, 2, 300]]}, "1,1.99999,3,2.00001"),
        ({"type": "GeometryCollection", "geometries": [
            {"type": "Point", "coordinates": [1, 2]}, {"type": "Point", "coordinates": [3, 4]}]}, "1,2,3,4"),
        ({"type": "MultiPolygon", "coordinates": [
            [[[177, -18], [180, -18], [180, -16], [177, -16], [177, -18]]],
            [[[-180, -18], [-178, -18], [-178, -16], [-180, -16], [-180, -18]]]]}, "177,-18,-178,-16"),
        ({"type": "Polygon", "coordinates": [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]]},
         "-180,-90,180,90"),
        ({"type": "Point", "coordinates": [0.12345678, 10]}, "0.123446,9.99999,0.123467,10.00001"),
    ],
    ids=["polygon", "point", "line with heights", "collection", "antimeridian", "the world", "rounded outwards"],
)  # fmt: skip
def test_a_geometry_is_asked_for_by_its_bounds(geometry, expected):
    assert question(Query("SPOT5", geometry=msgspec.json.encode(geometry)))["box"] == expected


def test_a_geometry_without_a_position_has_no_bounds():
    assert box(b'{"type":"Polygon","coordinates":[]}') is None
    assert bounds([]) is None


def test_pages_are_numbered_here_and_next_links_are_not_followed():
    with serving(Pretend(season(60), cap=20)) as (kind, http, asked):
        assert sum(map(len, kind.search(Query("SPOT5"), http))) == 60
    assert [question.query["page"] for question in asked][:3] == ["1", "2", "3"]


def test_of_a_known_revision_no_more_is_told_than_what_identifies_it():
    features = [Held(name, APRIL).feature(title=name) for name in ("a1", "b2")]
    with serving(lambda asked: collection(features, total=2)) as (kind, http, _):
        ((first, second),) = kind.search(Query("SPOT5"), http)
        question = Query("SPOT5", known={"a1": first.revision, "b2": "another"})
        ((known, other),) = kind.search(question, http)
    assert other == second
    told = {name: getattr(first, name) for name in ("collection", "id", "level", "acquired", "revision", "code")}
    assert known == Product(title="a1", **told)


# Products in odd shapes


def test_links_are_of_the_configured_server_whatever_it_prints():
    printed = {"download": {"url": "http://intern.example:8080/x/download/?issuerId=theia&_tk=5ecret"}}
    with serving(lambda asked: collection([Held("a 1", APRIL).feature(services=printed)], total=1)) as (
        kind,
        http,
        _,
    ):
        ((product,),) = kind.search(Query("SPOT5"), http)
        here = f"{kind.url}/collections/SPOT5/a%201"
    assert product.assets[0].href == f"{here}/download?issuerId=theia"
    assert product.link == f"{here}.json?lang=en"


@pytest.mark.parametrize(
    "services",
    [None, [], {}, "none", {"download": None}, {"download": []}, {"download": {}}, {"download": {"url": ""}},
     {"browse": {"layer": {}}}, {"download": "http://x/"}],
)  # fmt: skip
def test_a_product_without_a_download_is_listed_without_assets(services):
    assert one(services=services).assets == ()


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("md5=77cab85d82181356c7ee81ee1aca8eeb", "md5:77cab85d82181356c7ee81ee1aca8eeb"),
        ("64FFCA4B9CD13D094ED05554E010DB5A", "md5:64ffca4b9cd13d094ed05554e010db5a"),
        ("MD5:64FFCA4B9CD13D094ED05554E010DB5A", "md5:64ffca4b9cd13d094ed05554e010db5a"),
        ("SHA-256=" + "ab" * 32, "sha256:" + "ab" * 32),
        ("ab" * 20, "sha1:" + "ab" * 20),
        ("md5=abc", None),
        ("sha256=" + "ab" * 16, None),
        ("crc99=" + "ab" * 16, None),
        ("", None),
        (None, None),
        ([], None),
        (12345, None),
    ],
)
def test_a_checksum_is_read_in_any_of_its_forms(printed, expected):
    assert checksum_of(printed) == expected
    download = {"url": "http://x/", "size": "97", "checksum": printed}
    assert one(services={"download": download}).assets[0].checksum == expected


@pytest.mark.parametrize(
    ("printed", "expected"),
    [(97, 97), ("97", 97), (97.0, 97), (0, None), (None, None), ("", None), ([], None), (-1, None), (True, None)],
)
def test_a_size_is_a_number_of_bytes_or_unknown(printed, expected):
    assert one(services={"download": {"url": "http://x/", "size": printed}}).assets[0].size == expected


@pytest.mark.parametrize(
    ("printed", "expected"),
    [(0, 0.0), (52, 52.0), (20.5218, 20.5218), ("12.5", 12.5), (None, None), ("", None), ("cloudy", None),
     ([], None), ({}, None), (-1, None), ("NaN", None), (101, None), (True, None)],
)  # fmt: skip
def test_cloud_is_a_percentage_or_unknown(printed, expected):
    assert one(cloudCover=printed).cloud == expected


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("2015-07-09T17:13:00Z", datetime(2015, 7, 9, 17, 13, tzinfo=UTC)),
        ("2020-08-15T12:20:16.569Z", datetime(2020, 8, 15, 12, 20, 16, 569000, tzinfo=UTC)),
        ("2020-08-15T12:20:16.569123Z", datetime(2020, 8, 15, 12, 20, 16, 569123, tzinfo=UTC)),
        ("2015-07-09 17:13:00", datetime(2015, 7, 9, 17, 13, tzinfo=UTC)),
        ("2015-07-09T19:13:00+02:00", datetime(2015, 7, 9, 17, 13, tzinfo=UTC)),
        ("2015-07-09", datetime(2015, 7, 9, tzinfo=UTC)),
        ("0001-01-01T00:00:00+05:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        ([], None),
        (1436461980, None),
    ],
)
def test_a_date_is_read_as_servers_write_it(printed, expected):
    product = one(published=printed, updated="2015-07-09T17:13:01Z")
    assert product.published == expected
    assert product.updated == datetime(2015, 7, 9, 17, 13, 1, tzinfo=UTC)


@pytest.mark.parametrize("geometry", [None, [], {}, "POINT(1 2)"])
def test_a_product_without_a_footprint_is_listed_without_one(geometry):
    feature = {**Held("a", APRIL).feature(), "geometry": geometry}
    (product,) = listed(lambda asked: collection([feature], total=1))
    assert product.geometry is None


def test_a_feature_without_optional_facts_is_a_product():
    bare = {"id": "a", "properties": {}}
    (product,) = listed(lambda asked: collection([bare], total=1))
    assert (product.id, product.title, product.level, product.code) == ("a", "a", None, None)
    assert (product.acquired, product.geometry, product.assets) == (None, None, ())
    assert product.revision == "||||"


def test_numbers_as_text_and_arrays_as_nothing_are_tolerated():
    product = one(version=2, keywords=[], platform=[], instrument="", title="A title", quicklook="ANNEEPRODUIT")
    assert (product.platform, product.instrument, product.title) == (None, None, "A title")
    assert product.revision == "2015-07-09T17:13:00Z||2||"
    assert product.quicklook is None


def test_a_template_that_nobody_filled_in_is_no_quicklook():
    assert one(quicklook="https://h/q/ANNEEPRODUIT/x.jpg").quicklook is None
    assert one(quicklook="https://h/q/{:bbox3857:}.jpg").quicklook is None
    assert one(quicklook="https://h/q/x.jpg").quicklook == "https://h/q/x.jpg"


def test_a_warning_of_php_before_the_json_is_skipped():
    page = collection([Held("a", APRIL).feature()], total=1)
    warned = Reply(200, b"<br />\n<b>Warning</b>: count(): Parameter must be an array in x.php<br />\n" + page.body)
    assert [product.id for product in listed(lambda asked: warned)] == ["a"]


def test_an_empty_array_for_the_features_is_an_empty_answer():
    nothing = b'{"type":"FeatureCollection","properties":{"totalResults":null,"links":[]},"features":null}'
    assert listed(lambda asked: Reply(200, nothing)) == []


def test_totals_and_counts_of_other_servers_are_understood():
    feature = Held("a", APRIL).feature()
    for exact in (True, 1, None):
        page = collection([feature], total="1", exact=exact)  # PEPS writes some numbers as text
        with serving(lambda asked, page=page: page) as (kind, http, asked):
            assert sum(map(len, kind.search(Query("SPOT5"), http))) == 1
            assert len(asked) == 1
    assert read(collection([feature], total=9, exact=0).body, site_filter="zone_geo", place="x").total is None


# Failures


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"ErrorMessage":"Forbidden","ErrorCode":3002}', "Forbidden"),
        (b'{"ErrorMessage":"Oops"}', "Oops"),
        (b'{"status":"error","message":"x"}', "no feature collection"),
        (b'{"features":[]}', "no feature collection"),
        (b'{"properties":{"totalResults":null}}', "no feature collection"),
        (b"[]", "cannot be read"),
        (b'{"properties":{},"features":[{"properties":{}}]}', "cannot be read"),
        (b'{"properties":{},"features":[{"id":7,"properties":{}}]}', "cannot be read"),
        (b'{"properties":{},"features":[{"id":"..","properties":{}}]}', "impossible identifier"),
        (b'{"properties":{},"features":[{"id":"a\\u0000b","properties":{}}]}', "impossible identifier"),
        (b'{"properties":{},"features":[{"id":"","properties":{}}]}', "impossible identifier"),
        (b'{"properties":{"totalResults":1},"features":[{"id":"a","prop', "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b'{"properties":{},"features":[{"id":"\\ud800","properties":{}}]}', "cannot be read"),
        (b"<html>Log in</html>", "JSON was expected"),
        (b"", "JSON was expected"),
    ],
)
def test_a_200_without_a_page_is_a_failure(body, said):
    with pytest.raises(CatalogueError, match=said):
        listed(lambda asked: Reply(200, body))


def test_a_page_of_html_is_a_failure():
    with pytest.raises(CatalogueError, match="JSON was expected"):
        listed(lambda asked: Reply(200, b"<html>{}</html>", "text/html"))


def test_a_collection_that_is_not_there_is_a_failure_with_a_way_out():
    with pytest.raises(HttpError, match="Not Found") as failed:
        listed(Pretend([]), Query("SPOT6"))
    assert failed.value.permanent
    assert "collection" in failed.value.hint


def test_a_page_size_above_the_servers_limit_is_said_in_its_words():
    body = b'{"ErrorMessage":"Value for \\"maxRecords\\" must be lower than 501","ErrorCode":400}'
    with pytest.raises(HttpError, match=r"lower than 501 \(asked for maxRecords=700") as failed:
        listed(lambda asked: Reply(400, body), page_size=700)
    assert failed.value.permanent
    assert "page_size" in failed.value.hint


def test_a_server_that_is_busy_may_be_asked_again_later():
    with pytest.raises(HttpError) as failed:
        listed(lambda asked: Reply(503, b"<html>busy</html>", "text/html"))
    assert not failed.value.permanent


def test_a_server_that_is_not_there_is_a_failure():
    with answering(lambda asked: Reply(200, b"")) as (url, _):
        pass
    with Http(origin=url, backoff_base=0.0) as http, pytest.raises(Unreachable):
        list(Kind(url=url, collections=["SPOT5"]).search(Query("SPOT5"), http))


# Filters that are ignored


@pytest.mark.parametrize(
    ("ignored", "query", "named", "received"),
    [
        ("processingLevel", Query("SPOT5", level=Level("L1C")), "processingLevel", "LEVEL2A"),
        ("zone_geo", Query("SPOT5", code="Pornic"), "zone_geo", "Litchfield"),
        ("collection", Query("SPOT4"), "the collection", "SPOT5"),
        ("startDate", Query("SPOT5", acquired=(APRIL + timedelta(days=1), None)), "startDate", "2015-04-10"),
        ("completionDate", Query("SPOT5", acquired=(None, APRIL - timedelta(days=1))), "completionDate", "2015"),
    ],
)
def test_a_filter_that_the_server_ignores_is_a_failure(ignored, query, named, received):
    with pytest.raises(CatalogueError, match=f"ignored {named}.*{received}") as failed:
        listed(Pretend(season(4), ignores=(ignored,)), query)
    assert failed.value.permanent
    assert failed.value.hint


@pytest.mark.parametrize(
    ("query", "more"),
    [
        (Query("SPOT5", level=Level("L2A")), {"processingLevel": None}),
        (Query("SPOT5", level=Level("L2A")), {"processingLevel": "level2a"}),
        (Query("SPOT5", code="Litchfield"), {"zone_geo": "litchfield"}),
        (Query("SPOT5", acquired=(APRIL, None)), {"startDate": None}),
        (Query("SPOT5"), {"collection": "spot5"}),
    ],
)
def test_one_product_that_was_not_asked_for_is_enough(query, more):
    features = [Held("a", APRIL).feature(), Held("b", APRIL).feature(**more)]
    with pytest.raises(CatalogueError, match="ignored"):
        listed(lambda asked: collection(features, total=2), query)


def test_a_site_filter_that_the_server_does_not_know_is_a_failure():
    with pytest.raises(CatalogueError, match="without the property zonegeo") as failed:
        listed(Pretend(season(4)), Query("SPOT5", code="Litchfield"), site_filter="zonegeo")
    assert "site_filter" in failed.value.hint


def test_a_second_of_rounding_is_no_ignored_filter():
    feature = Held("a", APRIL - timedelta(seconds=1)).feature()
    assert len(listed(lambda asked: collection([feature], total=1), Query("SPOT5", acquired=(APRIL, None)))) == 1


def test_what_lies_outside_the_geometry_is_left_to_the_caller():
    ground = b'{"type":"Point","coordinates":[2,48]}'
    assert len(listed(Pretend(season(4)), Query("SPOT5", geometry=ground))) == 4


# Completeness over the network


@pytest.mark.parametrize("counts", ["exact", "estimate", "none"])
@pytest.mark.parametrize("loops", [None, 2])
@pytest.mark.parametrize("cap", [20, 500])
def test_a_collection_is_listed_whole_over_the_network(counts, loops, cap):
    held = [*season(130, level="LEVEL1C"), *season(130, code="Pornic")]
    for seed in range(3):
        server = Pretend(held, seed=seed, counts=counts, loops=loops, cap=cap)
        products = listed(server, page_size=50)
        assert sorted(product.id for product in products) == sorted(one.id for one in held)


def test_a_search_is_lazy():
    with serving(Pretend(season(60), cap=20)) as (kind, http, asked):
        pages = kind.search(Query("SPOT5"), http)
        assert asked == []
        assert len(next(pages)) == 20
        assert len(asked) == 1


def test_more_requests_than_allowed_are_a_failure():
    with pytest.raises(CatalogueError, match="within 3 requests"):
        listed(Pretend(season(200), cap=20), max_pages=3)


# Sites by name


TAKE5 = [
    *season(34, code="Litchfield"),
    *season(8, code="LitchfieldNorth"),
    *season(6, code="Pornic", country="France"),
    *season(4, code="Mooreesburg", country="South Africa"),
    *season(4, code="MooreesburgFake", country="Belgium"),
    *season(4, code="ToulouseFrance", country="France"),
    *season(4, code="CamargueFrance", country="France"),
    *season(4, code="EBelgium", collection="SPOT4", country="Belgium"),
    *season(6, code="Litchfield", collection="SPOT4", level="LEVEL1C"),
]


def located(name, server=None, collections=("SPOT4", "SPOT5"), **settings):
    with serving(server or Pretend(TAKE5, counts="none"), **settings) as (kind, http, asked):
        found, near = kind.locate(name, http, collections=collections)
        return [(site.collection, site.code) for site in found], list(near), asked


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Litchfield", [("SPOT4", "Litchfield"), ("SPOT5", "Litchfield")]),
        ("litchfield", [("SPOT4", "Litchfield"), ("SPOT5", "Litchfield")]),
        ("LITCHFIELD", [("SPOT4", "Litchfield"), ("SPOT5", "Litchfield")]),
        ("Litchf", [("SPOT4", "Litchfield"), ("SPOT5", "Litchfield"), ("SPOT5", "LitchfieldNorth")]),
        ("litchfield north", [("SPOT5", "LitchfieldNorth")]),
        ("Toulouse", [("SPOT5", "ToulouseFrance")]),
        ("toulouse france", [("SPOT5", "ToulouseFrance")]),
        ("TOULOUSEFRANCE", [("SPOT5", "ToulouseFrance")]),
        ("France : Toulouse", [("SPOT5", "ToulouseFrance")]),
        ("SouthAfrica : Mooreesburg", [("SPOT5", "Mooreesburg")]),
        ("South Africa: mooreesb", [("SPOT5", "Mooreesburg")]),
        ("Pórnic", [("SPOT5", "Pornic")]),
        ("Po", [("SPOT5", "Pornic")]),
    ],
)
def test_a_site_is_found_by_the_names_people_use(name, expected):
    found, near, _ = located(name)
    assert found == expected
    assert near == []


def test_a_code_written_right_is_found_without_reading_the_collection():
    _, _, asked = located("Pornic", collections=["SPOT5"])
    assert {question.query.get("zone_geo") for question in asked} == {"Pornic%"}


@pytest.mark.parametrize(("name", "nearest"), [("Litchfeild", "Litchfield"), ("Mooresburg", "Mooreesburg")])
def test_a_name_that_is_unknown_is_answered_with_the_nearest(name, nearest):
    found, near, _ = located(name)
    assert found == []
    assert near[0] == nearest


@pytest.mark.parametrize("name", ["Atlantis", "", " : ", "%", "|||"])
def test_a_name_like_no_other_is_unknown(name):
    found, near, _ = located(name)
    assert found == []
    assert "Litchfield" not in near


def test_a_candidate_says_what_there_is():
    server = Pretend([*season(10, code="Pornic"), *season(4, code="Pornic", level="LEVEL1C")], counts="none")
    with serving(server) as (kind, http, _):
        (site,), _ = kind.locate("Pornic", http, collections=["SPOT5"])
    assert (site.code, site.collection, site.country) == ("Pornic", "SPOT5", "Australia")
    assert (site.first, site.last) == (APRIL, APRIL + timedelta(days=20))
    assert site.geometry is not None
    assert json.loads(site.geometry) == {
        "type": "Polygon",
        "coordinates": [[[130.5, -13.5], [131.1, -13.5], [131.1, -12.9], [130.5, -12.9], [130.5, -13.5]]],
    }


def test_the_country_is_read_from_keywords_of_either_form():
    rows = [
        {"name": "Spain", "type": "country", "value": 30.47},
        {"name": "France", "type": "country", "value": 65.77},
        {"name": "Europe", "type": "continent"},
    ]
    for keywords in (rows, {str(n): row for n, row in enumerate(rows)}):
        page = collection([Held("a", APRIL).feature(keywords=keywords)], total=1)
        with serving(lambda asked, page=page: page) as (kind, http, _):
            (site,), _ = kind.locate("Litchfield", http, collections=["SPOT5"])
        assert site.country == "France"


@pytest.mark.parametrize("keywords", [None, [], {}, "x", [7], {"a": 7}, [{"type": "country", "name": 7}]])
def test_a_country_that_is_not_said_is_unknown(keywords):
    page = collection([Held("a", APRIL).feature(keywords=keywords)], total=1)
    with serving(lambda asked: page) as (kind, http, _):
        (site,), _ = kind.locate("Litchfield", http, collections=["SPOT5"])
    assert site.country is None


def test_a_site_is_found_though_the_server_knows_no_beginnings():
    found, _, _ = located("pornic", Pretend(TAKE5, ignores=("zone_geo",)), collections=["SPOT5"])
    assert found == [("SPOT5", "Pornic")]


def test_sites_cannot_be_found_where_products_do_not_name_them():
    with pytest.raises(CatalogueError, match="without the property tileId"):
        located("Litchfield", site_filter="tileId")


def test_a_search_for_sites_that_is_incomplete_is_a_failure():
    with pytest.raises(CatalogueError):
        located("Atlantis", Pretend(TAKE5, cap=10, counts="none"), max_pages=4)


def test_the_likeliest_spelling_comes_first():
    assert spellings("south áfrica") == ["south áfrica", "SouthAfrica"]
    assert spellings("Litchfield") == ["Litchfield"]
    assert spellings("Li") == []


# watcher check


def findings(server, **settings):
    with serving(server, **settings) as (kind, http, _):
        return list(kind.check(http))


def test_a_server_that_filters_is_well():
    found = findings(Pretend(season(4)))
    assert all(finding.well for finding in found), found
    assert any("is ignored, as by resto 2.0" in finding.text for finding in found)


def test_a_collection_that_is_not_there_is_found_with_those_that_are():
    found = findings(Pretend(season(4)), collections=["SPOT5", "SPOT6"])
    (bad,) = [finding for finding in found if not finding.well]
    assert bad.subject == "SPOT6"
    assert "SPOT4, SPOT5" in bad.hint


@pytest.mark.parametrize("ignored", ["processingLevel", "zone_geo"])
def test_a_filter_that_is_ignored_is_found(ignored):
    bad = [finding for finding in findings(Pretend(season(4), ignores=(ignored,))) if not finding.well]
    assert [finding.subject for finding in bad] == [f"SPOT5: {ignored}"]


def test_the_size_of_the_servers_pages_is_told():
    found = findings(Pretend(season(40), cap=20), collections=["SPOT5"])
    assert any("gives 20 products in a page (500 are asked for)" in finding.text for finding in found)


def test_a_server_that_does_not_answer_is_found():
    (finding,) = findings(lambda asked: Reply(503, b"<html></html>", "text/html"))
    assert not finding.well


def test_something_else_at_that_address_is_found():
    (finding,) = findings(lambda asked: Reply(200, b'{"stac_version":"1.0.0"}'))
    assert not finding.well
    assert "https://host/resto" in finding.hint
