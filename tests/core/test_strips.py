"""Which pictures a notice shows, and how."""

from __future__ import annotations

from datetime import timedelta

from tests.given import ACQUIRED, L1C, L2A, changed, product
from tests.hostile import HOSTILE, SAFE, Page
from watcher.core.notices import LARGEST, MOST, Told, compose, draft, finish, shots
from watcher.model import Event, Notice, Product

JPEG = b"\xff\xd8\xff and so on"


def seen(day: int, site: str = "Pornic", **facts: object) -> Product:
    usual = {
        "quicklook": f"https://catalogue.example.org/ql/{site}-{day}.jpg",
        "acquired": ACQUIRED + timedelta(days=day),
    }
    return product(f"{site}-{day}", **(usual | facts))


def told(
    day: int, site: str = "Pornic", *, clear: Product | None = None, event: Event = Event.NEW, **facts: object
) -> Told:
    return Told(event, site, seen(day, site, **facts), "take5", clear=clear and ("take5", clear))


def laid_out(*arrivals: Told, all_but: int = 0) -> Notice:
    plan = draft(arrivals, key="a key")
    return finish(plan, pictures=dict.fromkeys(shots(plan)[all_but:], JPEG))


def test_a_site_shows_its_newest_beside_the_last_clear_look() -> None:
    notice = laid_out(told(5, cloud=12.3, clear=seen(1, cloud=0.0, platform="SPOT5")))
    pictures = Page(notice.html).pictures()
    assert [picture["alt"] for picture in pictures] == [
        "before: 2015-05-31, L2A, SPOT5, cloud 0 %",
        "new: 2015-06-04, L2A, cloud 12 %",
    ]
    assert [picture["src"] for picture in pictures] == [f"cid:{picture.cid}" for picture in notice.pictures]
    assert [picture.before for picture in notice.pictures] == [True, False]
    assert {picture.jpeg for picture in notice.pictures} == {JPEG}


def test_an_acquisition_is_shown_once_whatever_its_levels() -> None:
    notice = laid_out(told(5, level=L1C), told(5, level=L2A), told(6))
    assert len(notice.pictures) == 2
    assert "L2A" in Page(notice.html).pictures()[0]["alt"]  # type: ignore[operator]


def test_every_site_has_a_picture_before_any_has_a_second() -> None:
    arrivals = [told(day, "A", clear=seen(0, "A")) for day in range(1, 9)] + [told(3, site) for site in ("B", "C")]
    words = [frame["alt"] for frame in Page(laid_out(*arrivals).html).pictures()]
    assert len(words) == MOST
    assert [str(word)[:18] for word in words] == [
        "before: 2015-05-30",
        "new: 2015-06-05, L",
        "new: 2015-06-06, L",
        "new: 2015-06-07, L",
        "new: 2015-06-02, L",
        "new: 2015-06-02, L",
    ]


def test_pictures_add_less_than_150_kb_to_a_mail() -> None:
    assert MOST * LARGEST * 4 / 3 < 150_000


def test_a_picture_that_could_not_be_had_is_left_out() -> None:
    arrivals = [told(5, "A", clear=seen(1, "A")), told(5, "B")]
    assert len(laid_out(*arrivals).pictures) == 3
    without = laid_out(*arrivals, all_but=1)
    # That of A: its look from before says nothing alone.
    assert [picture.words for picture in without.pictures] == ["new: 2015-06-04, L2A, cloud unknown"]
    assert Page(compose(arrivals, key="k").html).pictures() == []


def test_what_was_withdrawn_or_has_no_picture_is_not_shown() -> None:
    gone, plain, elsewhere = (
        told(1, event=Event.WITHDRAWN),
        told(2, quicklook=None),
        told(3, quicklook="file:///etc/passwd"),
    )
    assert shots(draft([gone, plain, elsewhere], key="k")) == []


def test_a_picture_that_is_its_own_past_is_shown_once() -> None:
    again = told(5, clear=changed(seen(1), quicklook=seen(5).quicklook))
    assert len(laid_out(again).pictures) == 1
    assert len(laid_out(told(5, clear=seen(3)), told(3)).pictures) == 2


def test_hostile_words_stay_words_beside_pictures() -> None:
    for text in HOSTILE:
        arrival = told(5, text, platform=text, title=text, quicklook="https://x.org/1", clear=seen(1, platform=text))
        notice = laid_out(arrival)
        page = Page(notice.html)
        assert set(page.tags) <= SAFE
        assert page.tags.count("img") == 2
        assert all(str(picture["src"]).startswith("cid:quicklook-akey-") for picture in page.pictures())
        assert all(picture.name.isascii() and "/" not in picture.name for picture in notice.pictures)
