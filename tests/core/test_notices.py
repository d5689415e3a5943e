from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostile import ATTRIBUTES, HOSTILE, SAFE, TEMPLATES, Page, is_clean
from watcher.core import notices
from watcher.core.notices import FULL, NEWEST, Told, compose
from watcher.core.wording import Warned, safe_link
from watcher.model import Asset, Event, Level, Notice, Product


def product(number: int = 1, **changes: object) -> Product:
    fields: dict[str, object] = {
        "collection": "SPOT5",
        "id": f"id-{number}",
        "title": f"SPOT5_HRG1_XS_{number:04}",
        "level": Level("L2A"),
        "acquired": datetime(2015, 6, 1, 10, 30, tzinfo=UTC) + timedelta(days=number),
        "revision": "1",
        "cloud": 12.3,
        "link": f"https://catalogue.example.org/products/{number}",
        "assets": (Asset("product", "https://catalogue.example.org/x.zip", size=345_200_000),),
    }
    return Product(**{**fields, **changes})  # type: ignore[arg-type]


def told(number: int = 1, *, site: str = "Litchfield", event: Event = Event.NEW, **changes: object) -> Told:
    mine = ("download", "path", "verified", "previous", "current", "also", "cause", "coverage", "clear")
    own = {key: changes.pop(key) for key in mine if key in changes}
    return Told(event, site, product(number, **changes), "take5", **own)  # type: ignore[arg-type]


def test_the_subject_counts_what_is_new_at_a_site():
    assert compose([told(n) for n in range(3)], key="k").subject == "watcher: 3 new L2A at Litchfield"


def test_the_subject_says_that_a_product_was_revised():
    notice = compose([told(site="Pornic", event=Event.REVISED)], key="k")
    assert notice.subject == "watcher: 1 revised L2A at Pornic, 2015-06-02"


def test_the_subject_counts_levels_and_names_two_sites():
    arrivals = [told(n, site=site) for n, site in enumerate(["Pornic", "Litchfield", "Zagora", "Pornic", "Pornic"])]
    arrivals += [told(n, level=Level("L1C")) for n in range(2)]
    assert compose(arrivals, key="k").subject == "watcher: 7 new (5 L2A, 2 L1C) at Litchfield, Pornic and 1 more"


def test_the_subject_tells_new_from_revised():
    notice = compose([told(1), told(2, site="Pornic", event=Event.REVISED)], key="k")
    assert notice.subject == "watcher: 1 new, 1 revised L2A at Litchfield and Pornic"


def test_a_product_without_a_level_is_still_named():
    assert compose([told(level=None)], key="k").subject == "watcher: 1 new product at Litchfield, 2015-06-02"


def test_the_text_tells_what_when_how_cloudy_how_large_and_where():
    text = compose([told(7, download="stored", path="/archive/x.zip", verified="md5")], key="k").text
    for fact in (
        "Litchfield",
        "new L2A: SPOT5_HRG1_XS_0007",
        "acquired 2015-06-08 10:30 UTC",
        "cloud 12 %",
        "345 MB",
        "in take5",
        "https://catalogue.example.org/products/7",
        "stored in /archive/x.zip (verified: md5)",
    ):
        assert fact in text


def test_the_page_tells_the_same_as_the_text():
    arrivals = [told(n, site=site, coverage=97.4, previous="1.0") for n, site in enumerate(["A", "B"])]
    notice = compose(arrivals, key="k", footer="bye")
    page = Page(notice.html)
    for words in (
        "SPOT5_HRG1_XS_0001",
        "2015-06-02 10:30",
        "12 %",
        "97 %",
        "345 MB",
        "1.0",
        "take5",
        "bye",
        "notice k",
    ):
        assert words in page.words
        assert words in notice.text
    assert page.links() == [f"https://catalogue.example.org/products/{n}" for n in range(2)]
    for link in page.links():
        assert str(link) in notice.text


def test_times_are_told_in_utc():
    local = datetime(2015, 6, 12, 1, 0, tzinfo=timezone(timedelta(hours=9)))
    assert "acquired 2015-06-11 16:00 UTC" in compose([told(acquired=local)], key="k").text


@pytest.mark.parametrize("cloud", [None, float("nan"), -1.0, 101.0])
def test_unknown_cloud_is_said_to_be_unknown(cloud: float | None):
    assert "cloud unknown" in compose([told(cloud=cloud)], key="k").text


def test_unknown_size_and_acquisition_are_said_to_be_unknown():
    text = compose([told(assets=(), acquired=None)], key="k").text
    assert "size unknown" in text
    assert "acquisition unknown" in text


