"""From a catalogue's quicklooks to the pictures in a mail, by the commands that people run."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

from tests.conftest import Scene, Watcher
from tests.hostile import Page


def mails(box: Path) -> list[EmailMessage]:
    return [
        email.message_from_bytes(part.partition(b"\n")[2], policy=email.policy.default)
        for part in box.read_bytes().split(b"\nFrom ")
    ]


def pictures(mail: EmailMessage) -> list[bytes]:
    return [part.get_content() for part in mail.walk() if part.get_content_type() == "image/jpeg"]


def test_a_mail_shows_what_arrived_beside_what_was_there(watcher: Watcher, home: Path, scene: Scene) -> None:
    watcher("add-site", "Pornic", "--level", "L2A")
    watcher("poll")
    watcher("subscribe", f"mbox://{home}/mail")
    scene.play()
    watcher("poll")
    assert "sent to" in watcher("notify").out
    [mail] = mails(home / "mail")
    page = mail.get_body(("html",))
    assert page is not None
    shown = Page(page.get_content())
    words = [str(picture["alt"]).partition(":")[0] for picture in shown.pictures()]
    assert words[0] == "before"
    assert set(words[1:]) == {"new"}
    assert all(picture.startswith(b"\xff\xd8\xff") for picture in pictures(mail))
    assert len(pictures(mail)) == len(words) == len(list((home / "state" / "quicklooks").iterdir()))
    assert "Looked at since" in shown.words


def test_a_notice_goes_without_pictures_where_they_cannot_be_had_or_are_not_wanted(
    watcher: Watcher, home: Path, scene: Scene
) -> None:
    watcher("add-site", "Pornic", "--level", "L2A", "--announce-existing")
    for name in ("one", "two"):
        watcher("subscribe", f"mbox://{home}/{name}")
    watcher("poll")
    scene.catalogue.close()
    config = (home / "config.toml").read_text()
    (home / "config.toml").write_text(config.replace("[notify]", "[notify]\npictures = false"))
    (home / "two").mkdir()  # so that it has to be tried again
    said = watcher("notify")
    assert "without the quicklook" not in said.err
    assert [pictures(mail) for mail in mails(home / "one")] == [[]]
    (home / "config.toml").write_text(config)
    (home / "two").rmdir()
    watcher("retry")
    said = watcher("notify")
    assert said.out.startswith("sent to")
    assert "without the quicklook http://127.0.0.1" in said.err
    assert [pictures(mail) for mail in mails(home / "two")] == [[]]
