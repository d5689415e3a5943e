"""What follows from a turn of the service's clock."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
from msgspec.structs import replace

from tests.catalogues.loopback import Asked, Reply, answering
from tests.catalogues.pretend_resto import Pretend as PretendResto
from tests.catalogues.pretend_resto import season
from tests.catalogues.pretend_stac import Pretend
from tests.catalogues.spoiling import Spoiling, having
from tests.conftest import Scene
from tests.given import Clock, add_subscription, add_watch, announced, box
from tests.loopback import reply, served
from tests.servers.stac import thing
from watcher import config, jobs, wiring
from watcher.model import Event
from watcher.store import alerts, polls, sites
from watcher.tasks.lateness import Reviewed
from watcher.wiring import Parts

MINUTE = timedelta(minutes=1)


@contextmanager
def watching(home: Path, poll: str = "jitter = 0", *, take5: str = "") -> Iterator[tuple[Parts, sqlite3.Connection]]:
    """The working parts, the catalogue without an interval of its own, and a database with a watch."""
    path = home / "config.toml"
    text = path.read_text().replace('gap = 0\ninterval = "1s"', f"gap = 0\n{take5}")
    path.write_text(text.replace("jitter = 0", poll))
    with closing(Parts(config.load(path), home / "state")) as parts, closing(parts.db()) as db:
        add_watch(db, "Pornic")
        yield parts, db


def turn(of: Parts) -> timedelta:
    """Poll once; say how long after its start the next poll is due."""
    following = jobs.poll(of, "take5", lambda: None)
    assert following.turn is not None
    with closing(of.db()) as db:
        last = polls.last(db, "take5")
    assert last is not None
    return following.turn - last.started


def test_a_catalogue_has_its_next_turn_an_interval_after_this_one_began(home: Path) -> None:
    with watching(home) as (parts, _):
        assert turn(parts) == 15 * MINUTE


def test_a_service_that_has_nothing_to_do_says_why(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    def said(parts: Parts) -> list[str]:
        caplog.clear()
        with caplog.at_level(logging.INFO, "watcher"):
            jobs.tell_of_idleness(parts)
        return [record.getMessage() for record in caplog.records]

    with closing(Parts(config.load(home / "config.toml"), home / "state")) as parts, closing(parts.db()) as db:
        assert said(parts) == ["nothing is watched yet"]
        watch = add_watch(db, "Pornic")
        assert said(parts) == ["nobody is told of anything yet"]
        add_subscription(db)
        assert said(parts) == []
        sites.pause(db, watch.site, since=wiring.now())
        assert said(parts) == ["every site is paused"]


def test_an_interval_of_its_own_is_kept_whatever_the_catalogue_does(home: Path) -> None:
    with watching(home, take5='interval = "20m"') as (parts, db):
        assert turn(parts) == 20 * MINUTE
        db.execute("UPDATE watches SET baselined = '2015-01-01T00:00:00.000Z'")
        assert turn(parts) == 20 * MINUTE


@pytest.mark.parametrize(("bounds", "hours"), [("", 6), ('max_interval = "2h"', 2), ('interval = "8h"', 8)])
def test_a_catalogue_that_has_been_silent_for_months_is_asked_at_the_longest_interval(
    home: Path, bounds: str, hours: int
) -> None:
    with watching(home, f"jitter = 0\n{bounds}") as (parts, db):
        turn(parts)
        db.execute("UPDATE watches SET baselined = '2015-01-01T00:00:00.000Z'")
        assert turn(parts) == timedelta(hours=hours)


def test_the_next_turn_is_spread_by_chance(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with watching(home, 'jitter = "60s"') as (parts, _):
        for chance, late in ((0.0, -MINUTE), (0.5, 0 * MINUTE), (1.0, MINUTE)):
            monkeypatch.setattr("watcher.jobs.polling.chance", lambda drawn=chance: drawn)
            assert turn(parts) == 15 * MINUTE + late


def test_there_is_no_next_turn_where_nothing_is_watched(home: Path) -> None:
    with watching(home) as (parts, db):
        db.execute("DELETE FROM watches")
        assert jobs.poll(parts, "take5", lambda: None) == jobs.Next()


def test_what_a_poll_found_is_written_to_the_feeds_by_a_process_of_its_own(
    home: Path, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with watching(home, f'jitter = 0\n[feeds]\ndirectory = "{home}/out"') as (parts, _):
        jobs.poll(parts, "take5", lambda: None)
        assert [vars(one)["fields"]["sites"] for one in caplog.records if one.msg == "feeds written"] == [1]
        assert (home / "out/sites/pornic/acquisitions.ics").exists()
        scene.play()
        jobs.poll(parts, "take5", lambda: None)
        told = feedparser.parse((home / "out/arrivals.atom").read_bytes()).entries
        arrived = [one for one in scene.catalogue.arrived() if one.level == "LEVEL2A" and one.site.code == "Pornic"]
        assert len(told) == len(arrived)


def test_feeds_that_cannot_be_written_are_logged_and_the_poll_has_gone_well(
    home: Path, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    (home / "file").write_text("")
    with watching(home, f'jitter = 0\n[feeds]\ndirectory = "{home}/file"') as (parts, _):
        scene.play()
        following = jobs.poll(parts, "take5", lambda: None)
        assert following.again is None
        (failed,) = [vars(one)["fields"] for one in caplog.records if one.levelno == logging.ERROR]
        assert str(failed["error"]).startswith(f"the feeds in {home}/file cannot be written")


def test_what_is_late_is_told_of_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Parts, "lateness", lambda *_: Reviewed(("an L2A is overdue",)))
    with watching(home) as (parts, _):
        assert jobs.poll(parts, "take5", lambda: None).soon == ("notify", "download")


def test_a_collection_in_which_nothing_appears_is_left_out_of_most_polls(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "watcher")
    with watching(home) as (parts, db):
        add_watch(db, "Pornic", collection="SPOT4")
        turn(parts)
        db.execute(
            "UPDATE watches SET baselined = '2015-01-01T00:00:00.000Z' WHERE collection ="
            " (SELECT number FROM collections WHERE name = 'SPOT4')"
        )
        db.execute("UPDATE watches SET reconcile = '9999-01-01T00:00:00.000Z'")
        assert turn(parts) == 15 * MINUTE
        polled = [vars(record)["fields"] for record in caplog.records if record.msg == "polled"]
        assert [(one["asked"], one.get("resting")) for one in polled] == [(2, None), (1, 1)]
        assert parts.poll(db, "take5").asked == 2, "by hand everything is asked"


# What is listed again once a week


class Sky:
    """A STAC catalogue on loopback with a site past its baseline, and a service whose time is turned by hand."""

    def __init__(self, url: str, home: Path, log: pytest.LogCaptureFixture, clock: Clock) -> None:
        settings = f'kind = "stac"\nurl = "{url}"\ncollections = {{ things = "L2A" }}\ngap = 0'
        path = home / "sky.toml"
        path.write_text(f"[catalogues.sky]\n{settings}\n[poll]\njitter = 0\n")
        self.server = Pretend([])
        self.refuses: Reply | None = None  # to what asks for everything, not for news
        self.parts = Parts(config.load(path), home / "sky")
        self.db = self.parts.db()
        self.log, self.clock = log, clock
        self.lists("P0", days=3)
        add_watch(self.db, "Field", catalogue="sky", collection="things", geometry=box(1, 43, 2, 44), level=None)

    def __call__(self, asked: Asked) -> Reply:
        return self.server(asked) if self.refuses is None or b'"query"' in asked.body else self.refuses

    def lists(self, name: str, *, days: float) -> None:
        """Publish a product that the catalogue says it learnt of so many days ago."""
        time = (self.clock.time - timedelta(days=days)).isoformat().replace("+00:00", "Z")
        self.server.items.append({**thing(name, time, acquired=time), "collection": "things"})

    def turn(self, **later: float) -> tuple[jobs.Next, list[dict[str, Any]]]:
        """Let the service take its turn, so much later; return what follows and what it logged of reconciles."""
        self.clock.forward(**later)
        self.log.clear()
        following = jobs.poll(self.parts, "sky", lambda: None)
        return following, [vars(one)["fields"] for one in self.log.records if one.msg.startswith("reconcile")]


@pytest.fixture
def sky(home: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sky]:
    clock = Clock()
    for module in ("jobs.polling", "jobs.notices", "jobs.health", "wiring"):
        monkeypatch.setattr(f"watcher.{module}.now", clock)
    monkeypatch.setattr("watcher.net.client.backoff", lambda *_: 0.0)
    caplog.set_level(logging.INFO, "watcher")
    made: list[Sky] = []
    with answering(lambda asked: made[0](asked)) as (url, _):
        made.append(Sky(url, home, caplog, clock))
        with closing(made[0].parts), closing(made[0].db):
            yield made[0]


def test_the_service_lists_everything_again_once_a_week_and_tells_what_was_missed(sky: Sky) -> None:
    assert sky.turn()[1] == []
    sky.lists("news", days=0)
    for later in ({"days": 5}, {"days": 1}):
        sky.turn(**later)
    sky.lists("hidden", days=12)  # stamped further back than polls ask
    following, again = sky.turn(hours=12)
    assert (following.soon, again) == ((), [])
    following, again = sky.turn(hours=12)
    assert again == [{"catalogue": "sky", "sites": 1, "asked": 1, "listed": 3, "found": 1, "arrived": 1, "mended": 1}]
    assert sky.log.records[-1].levelno == logging.WARNING
    assert following.soon == ("notify", "download")
    assert announced(sky.db) == [("Field", "news", "new"), ("Field", "hidden", "new")]
    # Where something was missed it looks again the next day; then all is well for another week.
    assert sky.turn(minutes=15)[1] == []
    assert [one.get("mended") for one in sky.turn(days=1)[1]] == [None]
    assert sky.turn(days=6)[1] == []
    assert len(sky.turn(days=1)[1]) == 1


def test_a_reconcile_that_fails_is_not_repeated_at_each_poll(sky: Sky) -> None:
    sky.turn()
    sky.lists("news", days=0)
    sky.refuses = Reply(500, b"{}")
    following, (failed,) = sky.turn(days=8)
    assert "problem" in failed
    assert following.soon == ("notify", "download")  # what the poll found is told all the same
    assert following.again is None
    for _ in range(3):
        assert sky.turn(minutes=15)[1] == []
    sky.refuses = None
    (again,) = sky.turn(days=1)[1]
    assert "problem" not in again
    assert sky.turn(days=6)[1] == []
    assert len(sky.turn(days=1)[1]) == 1


def test_a_reconcile_that_a_stop_cuts_short_is_no_trouble_and_due_at_the_next_start(sky: Sky) -> None:
    sky.turn()
    add_watch(sky.db, "Far", catalogue="sky", collection="things", geometry=box(11, 43, 12, 44), level=None)
    sky.turn(minutes=15)
    sky.lists("news", days=0)
    answer = sky.server.__call__

    def stopped_then(asked: Asked) -> Reply:
        if b'"query"' not in asked.body:
            sky.parts.stop.set()
        return answer(asked)

    sky.server = stopped_then  # type: ignore[assignment]
    _, (told,) = sky.turn(days=8)
    assert "problem" not in told
    assert [one.msg for one in sky.log.records if one.levelno > logging.INFO] == []
    assert sky.log.records[-1].msg == "reconcile cut short"
    sky.parts.stop.clear()
    (again,) = sky.turn(minutes=1)[1]
    assert "problem" not in again


def test_a_server_that_wants_to_be_left_alone_has_its_next_turn_then(sky: Sky) -> None:
    sky.turn()
    sky.lists("news", days=0)
    sky.refuses = Reply(429, b"{}", headers={"Retry-After": "7200"})
    following, (failed,) = sky.turn(days=8)
    assert "problem" in failed
    assert following.turn is not None
    assert following.turn >= sky.clock.time + timedelta(minutes=119)
    last = polls.last(sky.db, "sky")
    assert last is not None
    assert last.problem is None
    assert last.not_before is not None


def test_many_sites_are_reconciled_some_at_a_time(sky: Sky, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(7):
        ground = box(1, 43, 2 + number / 10, 44)
        add_watch(sky.db, f"S{number}", catalogue="sky", collection="things", geometry=ground, level=None)
    sky.turn()
    monkeypatch.setattr(wiring, "_SOME", 3)
    assert [one["sites"] for one in sky.turn(days=8)[1]] == [3, 3, 2]
    # One that takes long lets the next poll go first, and goes on at its next turn.
    monkeypatch.setattr(wiring, "_LONG", 0.0)
    turns = [sky.turn(**later)[1] for later in ({"days": 8}, *[{"minutes": 15}] * 3)]
    assert [[one["sites"] for one in again] for again in turns] == [[3], [3], [2], []]


def test_one_site_in_trouble_keeps_no_other_from_being_reconciled(sky: Sky) -> None:
    add_watch(sky.db, "Other", catalogue="sky", collection="gone", geometry=box(1, 43, 2, 44), level=None)
    sky.turn()
    sky.lists("news", days=0)
    following, (again,) = sky.turn(days=8)
    assert following.again is not None
    assert (again["sites"], again["listed"]) == (1, 2)


def test_a_catalogue_that_does_not_answer_is_not_asked_for_everything(sky: Sky) -> None:
    sky.turn()
    asked = len(sky.server.searches)
    sky.server.heavy = 0
    following, again = sky.turn(days=8)
    assert (again, following.again is not None) == ([], True)
    assert all("query" in one for one in sky.server.searches[asked:])


def test_a_collection_that_is_gone_is_asked_for_again_at_the_usual_turn(home: Path) -> None:
    with watching(home) as (parts, db):
        db.execute("UPDATE collections SET name = 'SPOT9'")
        following = jobs.poll(parts, "take5", lambda: None)
        last = polls.last(db, "take5")
    assert last is not None
    assert last.problem is not None
    assert "SPOT9" in last.problem
    assert following.again is None


def test_the_heartbeat_is_called_after_a_poll_that_went_well_and_its_failure_is_said_once(
    sky: Sky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.net.heartbeat._APART", 0.0)
    status = 200
    with served(lambda request, connection: reply(status)) as peer:
        health = replace(sky.parts.config.health, heartbeat=peer.url("/ping/secret"))
        sky.parts.config = replace(sky.parts.config, health=health)
        sky.turn()
        assert peer.targets == ["/ping/secret"]
        usual, sky.server.heavy = sky.server.heavy, 0
        sky.turn(minutes=15)
        last = polls.last(sky.db, "sky")
        assert last is not None
        assert last.problem is not None
        assert len(peer.targets) == 1
        sky.server.heavy, status = usual, 404
        said = []
        for _ in range(2):
            sky.turn(minutes=15)
            said.append([record.msg for record in sky.log.records if record.msg.startswith("heartbeat")])
    assert said == [["heartbeat is not heard"], []]
    assert len(peer.targets) == 3


def test_a_heartbeat_that_is_no_address_is_no_trouble_of_the_poll(sky: Sky) -> None:
    health = replace(sky.parts.config.health, heartbeat="nowhere")
    sky.parts.config = replace(sky.parts.config, health=health)
    sky.turn()
    assert "heartbeat cannot be called" in [record.msg for record in sky.log.records]


def test_a_look_that_finds_trouble_makes_notices_due(sky: Sky) -> None:
    add_subscription(sky.db, "mail:ops@example.org", events=(Event.HEALTH,))
    assert jobs.look(sky.parts).soon == ()
    sky.refuses = Reply(500, b"{}")
    soon = [sky.turn(minutes=15)[0].soon for _ in range(3)]
    assert soon == [("health",)] * 3
    assert jobs.look(sky.parts).soon == ("notify",)
    assert jobs.look(sky.parts).soon == ()
    (said,) = [vars(record)["fields"] for record in sky.log.records if record.msg == "health"]
    assert said["title"] == "sky cannot be read"


def test_a_self_test_that_fails_is_told_of_and_held_again_soon(sky: Sky, monkeypatch: pytest.MonkeyPatch) -> None:
    add_subscription(sky.db, "mail:ops@example.org", events=(Event.HEALTH,))
    monkeypatch.setattr("watcher.canary.rehearse", lambda like, *, now: "the bird is gone")
    following = jobs.rehearse(sky.parts)
    assert (following.sound, following.soon) == (False, ("notify",))
    assert following.again is not None
    assert jobs.rehearse(sky.parts).soon == ()
    monkeypatch.undo()
    monkeypatch.setattr("watcher.canary.rehearse", lambda like, *, now: None)
    following = jobs.rehearse(sky.parts)
    assert (following.sound, following.soon, following.again) == (True, ("notify",), None)
    assert [alert.title for alert in alerts.open_now(sky.db)] == []


def test_a_self_test_that_cannot_be_held_says_nothing_of_watcher(sky: Sky, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(like: object, *, now: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("watcher.canary.rehearse", full)
    assert jobs.rehearse(sky.parts) == jobs.Next()


def test_jobs_that_stand_still_are_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    before: list[str] = []
    with caplog.at_level(logging.INFO, logger="watcher"):
        for stuck in ([], ["poll take5"], ["poll take5"], ["download", "poll take5"], [], []):
            jobs.tell_of_standstill(stuck, before)
            before = stuck
    told = [(record.msg, vars(record)["fields"].get("jobs")) for record in caplog.records]
    assert told == [("no progress", "poll take5"), ("no progress", "download,poll take5"), ("progress again", None)]


def test_downloads_that_another_process_is_at_are_told_of_once(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = caplog.at_level(logging.INFO, logger="watcher")
    with log, watching(home) as (parts, _), parts.lock("download", what="downloading"):
        for _ in range(3):
            jobs.fetch(parts, lambda: None)
    (told,) = caplog.records
    assert told.msg == "download postponed"
    assert "already running" in str(vars(told)["fields"]["reason"])


def test_that_the_archive_has_no_room_is_told_of_once_whatever_waits_for_it(
    home: Path, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="watcher")
    with watching(home) as (parts, db):
        jobs.poll(parts, "take5", lambda: None)
        scene.play()
        jobs.poll(parts, "take5", lambda: None)
        reserve, archive = parts.config.download.reserve, parts.keeping.archive.disk
        for free in (1 << 60, reserve):
            full = replace(parts.config, download=replace(parts.config.download, reserve=free))
            with closing(Parts(full, home / "state")) as other:
                other.downloads.idle = parts.downloads.idle
                caplog.clear()
                for _ in range(3):
                    db.execute("UPDATE downloads SET due = '2015-01-01T00:00:00.000Z' WHERE due IS NOT NULL")
                    jobs.fetch(other, lambda: None)
                said = [record.msg for record in caplog.records]
                parts.downloads.idle = other.downloads.idle
            if free != reserve:
                assert said == ["downloads wait for the archive"]
                assert "must stay free" in str(vars(caplog.records[0])["fields"]["problem"])
        assert said
        assert set(said) == {"downloaded"}
        assert len(list(archive.rglob("*.tgz"))) == len(said)
        assert parts.downloads.idle is None


def test_hooks_that_another_process_runs_are_told_of_once_until_that_changes(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="watcher")
    with watching(home) as (parts, _):
        for _ in range(2):
            with parts.lock("hooks", what="running hooks"):
                for _ in range(3):
                    jobs.run_hooks(parts, lambda: None)
            jobs.run_hooks(parts, lambda: None)
    assert [record.msg for record in caplog.records] == ["hooks postponed"] * 2
    assert "already running" in str(vars(caplog.records[0])["fields"]["reason"])


def test_what_cannot_be_read_is_in_the_log_of_the_poll_and_health_looks_at_once(
    home: Path, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    held = season(20, per_second=1)
    server = Spoiling(PretendResto(held))
    config_file = home / "config.toml"
    with answering(server) as (url, _):
        config_file.write_text(config_file.read_text().replace(scene.catalogue.url, url))
        with watching(home) as (parts, db):
            add_watch(db, "Litchfield", catalogue="take5")
            assert "health" not in jobs.poll(parts, "take5", lambda: None).soon
            server.spoilt[held[3].id] = having(properties=None)
            assert "health" in jobs.poll(parts, "take5", lambda: None).soon
            jobs.look(parts)
    polled = [vars(one)["fields"] for one in caplog.records if one.msg in ("polled", "poll failed")]
    assert [fields.get("unread") for fields in polled] == [None, 1]
    told = [vars(one)["fields"]["title"] for one in caplog.records if one.msg == "health"]
    assert told == ["take5 lists an item that cannot be read"]