@pytest.mark.parametrize(
    ("size", "words"), [(812, "812 B"), (4_200, "4.2 kB"), (999_600, "1.0 MB"), (1_300_000_000, "1.3 GB")]
)
def test_sizes_are_told_in_decimal_units(size: int, words: str):
    assert f" {words}," in compose([told(assets=(Asset("a", "b", size=size),))], key="k").text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "not downloaded"),
        ({"download": "wanted"}, "will be downloaded"),
        ({"download": "failed"}, "the download failed"),
        ({"download": "stored", "path": "/a/b.zip"}, "stored in /a/b.zip (not verified)"),
        ({"download": "stored", "path": "/a", "verified": "unverified"}, "stored in /a (not verified)"),
        (
            {"download": "stored", "path": "/a", "verified": "md5, unverified, size"},
            "stored in /a (verified: md5, size; some of its files are not)",
        ),
        ({"event": Event.WITHDRAWN}, "no longer in the catalogue"),
        ({"event": Event.RETURNED, "download": "no"}, "in the catalogue again"),
        ({"event": Event.REVISED, "previous": "1.0"}, "replaces 1.0"),
    ],
)
def test_a_notice_says_where_the_files_are(changes: dict[str, object], words: str):
    notice = compose([told(**changes)], key="k")  # type: ignore[arg-type]
    assert words in notice.text
    assert words in Page(notice.html).words


def test_sites_are_alphabetical_and_their_newest_acquisitions_first():
    order = [(1, "Zagora"), (2, "Ax"), (9, "Ax"), (5, "Zagora"), (3, "ax")]
    text = compose([told(n, site=site) for n, site in order], key="k").text
    found = [line.strip() for line in text.splitlines() if "SPOT5" in line or line in ("Zagora", "Ax", "ax")]
    titles = [line.removeprefix("new L2A: SPOT5_HRG1_XS_") for line in found]
    assert titles == ["Ax", "0009", "0002", "ax", "0003", "Zagora", "0005", "0001"]


def test_a_hundred_arrivals_are_all_told_and_no_mail_program_cuts_them_off():
    arrivals = [
        told(n, title=f"S2A_MSIL2A_{n:04}" + "x" * 50, link=f"https://x.org/{n}" + "x" * 140) for n in range(FULL)
    ]
    notice = compose(arrivals, key="k")
    assert notice.text.count("S2A_MSIL2A_") == FULL
    assert "more" not in notice.text
    assert len(notice.html.encode()) < 102_000  # Gmail's limit


def test_of_more_than_a_hundred_all_are_counted_and_the_newest_told():
    arrivals = [told(n, site="Litchfield") for n in range(200)]
    arrivals += [told(n, site="Mont Blanc", level=Level("L1C"), event=Event.REVISED) for n in range(60)]
    notice = compose(arrivals, key="k")
    assert notice.text.count("SPOT5_HRG1_XS_") == NEWEST
    assert "SPOT5_HRG1_XS_0199" in notice.text
    assert "SPOT5_HRG1_XS_0149" not in notice.text
    page = Page(notice.html)
    for words in (
        "260 arrivals, at 2 sites.",
        "Acquired 2015-06-01 … 2015-12-17; 90 GB.",
        "new: 200 L2A",
        "revised: 60 L1C",
        "2015-06-01 … 2015-07-30",
        "This one notice tells of them all; the 20 newest are below.",
        "See them all: watcher products --since 2015-06-01",
    ):
        assert words in notice.text
        assert words in page.words
    assert notice.subject == "watcher: 200 new, 60 revised (200 L2A, 60 L1C) at Litchfield and Mont Blanc"


def test_a_campaign_of_reprocessing_says_from_what_to_what_and_how_much():
    arrivals = [
        told(n, site="31TCJ", event=Event.REVISED, previous="N0509" if n % 9 == 0 else "N0500", current="N0511")
        for n in range(412)
    ]
    notice = compose(arrivals, key="k")
    assert notice.subject == "watcher: 412 revised L2A (N0500 → N0511) at 31TCJ"
    for words in (
        "A reprocessing: 412 products that were known were processed again, at 1 site.",
        "142 GB",
        "Processing: N0500 → N0511 (366), N0509 → N0511 (46).",
        "watcher products --site 31TCJ --since 2015-06-01",
    ):
        assert words in notice.text


