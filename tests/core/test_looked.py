"""The sentence that says what was looked at."""

from __future__ import annotations

from tests.given import NOW
from watcher.core.filters import Refusal
from watcher.core.notices import Looked
from watcher.core.notices.looked import looked_words


def test_it_counts_what_was_listed_what_is_new_and_what_was_rejected_with_the_reasons() -> None:
    rejected = [Refusal("cloud", "cloud 88 %"), Refusal("coverage", "coverage 12 %")]
    looked = Looked(NOW, polls=12, listed=61, refused=rejected)
    assert looked_words(looked, told="3 new") == (
        "Looked at since 2015-06-12 06:00 UTC, in 12 polls: 61 products listed by the last, 3 new,"
        " 2 rejected by your filter (cloud 88 %, coverage 12 %)."
    )


def test_one_poll_is_no_last_of_many() -> None:
    looked = Looked(None, polls=1, listed=1)
    assert looked_words(looked, told="") == "Looked at, in 1 poll: 1 product listed, nothing new."


def test_many_reasons_are_counted_and_a_watch_is_told_from_a_filter() -> None:
    looked = Looked(
        NOW,
        polls=2,
        listed=900,
        refused=[Refusal("cloud", f"cloud {n} %") for n in range(60, 90)] + [Refusal("level", "level L1C")],
        passed_over=[Refusal("cloud", "cloud 95 %, the watch takes up to 80 %")],
        many=True,
    )
    words = looked_words(looked, told="1 new")
    assert "at least 31 rejected by your filter (30 for cloud, 1 for level)" in words
    assert "at least 1 rejected by the watch (cloud 95 %, the watch takes up to 80 %)." in words
