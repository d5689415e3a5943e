"""Short stories of the same world that hypothesis makes up, and shortens where one of them ends badly."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.proof.door import FAULTS, Fault, opened
from tests.proof.ground import PLACES
from tests.proof.judge import PUNCTUAL
from tests.proof.models import MODELS
from tests.proof.season import Season

WHICH = st.integers(0, 1000)
LATE = st.sampled_from([0.0, 0.01, 0.5, 1.0]).map(lambda share: share * PUNCTUAL)


@settings(max_examples=12, stateful_step_count=30, suppress_health_check=list(HealthCheck))
class Story(RuleBasedStateMachine):
    @initialize(name=st.sampled_from([name for name in MODELS if name != "GEODES"]), seed=st.integers(0, 9))
    def begins(self, name: str, seed: int) -> None:
        self.around = ExitStack()
        face, answer = MODELS[name]()
        directory = self.around.enter_context(tempfile.TemporaryDirectory())
        door = self.around.enter_context(opened(answer))
        self.season = Season(face, door, Path(directory, "watcher.db"), seed=seed)
        self.around.callback(self.season.close)

    def teardown(self) -> None:
        if hasattr(self, "season"):
            with self.around:
                account = self.season.heals()
                assert account.good, account

    @rule(late=LATE, minutes=st.integers(0, 300))
    def something_is_published(self, late: timedelta, minutes: int) -> None:
        self.season.clock.forward(minutes=minutes)
        self.season.ground.publishes(late=late)

    @rule(which=WHICH, late=LATE)
    def something_is_processed_again(self, which: int, late: timedelta) -> None:
        self.season.ground.revises(which, late=late)

    @rule(which=WHICH, late=LATE)
    def something_is_processed_again_under_a_new_name(self, which: int, late: timedelta) -> None:
        self.season.ground.replaces(which, late=late)

    @rule(which=WHICH)
    def a_record_is_touched(self, which: int) -> None:
        self.season.ground.touches(which)

    @rule(which=WHICH)
    def something_is_deleted(self, which: int) -> None:
        self.season.ground.deletes(which)

    @rule(which=WHICH)
    def something_is_offered_again(self, which: int) -> None:
        self.season.ground.returns(which)

    @rule(place=st.sampled_from(list(PLACES)))
    def a_site_is_added(self, place: str) -> None:
        self.season.adds(place)

    @rule(which=WHICH)
    def a_site_is_removed(self, which: int) -> None:
        self.season.removes(which)

    @rule(which=WHICH)
    def a_site_is_paused_or_goes_on(self, which: int) -> None:
        self.season.pauses(which)

    @rule(days=st.integers(1, 20))
    def nobody_is_there(self, days: int) -> None:
        self.season.clock.forward(days=days)

    @rule()
    def we_restart(self) -> None:
        self.season.restarts()

    @rule(drift=st.sampled_from([0.0, 0.5]))
    def we_poll(self, drift: float) -> None:
        self.season.clock.forward(minutes=15)
        self.season.polls(drift=drift)

    @rule(kind=st.sampled_from(FAULTS), first=st.integers(0, 4), times=st.sampled_from([1, 9]), drift=st.just(0.3))
    def we_poll_and_something_goes_wrong(self, kind: str, first: int, times: int, drift: float) -> None:
        self.season.clock.forward(minutes=15)
        self.season.polls(fault=Fault(kind, first, times), drift=drift)

    @rule(dies_at=st.integers(0, 30), drift=st.sampled_from([0.0, 0.5]))
    def we_poll_and_die(self, dies_at: int, drift: float) -> None:
        self.season.clock.forward(minutes=15)
        self.season.polls(dies_at=dies_at, drift=drift)


TestStory = Story.TestCase
