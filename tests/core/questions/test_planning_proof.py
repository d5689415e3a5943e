"""What the choice of questions promises, whatever is watched, measured and known: nothing is asked too late to be told.

Watches that all asks serve once, at places that they cover, are in `test_planning`. Here: how far back they are asked
for, and that over days of polls, some of which fail, no publication slips between two questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.given import L1C, L2A, NOW, box, changed, site, watch
from watcher.core.questions.asking import Ask, Load, Way, newest
from watcher.core.questions.choosing import SOUND_AGAIN
from watcher.core.questions.places import BEGINNING
from watcher.core.questions.planning import plan
from watcher.core.questions.reach import LEAST, MOST_PRODUCTS, MOST_REQUESTS, OVERLAP, REREAD, onward, overlap
from watcher.model import Capability, Watch

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONGEST = timedelta(hours=6)
"""No interval between polls is longer."""

FIELDS = [site(number, f"Field {number}", box(number, 40, number + 0.5, 40.5)) for number in range(1, 7)]
AGES = st.none() | st.integers(0, 60 * 24).map(lambda hours: NOW - hours * HOUR)
BY_GROUND = st.builds(
    watch,
    st.just(0),
    st.sampled_from(FIELDS),
    level=st.sampled_from([L1C, L2A, None]),
    code=st.none(),
    collection=st.sampled_from(["SPOT4", "SPOT5"]),
    baselined=AGES,
    cursor=AGES,
    reread=AGES,
)
BY_CODE = st.builds(
    watch,
    st.just(0),
    st.sampled_from([changed(field, geometry=None) for field in FIELDS]),
    level=st.sampled_from([L1C, L2A]),
    baselined=AGES,
    cursor=AGES,
    reread=AGES,
)
WATCHES = st.lists(BY_GROUND | BY_CODE, max_size=15).map(
    lambda listed: [changed(one, number=number) for number, one in enumerate(listed, 1)]
)
LEARNING = st.builds(
    Capability,
    learns=st.just(True),
    codes=st.booleans(),
    sweeps=st.booleans(),
    places=st.sampled_from([1, 3, 50]),
    page=st.sampled_from([20, 100, 500]),
)
LATE = st.dictionaries(st.integers(0, 5000), st.integers(1, 3000), max_size=4)
QUIET = st.none() | st.floats(0, 20)
BUSY = st.none() | st.floats(0, 50_000)
SOUNDED = st.none() | st.integers(0, 14).map(lambda days: NOW - days * DAY)


def loads(rates: st.SearchStrategy[float | None]) -> st.SearchStrategy[dict[str, Load]]:
    load = st.builds(Load, rates, rates, rates, LATE, SOUNDED, st.booleans())
    return st.dictionaries(st.sampled_from(["SPOT4", "SPOT5"]), load)


def due(one: Watch) -> bool:
    return one.reread is None or NOW - one.reread >= REREAD


@given(WATCHES, LEARNING, loads(QUIET))
def test_each_watch_is_asked_for_as_far_back_as_was_promised(
    watches: list[Watch], can: Capability, measured: dict[str, Load]
) -> None:
    for ask in plan(watches, can, now=NOW, loads=measured):
        for one in ask.watches:
            since = ask.query.learnt_since
            if ask.whole:
                assert since is None
                assert one.baselined is None
                continue
            assert since is not None
            assert one.baselined is not None
            load = measured.get(one.collection, Load())
            if one.cursor is None:
                assert since <= one.baselined - BEGINNING
            else:
                assert since <= one.cursor - overlap(load.late) <= one.cursor - LEAST
                if ask.far:
                    assert since <= one.cursor - OVERLAP
            assert ask.far or not due(one), "what is due is asked for at once"


@given(WATCHES, LEARNING, loads(BUSY))
def test_no_question_is_meant_to_be_longer_than_adapters_read(
    watches: list[Watch], can: Capability, measured: dict[str, Load]
) -> None:
    for ask in plan(watches, can, now=NOW, loads=measured):
        if ask.way is Way.SWEEP:
            rate = measured[ask.query.collection].everywhere
            assert rate is not None
            assert ask.query.learnt_since is not None
            assert ask.requests <= MOST_REQUESTS
            oldest = min(one.cursor or one.baselined or NOW for one in ask.watches) - BEGINNING
            assert ask.query.learnt_since <= oldest + BEGINNING
            assert rate * ((NOW - ask.query.learnt_since) / DAY) <= MOST_PRODUCTS * (1 + 1e-9)


@given(WATCHES, LEARNING, loads(BUSY))
def test_a_collection_is_swept_once_at_most_and_sounded_only_where_that_is_not_known(
    watches: list[Watch], can: Capability, measured: dict[str, Load]
) -> None:
    asks = plan(watches, can, now=NOW, loads=measured)
    for collection in ("SPOT4", "SPOT5"):
        load = measured.get(collection, Load())
        ways = [ask.way for ask in asks if ask.query.collection == collection]
        assert ways.count(Way.SWEEP) <= (can.sweeps and load.everywhere is not None and not load.failed)
        stale = load.sounded is None or NOW - load.sounded >= SOUND_AGAIN
        assert ways.count(Way.SOUNDING) <= (can.sweeps and stale and not load.failed)
        assert not {Way.SWEEP, Way.SOUNDING} <= set(ways)


STEPS = st.lists(
    st.tuples(
        st.integers(5, 360).map(lambda minutes: timedelta(minutes=minutes)),
        st.integers(0, 0b111111),
        st.integers(-1, 200).map(lambda minutes: timedelta(minutes=minutes)),
    ),
    min_size=1,
    max_size=25,
)
"""The time until each poll, which of its questions fail (by bit), and how old the newest product of an answer is."""


@given(STEPS, LEARNING, loads(BUSY), st.integers(0, 12))
def test_nothing_slips_between_two_questions(
    steps: list[tuple[timedelta, int, timedelta]], can: Capability, measured: dict[str, Load], pause: int
) -> None:
    """What came to light at some time, no later than questions go back, is asked for by the next one that succeeds."""
    watches = [
        watch(one.number, one, code=None, baselined=NOW, cursor=NOW - 2 * HOUR, reread=NOW) for one in FIELDS[:4]
    ]
    now = NOW
    passed = dict.fromkeys((one.number for one in watches), NOW)
    far = dict(passed)
    for number, (step, failing, age) in enumerate(steps):
        now += step + (pause * DAY if number == len(steps) // 2 else timedelta(0))
        for index, ask in enumerate(plan(watches, can, now=now, loads=measured)):
            if failing >> index & 1:
                continue
            for one in ask.watches:
                assert ask.query.learnt_since is not None
                # Since it was last asked for anything may have come to light, as late as LEAST.
                assert ask.query.learnt_since <= passed[one.number] - LEAST
                passed[one.number] = now
                far[one.number] = now if ask.far else far[one.number]
            watches = [moved(one, ask, now=now, learnt=now - age) for one in watches]
        if not failing and not pause:
            assert all(now - time <= REREAD + LONGEST for time in far.values()), "once a day"


def moved(one: Watch, ask: Ask, *, now: datetime, learnt: datetime) -> Watch:
    """Do to a watch what a poll does when its question was answered."""
    if one.number not in {served.number for served in ask.watches}:
        return one
    reached = newest(one.cursor, learnt, now=now)
    cursor = onward(one.cursor, reached, since=one.cursor or NOW, looked=one.reread)
    return changed(one, cursor=cursor, reread=now if ask.far else one.reread)


@given(st.lists(st.tuples(st.integers(1, 10 * 24), st.booleans()), min_size=2, max_size=20))
def test_a_cursor_passes_more_than_three_days_only_where_they_were_looked_at_twice(
    steps: Sequence[tuple[int, bool]],
) -> None:
    one = watch(1, FIELDS[0], code=None, baselined=NOW, cursor=NOW, reread=NOW)
    now = NOW
    looks: list[tuple[datetime, datetime]] = []
    for hours, answered in steps:
        now += hours * HOUR
        (ask,) = plan([one], Capability(learns=True, codes=False), now=now)
        if answered:
            assert ask.query.learnt_since is not None
            before, one = one.cursor, moved(one, ask, now=now, learnt=now)
            looks.append((ask.query.learnt_since, now))
            assert before is not None
            assert one.cursor is not None
            # Whatever is now too old to be asked for again was asked for twice since it came, or is older than that.
            lost = one.cursor - OVERLAP
            if one.cursor > before and lost > before:
                assert sum(since <= before and when >= lost for since, when in looks) >= 2
