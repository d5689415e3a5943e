"""What a real resto 2.0.4 answered, read again: complete or a failure, never a part."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.replay import collection, features, folder, recording, replay
from watcher.catalogues.resto import Kind
from watcher.core.identity import revisions
from watcher.errors import CatalogueError, HttpError
from watcher.model import Level, Query
from watcher.net import Http

WHOLE = {
    "error_level_unknown": 0,
    "page_6_of_20": 0,
    "page_999": 0,
    "search_box_litchfield": 34,
    "search_box_pornic_l1c": 17,
    "search_by_productidentifier": 1,
    "search_dates": 18,
    "search_dates_dateonly": 0,
    "search_dates_oneday": 6,
    "search_level_lowercase": 0,
    "search_litchfield_l2a": 17,
    "search_lonlat_mooreesburg": 34,
    "search_maxrecords_1000": 100,
    "search_maxrecords_500": 100,
}

PARTS = [
    "error_maxrecords_text",
    "page_0",
    "page_1_5",
    "page_1_of_20",
    "page_2_of_20",
    "page_2_rc",
    "page_5_of_20",
    "page_5_rc",
    "page_abc",
    "page_minus3",
    "search_all_collections",
    "search_bad_credentials",
    "search_cloud_interval",
    "search_default",
    "search_default_pretty_1",
    "search_gzip_conditional",
    "search_l2a_3",
    "search_lang_fr",
    "search_level_like",
    "search_level_or",
    "search_lon_only",
    "search_nosuffix",
    "search_producttype",
    "search_published_param_ignored",
    "search_rc",
    "search_sort_param_ignored",
    "search_unknown_param",
    "search_updated_param_ignored",
    "search_wkt",
]

REFUSED = {
    "error_badcollectionname": (500, "Collection name must be an alphanumeric string"),
    "error_baddate": (400, "Invalid date parameter - time:start"),
    "error_baddate_space": (400, "Invalid date parameter - time:start"),
    "error_badsuffix": (404, "Not Found"),
    "error_bbox3": (400, "Invalid geo:box"),
    "error_bbox_text": (500, "Database connection error"),
    "error_cloud_text": (500, "Database connection error"),
    "error_maxrecords_neg": (500, "Database connection error"),
    "error_nocollection": (404, "Not Found"),
    "error_noroute": (404, "Not Found"),
    "error_put": (400, "Bad Request"),
    "error_wkt": (500, "Database connection error"),
    "search_updated_param_bad": (400, "Invalid date parameter - dc:date"),
}

NO_ANSWER = {
    "error_lon_text": "500",
    "error_maxrecords_0": "announces more products but lists none",
    "search_accept_atom": "where JSON was expected",
    "search_atom": "where JSON was expected",
    "search_jsonp": "cannot be read",
}

NOT_ANSWERS_TO_GET = {"search_head", "search_options"}


def listed(answer, query=None, **settings):
    with answering(answer) as (url, _):
        kind = Kind(url=f"{url}/resto", collections=["SpotTake5"], **settings)
        with Http(origin=url, backoff_base=0.0) as http:
            return [p for page in kind.search(query or Query("SpotTake5"), http) for p in page]


def one(name):
    """Answer with one recorded feature."""
    page = collection(features(name), total=1)
    return lambda asked: page


def test_every_recorded_search_is_judged_here():
    names = {
        path.name.removesuffix(".headers.txt")
        for start in ("search_", "page_", "error_")
        for path in folder().glob(f"{start}*.headers.txt")
    }
    assert names == {*WHOLE, *PARTS, *REFUSED, *NO_ANSWER, *NOT_ANSWERS_TO_GET}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_answer_is_listed_whole(name):
    products = listed(replay(name))
    assert [product.id for product in products] == [feature["id"] for feature in features(name)]
    assert len(products) == WHOLE[name]


@pytest.mark.parametrize("name", PARTS)
def test_a_truncated_answer_is_a_failure(name):
    with pytest.raises(CatalogueError):
        listed(replay(name))


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_a_failure_in_the_servers_words(name):
    status, said = REFUSED[name]
    with pytest.raises(HttpError, match=said) as refused:
        listed(replay(name))
    assert (refused.value.status, refused.value.permanent) == (status, True)
    assert refused.value.hint


@pytest.mark.parametrize("name", NO_ANSWER)
def test_what_is_no_answer_is_a_failure(name):
    with pytest.raises(CatalogueError, match=NO_ANSWER[name]):
        listed(replay(name))


def test_a_database_that_is_down_is_no_fault_of_the_question():
    down = recording("error_wkt")
    with pytest.raises(HttpError, match="Database connection error") as failed:
        listed(lambda asked: down)
    assert not failed.value.permanent


class Walked:
    """A server with these products whose pages, unless a window is asked for, are the recorded ones."""

    def __init__(self, there, pages, *, size, counts):
        self.there, self.pages, self.size, self.counts = there, pages, size, counts

    def __call__(self, asked: Asked) -> Reply:
        number = int(asked.query["page"])
        if not {"startDate", "completionDate"} & set(asked.query):
            page = self.pages[number - 1] if number <= len(self.pages) else []
            full = len(page) == self.size and not (self.counts and number == len(self.pages))
            return collection(page, total=len(self.there) if self.counts and page else None, more=full)
        start = asked.query.get("startDate", "0001")
        end = asked.query.get("completionDate", "9999")
        # A whole second's Z sorts after its fractions: cut it off.
        inside = [f for f in self.there if start[:19] <= f["properties"]["startDate"][:19] <= end[:19]]
        page = inside[(number - 1) * self.size : number * self.size]
        last = number * self.size >= len(inside)
        total = len(inside) if self.counts and page else None
        return collection(page, total=total, more=len(page) == self.size and not (self.counts and last))


def titles(found):
    return [f["properties"]["productIdentifier"] for f in found]


@pytest.mark.parametrize("counts", [True, False], ids=["_rc", "no count"])
def test_the_walk_that_lost_a_product_is_asked_again_until_it_is_complete(counts):
    there = features("search_box_litchfield")
    named = dict(zip(titles(there), there, strict=True))
    walk = msgspec.json.decode((folder() / "paging_walk_box_5.pages.json").read_bytes())
    pages = [[named[title] for title in page] for page in walk]
    assert len({title for page in walk for title in page}) == 33  # of 34: the recorded loss
    products = listed(Walked(there, pages, size=5, counts=counts), page_size=5)
    assert sorted(product.title for product in products) == sorted(named)


def lossy_walks():
    try:
        report = msgspec.json.decode((folder() / "paging_walk_report.json").read_bytes())
    except pytest.skip.Exception:
        return []
    return [pytest.param(walk, id=f"{walk['query']}-{walk['maxRecords']}") for walk in report]


def asked_by(query):
    """Return which of the hundred recorded products a query of the walks is about."""
    everything = features("search_maxrecords_500")
    name, _, value = query.partition("=")
    if name == "processingLevel":
        return [f for f in everything if f["properties"]["processingLevel"] == value]
    if name == "zone_geo":
        return [f for f in everything if f["properties"]["zone_geo"] == value]
    if name == "box":
        inside = set(titles(features("search_box_litchfield")))
        return [f for f in everything if f["properties"]["productIdentifier"] in inside]
    if name == "cloudCover":
        low, high = msgspec.json.decode(value)
        return [f for f in everything if low <= f["properties"]["cloudCover"] <= high]
    assert query == ""
    return everything


@pytest.mark.parametrize("counts", [True, False], ids=["_rc", "no count"])
@pytest.mark.parametrize("walk", lossy_walks())
def test_each_recorded_walk_ends_complete_or_loudly(walk, counts):
    there = asked_by(walk["query"])
    assert len(there) == walk["really_there"]
    named = dict(zip(titles(there), there, strict=True))
    # The lost one's place was taken by its twin, which ties with it and was listed twice.
    twin = dict(zip(walk["never_seen"], walk["seen_twice"], strict=True))
    order = [named[twin.get(title, title)] for title in titles(there)]
    size = walk["maxRecords"]
    pages = [order[start : start + size] for start in range(0, len(order), size)]
    assert len({f["id"] for page in pages for f in page}) == walk["distinct_seen"]
    try:
        products = listed(Walked(there, pages, size=size, counts=counts), page_size=size, max_pages=400)
    except CatalogueError:
        assert size == 1  # two products of one second do not fit on a page of one: nothing can prove it
    else:
        assert sorted(product.title for product in products) == sorted(named)


def test_pages_that_the_server_keeps_to_twenty_are_read_to_the_end():
    there = features("search_maxrecords_500")
    pages = [there[start : start + 20] for start in range(0, 100, 20)]
    for number in (1, 2, 5):
        pages[number - 1] = features(f"page_{number}_of_20")
    products = listed(Walked(there, pages, size=20, counts=False))
    assert {product.id for product in products} == {feature["id"] for feature in there}
    assert len(products) == 100


def test_an_arrival_in_the_middle_of_the_list_is_found():
    query = Query("SpotTake5", level=Level("L2A"), code="Litchfield")
    before = listed(replay("search_litchfield_l2a"), query)
    after = listed(replay("arrival_2_all"), query)
    (arrived,) = {product.id for product in after} - {product.id for product in before}
    assert arrived not in {feature["id"] for feature in features("arrival_1_newest_first_page")}
    assert next(p.acquired for p in after if p.id == arrived) == datetime(2015, 5, 2, 1, 34, 11, tzinfo=UTC)


def test_the_first_page_alone_would_have_missed_it_and_is_a_failure():
    query = Query("SpotTake5", level=Level("L2A"), code="Litchfield")
    with pytest.raises(CatalogueError):
        listed(replay("arrival_1_newest_first_page"), query, page_size=3)


def test_a_republished_product_keeps_its_id_and_gets_another_revision():
    (first,) = listed(one("arrival_3_feature"))
    (second,) = listed(one("republished_feature"))
    assert first.id == second.id
    assert not revisions.same(first.revision, second.revision)
    assert (first.assets[0].size, second.assets[0].size) == (123885, 154622)


def test_local_time_labelled_utc_is_kept_as_it_is_and_unknown_stays_unknown():
    (product,) = listed(one("timezone_paris_feature"))
    assert product.published == product.updated == datetime(2026, 11, 22, 17, 56, 56, tzinfo=UTC)
    assert product.cloud == 0.0
    (asset,) = product.assets
    assert (asset.size, asset.checksum) == (None, None)


def test_a_recorded_feature_becomes_a_product():
    with answering(one("feature")) as (url, _), Http(origin=url, backoff_base=0.0) as http:
        kind = Kind(url=f"{url}/resto/", collections=["SpotTake5"])
        ((product,),) = kind.search(Query("SpotTake5"), http)
        here = f"{url}/resto/collections/SpotTake5/f6ae0699-9545-5b7c-afbf-b5878434aee3"
    assert product.title == "SPOT5_HRG1_XS_20150629_N2A_PornicD0000B0000"
    assert (product.level, product.code, product.platform) == ("L2A", "Pornic", "SPOT5")
    assert product.instrument == "HRG1"
    assert product.acquired == datetime(2015, 6, 29, 11, 12, 25, tzinfo=UTC)
    assert product.published == datetime(2015, 7, 9, 9, 51, 8, tzinfo=UTC)
    assert product.cloud == 52.0
    assert product.learnt is None
    assert product.link == f"{here}.json?lang=en"
    assert product.geometry is not None
    assert msgspec.json.decode(product.geometry) == features("feature")[0]["geometry"]
    (asset,) = product.assets
    assert (asset.key, asset.href, asset.type) == ("product", f"{here}/download", "application/x-gzip")
    assert (asset.size, asset.checksum) == (86973, "md5:77cab85d82181356c7ee81ee1aca8eeb")
    assert product.revision == (
        "2015-07-09T09:51:08Z|2015-07-09T02:51:08Z|1.0|md5:77cab85d82181356c7ee81ee1aca8eeb|86973"
    )


def test_what_was_asked_for_is_what_the_recorded_questions_asked():
    nothing = recording("page_999")
    with answering(lambda asked: nothing) as (url, asked):
        kind = Kind(url=f"{url}/resto", collections=["SpotTake5"])
        window = (datetime(2015, 6, 1, tzinfo=UTC), datetime(2015, 6, 15, tzinfo=UTC))
        with Http(origin=url, backoff_base=0.0) as http:
            query = Query("SpotTake5", level=Level("L2A"), code="Litchfield", acquired=window)
            assert list(kind.search(query, http)) == [[]]
    (question,) = asked
    assert question.path == "/resto/api/collections/SpotTake5/search.json"
    assert question.query == {
        "processingLevel": "LEVEL2A",
        "zone_geo": "Litchfield",
        "startDate": "2015-06-01T00:00:00Z",
        "completionDate": "2015-06-15T00:00:00Z",
        "maxRecords": "500",
        "page": "1",
        "_rc": "true",
        "lang": "en",
    }