def test_a_first_import_of_fifteen_thousand_is_one_notice_that_a_person_can_read():
    arrivals = [
        told(n, site=f"Site {n % 150}", acquired=datetime(1986, 5, 1, tzinfo=UTC) + timedelta(hours=17 * n))
        for n in range(15_000)
    ]
    notice = compose(arrivals, key="k")
    assert notice.subject == "watcher: 15,000 new L2A at Site 0, Site 1 and 148 more"
    for words in (
        "15,000 products are new, at 150 sites.",
        "1986-05-01 … 2015-06-02",
        "5.2 TB",
        "110 more sites: new: 11",
    ):
        assert words in notice.text
    assert len(notice.text.splitlines()) < 250
    assert len(notice.html.encode()) < 102_000


def test_the_fields_and_their_order_are_the_subscribers():
    arrival = told(7, coverage=97.4, download="stored", path="/a/b.zip")
    notice = compose([arrival], key="k", fields=["cloud", "acquired", "nonsense"])
    assert "    cloud 12 %, acquired 2015-06-08 10:30 UTC\n" in notice.text
    for left_out in ("345 MB", "97 %", "https://catalogue", "/a/b.zip", "take5"):
        assert left_out not in notice.text
        assert left_out not in notice.html
    headings = Page(notice.html).words
    assert headings.index("Cloud") < headings.index("Acquired (UTC)")
    assert "Size" not in headings
    assert "new L2A: SPOT5_HRG1_XS_0007" in headings  # what happened is told in any case


def test_a_column_that_nothing_is_known_for_is_left_out():
    assert "Coverage" not in Page(compose([told()], key="k").html).words
    assert "Coverage" in Page(compose([told(1), told(2, coverage=3.0)], key="k").html).words


def test_what_was_delivered_late_says_so():
    notice = compose([told()], key="k", late=True)
    assert notice.subject == "watcher, delivered late: 1 new L2A at Litchfield, 2015-06-02"
    assert notice.text.startswith("Delivered late: ")
    assert "Delivered late: " in Page(notice.html).words
    assert notice.short is not None
    assert notice.short.blocks[0].startswith("Delivered late: ")


def test_a_notice_carries_its_key_and_how_to_stop_it():
    notice = compose([told()], key="key-1", footer="To stop these: watcher unsubscribe 3")
    assert notice.key == "key-1"
    for words in ("notice key-1", "To stop these: watcher unsubscribe 3"):
        assert words in notice.text
        assert words in Page(notice.html).words


def test_nothing_to_tell_is_no_notice():
    with pytest.raises(ValueError, match="nothing to tell"):
        compose([], key="k")


def assert_harmless(notice: Notice, sites: int, arrivals: int, links: int) -> None:
    assert is_clean(notice.subject)
    assert 0 < len(notice.subject) <= 200
    assert is_clean(notice.text.replace("\n", "").replace("\u200b", ""))
    notice.text.encode("utf-8")
    page = Page(notice.html)
    assert set(page.tags) <= SAFE
    assert (page.tags.count("h2"), page.tags.count("table"), page.tags.count("style")) == (sites, sites, 1)
    assert (page.tags.count("tr"), page.tags.count("a")) == (sites + 2 * arrivals, links)
    assert page.pictures() == []
    assert page.comments == 0
    for tag, attributes in page.elements:
        assert set(attributes) <= ATTRIBUTES, tag
    assert is_clean(notice.html.replace("\n", ""))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_are_harmless_everywhere(text: str):
    arrival = Told(
        Event.REVISED,
        text,
        product(title=text, level=Level(text), link=f"https://x.org/{text}"),
        text,
        "stored",
        text,
        text,
        text,
    )
    notice = compose([arrival], key=text, footer=text)
    links = len(Page(notice.html).links())
    assert_harmless(notice, 1, 1, links)
    lowered = notice.text.lower() + notice.subject.lower()
    assert notice.short is not None
    lowered += "".join([*notice.short.blocks, *notice.short.ends]).lower()
    for call in ("@everyone", "@here", "<!channel", "<@u123"):
        assert call not in lowered


@settings(max_examples=300)
@given(st.text(max_size=60), st.text(max_size=400), st.text(max_size=40), st.text(max_size=60))
def test_no_words_at_all_escape_their_place(site: str, title: str, level: str, link: str):
    notice = compose([told(site=site, title=title, level=Level(level), link=link)], key="k")
    assert_harmless(notice, 1, 1, len(Page(notice.html).links()))


