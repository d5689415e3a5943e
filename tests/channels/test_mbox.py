from __future__ import annotations

import mailbox
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.loopback import until
from watcher.channels.mbox import STALE, Kind
from watcher.errors import UsageError
from watcher.model import Notice, Outcome
from watcher.plugins import Channel, build

NOTICE = Notice("key-1", "watcher: 1 new L2A at Pornic", "text\nFrom the start\n", "<p>page</p>")


def send(path: Path, *notices: Notice, channel: Kind | None = None) -> list[Outcome]:
    channel = channel or Kind()
    return [sent.outcome for sent in channel.send([(f"mbox://{path}", notice) for notice in notices])]


def read(path: Path) -> list[mailbox.mboxMessage]:
    box = mailbox.mbox(path, create=False)
    try:
        return list(box)
    finally:
        box.close()


def test_it_is_a_channel():
    channel: Channel = build("channels", "mbox", {}, place="channels.mbox")
    assert channel == Kind()


def test_a_notice_is_appended_to_the_mailbox(tmp_path: Path):
    other = Notice("key-2", "another", "more", "<p>more</p>")
    assert send(tmp_path / "box", NOTICE, other) == [Outcome.SENT] * 2
    mails = read(tmp_path / "box")
    assert [mail["Subject"] for mail in mails] == [NOTICE.subject, "another"]
    assert mails[0].get_payload(0).get_payload() == "text\n>From the start\n"
    assert [part.get_content_type() for part in mails[0].get_payload()] == ["text/plain", "text/html"]


def test_the_mailbox_is_its_owners_alone(tmp_path: Path):
    send(tmp_path / "box", NOTICE)
    assert stat.S_IMODE((tmp_path / "box").stat().st_mode) == 0o600


def test_the_same_notice_has_the_same_message_id(tmp_path: Path):
    send(tmp_path / "box", NOTICE, NOTICE)
    first, second = read(tmp_path / "box")
    assert first["Message-ID"] == second["Message-ID"]


def test_a_subject_cannot_add_a_header(tmp_path: Path):
    hostile = Notice("k", "x\r\nBcc: victim@example.org", "t", "<p>h</p>")
    assert send(tmp_path / "box", hostile) == [Outcome.SENT]
    [mail] = read(tmp_path / "box")
    assert mail["Bcc"] is None
    assert mail["Subject"] == "x Bcc: victim@example.org"


def test_a_mailbox_that_cannot_be_written_fails_and_the_next_is_tried(tmp_path: Path):
    (tmp_path / "directory").mkdir()
    posts = [(f"mbox://{tmp_path}/{name}", NOTICE) for name in ("directory", "no/where", "box")]
    sent = list(Kind().send(posts))
    assert [one.outcome for one in sent] == [Outcome.FAILED, Outcome.FAILED, Outcome.SENT]
    assert f"{tmp_path}/no/where" in str(sent[1].problem)


def test_a_link_is_not_followed(tmp_path: Path):
    (tmp_path / "target").touch()
    (tmp_path / "box").symlink_to(tmp_path / "target")
    assert send(tmp_path / "box", NOTICE) == [Outcome.FAILED]
    assert (tmp_path / "target").read_bytes() == b""


def test_a_mailbox_that_another_program_has_locked_is_waited_for(tmp_path: Path):
    path = tmp_path / "box"
    (tmp_path / "box.lock").touch()  # the dot lock of mail programs
    done: list[Outcome] = []
    thread = threading.Thread(target=lambda: done.extend(send(path, NOTICE)))
    thread.start()
    until(path.exists)
    (tmp_path / "box.lock").unlink()
    thread.join(60)
    assert done == [Outcome.SENT]
    assert len(read(path)) == 1


KILLED = """
import mailbox, os, signal, sys
box = mailbox.mbox(sys.argv[1])
box.lock()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_lock_of_a_program_that_was_killed_keeps_nothing_for_ever(tmp_path: Path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "box")], check=False)
    lock = tmp_path / "box.lock"
    held = time.time() - STALE + 60
    os.utime(lock, (held, held))  # it may still be held
    assert send(tmp_path / "box", NOTICE, channel=Kind(timeout=0.1)) == [Outcome.FAILED]
    os.utime(lock, (held - 120, held - 120))
    assert send(tmp_path / "box", NOTICE) == [Outcome.SENT]
    assert not lock.exists()


def test_a_mailbox_that_stays_locked_fails(tmp_path: Path):
    (tmp_path / "box.lock").touch()
    assert send(tmp_path / "box", NOTICE, channel=Kind(timeout=0.2)) == [Outcome.FAILED]
    assert (tmp_path / "box").read_bytes() == b""


def test_a_stop_ends_the_wait_for_a_lock(tmp_path: Path):
    (tmp_path / "box.lock").touch()
    stop = threading.Event()
    results = Kind(timeout=60).send([(f"mbox://{tmp_path}/box", NOTICE)] * 2, stop=stop)
    timer = threading.Timer(0.2, stop.set)
    timer.start()
    began = time.monotonic()
    assert [sent.outcome for sent in results] == [Outcome.FAILED]
    assert time.monotonic() - began < 30
    timer.join()


@pytest.mark.parametrize("address", ["mbox://", "mbox:", "mbox://host/path", "mbox:relative"])
def test_an_address_without_a_file_is_refused(address: str):
    with pytest.raises(UsageError, match="names no file"):
        Kind().check(address)


def test_an_address_in_a_directory_that_is_not_there_is_refused(tmp_path: Path):
    Kind().check(f"mbox://{tmp_path}/box")
    with pytest.raises(UsageError, match="is not there"):
        Kind().check(f"mbox://{tmp_path}/no/where")
    with pytest.raises(UsageError, match="is no file"):
        Kind().check(f"mbox://{tmp_path}")
