"""What chats get: the short form, as long as the service has room for, in one message, with one picture."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.channels.conftest import Hook
from tests.channels.test_letters import JPEG, notice
from watcher.channels._sending.fitting import fitted
from watcher.channels.apprise import Kind, _post
from watcher.core.notices import compose
from watcher.core.wording import Told
from watcher.model import Event, Level, Notice, Outcome, Product

TOKEN = "a" * 32


def busy(sites: int = 12, each: int = 5) -> Notice:
    """A day of news: too much for any chat."""
    first = datetime(2015, 6, 1, 10, 30, tzinfo=UTC)
    told = [
        Told(
            Event.NEW,
            f"Site & <co> {n:02}",
            Product(
                "SPOT5",
                f"{n}-{k}",
                f"SPOT5_HRG1_XS_{n:02}_{k}",
                Level("L2A"),
                first + timedelta(days=k),
                "1",
                link=f"https://catalogue.example.org/resto/collections/SPOT5/{n}_{k}.json?a=b&c=d",
            ),
            "take5",
        )
        for n in range(sites)
        for k in range(each)
    ]
    return compose(told, key="key-1", footer="watcher unsubscribe 3")


def test_a_chat_gets_a_few_lines_for_each_site_with_links(hook: Hook):
    [sent] = Kind().send([(hook.url("mmost?", scheme="mmost").replace("mmost?", TOKEN), busy(2))])
    assert (sent.outcome, sent.answer) == (Outcome.SENT, "200 OK")
    [(path, _, body)] = hook.posts
    assert path == f"/hooks/{TOKEN}"
    lines = body["text"].splitlines()
    assert lines[0] == "watcher: 10 new L2A at Site & <co> 00 and Site & <co> 01"
    assert lines.count("Site & <co> 00") == 1
    assert sum(line.startswith("• new L2A: 2015-06-0") for line in lines) == 6
    assert sum(line.startswith("  https://catalogue.example.org/") for line in lines) == 6
    assert lines[-2:] == ["and 4 more: watcher products", "watcher unsubscribe 3"]


SERVICES = {
    "telegram": ("tgram://123456789:" + "a" * 35 + "/12345", 4096),
    "telegram in markdown": ("tgram://123456789:" + "a" * 35 + "/12345?format=markdown", 4096),
    "discord": ("discord://" + "1" * 18 + "/" + "a" * 68, 2000),
    "pushover": (f"pover://{'u' * 30}@{'t' * 30}", 1024),
    "teams workflows": (f"workflow://example.org/{TOKEN}/{TOKEN}", 1000),
    "rocket chat": (f"rocket://{'a' * 24}/{'b' * 43}@example.org/#room", 1000),
    "slack": ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#nuxref", 35000),
    "ntfy": ("ntfy://example.org/topic", 7800),
    "zulip": (f"zulip://bot@example/{'a' * 32}/stream", 10000),
    "an sms": ("nexmo://12345678:abcdefghijklmnop@15551234567/15551234567", 160),
    "irc": ("irc://watcher@example.org/#watch", 380),
    "an sms split by its owner": ("nexmo://12345678:abcdefghijklmnop@15551234567/15551234567?overflow=split", 160),
    "discord split by its owner": ("discord://" + "1" * 18 + "/" + "a" * 68 + "?overflow=split", 2000),
}


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # of Apprise's, on Python 3.11
@pytest.mark.parametrize("name", SERVICES)
def test_a_long_notice_is_shortened_to_one_message_and_says_how_much_is_missing(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    """Apprise itself, as far as the call of the plug-in that would ask the service."""
    from apprise import Apprise, NotifyFormat

    url, room = SERVICES[name]
    service: Any = Apprise.instantiate(url)
    assert service is not None, "Apprise does not know this address any more"
    assert service.body_maxlen == room
    handed: list[dict[str, Any]] = []
    monkeypatch.setattr(service, "send", lambda **what: handed.append(what) or True)
    for long in (busy(), busy(1, 2)):
        post = msgspec.to_builtins(_post(0, url, long))
        title, text = fitted(service, post)
        apprise = Apprise()
        apprise.add(service)
        assert apprise.notify(title=title, body=text, body_format=NotifyFormat.TEXT)
        [what] = handed
        handed.clear()
        assert len(what["body"].encode("utf-16-le")) // 2 <= room
        assert "watcher: " in what["title"] + what["body"]
        told = len(re.findall(r"new L2A: ", text))
        total = long.text.count("new L2A: ")
        if room >= 1000 and told < total:
            assert f"and {total - told} more: watcher products" in text


def test_a_service_with_no_room_for_anything_else_gets_the_subject():
    from apprise import Apprise

    url, _ = SERVICES["an sms"]
    post = msgspec.to_builtins(_post(0, url, notice("key-1", "A site with a name " * 20)))
    title, text = fitted(Apprise.instantiate(url), post)
    assert title == ""
    assert text.startswith("watcher: 1 new L2A at A site with a name")
    assert len(text) <= 160


def test_a_service_that_takes_pictures_gets_one_the_newest(hook: Hook):
    again = msgspec.structs.replace(notice(), again=True)
    posts = [
        (hook.url("ok"), notice()),
        (hook.url("15551234567/15551234568", scheme="signal"), notice()),
        (hook.url(TOKEN, scheme="apprise"), notice()),  # wants a file, as half of the services do
        (hook.url("again"), again),  # it may be the picture that was not taken
    ]
    assert [sent.outcome for sent in Kind().send(posts)] == [Outcome.SENT] * 4
    bodies = {path: body for path, _, body in hook.posts}
    picture = base64.b64encode(JPEG).decode()
    [attached] = bodies["/ok"]["attachments"]
    assert (attached["base64"], attached["mimetype"]) == (picture, "image/jpeg")
    assert attached["filename"] == "new-acquisition-unknown-L2A-cloud-unknown.jpg"
    [form] = [body for body in bodies.values() if isinstance(body, bytes)]
    assert JPEG in form
    [encoded] = bodies["/v2/send"]["base64_attachments"]
    assert encoded.endswith(picture)
    assert not bodies["/again"].get("attachments")


def test_an_address_that_is_gone_is_told_from_a_service_in_trouble(hook: Hook):
    expected = {401: True, 403: True, 404: True, 410: True, 408: False, 429: False, 500: False, 503: False}
    plain = msgspec.structs.replace(notice(), pictures=())
    posts = [(hook.url(f"status{status}"), notice()) for status in (*expected, 400)]
    for sent in Kind().send([*posts, (hook.url("status400"), plain)]):
        # What may have been refused for its picture is tried without.
        status, permanent = [*expected.items(), (400, False), (400, True)][sent.index]
        assert (sent.outcome, sent.permanent) == (Outcome.FAILED, permanent), sent
        assert str(sent.answer).startswith(f"{status} ")


def test_every_service_has_room_for_something():
    """So that nothing is lost because a plug-in states its limits in a new way."""
    from apprise import NotificationManager

    plugins: Any = NotificationManager
    manager = plugins()
    for schema in manager.schemas():
        limit = manager[schema].body_maxlen
        assert isinstance(limit, property) or limit > 60, schema