@pytest.mark.parametrize("code", TEMPLATES)
def test_template_syntax_stands_in_the_notice_as_it_was_written(code: str):
    notice = compose([told(title=code, site=code)], key="k", footer=code)
    assert notice.text.count(code) == 3
    assert Page(notice.html).words.count(code) == 4  # with the title of the page
    assert code in notice.subject


@pytest.mark.parametrize("text", HOSTILE)
def test_a_chat_makes_no_link_and_no_picture_of_a_catalogues_words(text: str):
    notice = compose([told(title=text, site=text, link=None, platform=text)], key="k")
    assert notice.short is not None
    shown = "\n".join([*notice.short.blocks, *notice.short.ends])
    assert "![" not in shown
    assert "](" not in shown
    assert "://" not in shown


def test_markup_is_escaped_by_the_template_and_never_declared_safe():
    sources = [path.read_text(encoding="utf-8") for path in Path(notices.__file__).parent.glob("*.py")]
    assert any("autoescape=True" in source for source in sources)
    for source in sources:
        assert not re.search(r"\|\s*safe|Markup\(|autoescape=False|from_string\((?!_HTML)", source)


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JaVaScRiPt://catalogue.example.org/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd",
        "//evil.example/x",
        "/relative",
        "https://",
        "https://bad host/",
        "https://x.org:notaport/",
        "https://[::1",
        "https://" + "a" * 3000,
        "",
        None,
    ],
)
def test_what_is_no_web_address_is_no_link(link: str | None):
    notice = compose([told(link=link)], key="k")
    assert Page(notice.html).links() == []
    assert safe_link(link) is None


@pytest.mark.parametrize(
    ("link", "safe"),
    [
        ("https://x.org/a?b=c&d=e", "https://x.org/a?b=c&d=e"),
        ("HTTP://X.ORG:8080/A%20b", "http://x.org:8080/A%20b"),
        ("https://user:secret@x.org/a#top", "https://x.org/a"),
        ('https://x.org/"onmouseover="alert(1)', "https://x.org/%22onmouseover=%22alert%281%29"),
        ("https://x.org/<b>\r\n\u202e", "https://x.org/%3Cb%3E%E2%80%AE"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://x.org/@everyone", "https://x.org/%40everyone"),
    ],
)
def test_a_link_is_built_anew_from_its_parts(link: str, safe: str):
    assert Page(compose([told(link=link)], key="k").html).links() == [safe]


def test_an_address_in_a_title_is_left_alone():
    assert "S2@10m jane@example.org" in compose([told(title="S2@10m jane@example.org")], key="k").text


def test_a_revision_says_what_it_replaces_and_with_what():
    text = compose([told(event=Event.REVISED, previous="N0209", current="N0500")], key="k").text
    assert "replaces N0209 with N0500" in text


def test_other_catalogues_that_have_it_are_named_a_few_of_them():
    assert "in take5, also in aws and pc" in compose([told(also=["aws", "pc"])], key="k").text
    assert "also in" not in compose([told()], key="k").text
    many = compose([told(also=[f"catalogue-{n}" for n in range(50)])], key="k").text
    assert "catalogue-3" in many
    assert "catalogue-4" not in many


def test_a_withdrawal_says_why():
    text = compose([told(event=Event.WITHDRAWN, cause="Corrupted product")], key="k").text
    assert "no longer in the catalogue: Corrupted product" in text
    assert "no longer in the catalogue\n" in compose([told(event=Event.WITHDRAWN)], key="k").text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_catalogues_say_of_causes_and_processings_is_made_safe(hostile: str):
    notice = compose([told(event=Event.WITHDRAWN, cause=hostile, also=[hostile], previous=hostile)], key="k")
    assert is_clean(notice.text.replace("\n", "").replace("\u200b", ""))
    assert set(Page(notice.html).tags) <= SAFE


def test_of_many_alerts_the_first_are_told_in_full_and_of_the_rest_the_titles():
    def warned(count: int) -> Notice:
        alerts = [Warned("late", f"title {n}.", f"body {n}.", f"hint {n}.", None) for n in range(count)]
        return compose([], alerts, key="k")

    few = warned(NEWEST)
    assert f"body {NEWEST - 1}." in few.text
    assert "more:" not in few.text
    many = warned(NEWEST + FULL + 5)
    for said in (many.text, many.html):
        assert f"body {NEWEST - 1}." in said
        assert f"title {NEWEST}." in said
        assert f"body {NEWEST}." not in said
        assert f"title {NEWEST + FULL}." not in said
        assert f"{FULL + 5} more:" in said
        assert "and 5 more" in said
        assert "watcher status" in said
