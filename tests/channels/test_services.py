"""Every service that Apprise knows: its addresses reach it as they are written."""

from __future__ import annotations

import importlib.util

import pytest

from watcher.channels import family, resolved
from watcher.channels._child import Answer, Child, Post
from watcher.channels.apprise import Kind
from watcher.errors import UsageError


@pytest.mark.skipif(importlib.util.find_spec("paho") is not None, reason="what MQTT needs is installed here")
def test_a_service_that_needs_a_package_more_says_so():
    with pytest.raises(UsageError, match="disabled") as caught:
        Kind().check("mqtt://broker.example.org/topic")
    assert 'pip install "apprise[all-plugins]"' in str(caught.value.hint)


SERVICES = (
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#l2a",
    "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "tgram://123456789:abcdefg_hijklmnop/12315544",
    "workflows://prod-00.westus.logic.azure.com:443/643e69f83c8944438d68119179a10a64/KODuebWbDGYFr0z0eu-6Rj8aUKz7108W",
    "matrixs://user:password@matrix.example.org/#room",
    "ntfys://ntfy.example.org/topic",
    "gotifys://gotify.example.org/ABCDEFGHIJKLMNO",
    "mmosts://mattermost.example.org/3ccdd113474722377935511fc85d3dd4",
    "rockets://user:password@rocket.example.org/#channel",
    "pover://a3k9hpb1m7x2cd4efgh5jklmno6pqr@a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5",
    "gchat://AAAAbbbbCCC/key/token",
    "pagerduty://A1BRTD4JD@TIiajkdnlazkcOXrIdevi7FQ",
    "opsgenie://a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "jsons://user:password@hooks.example.org/watcher",
    "mailtos://user:password@smtp.example.org?from=watcher@example.org&to=jane@example.org",
)


def test_the_addresses_of_services_that_people_use_reach_apprise_as_they_are_written():
    answers: list[Answer] = []
    with Child() as child:
        for index, url in enumerate(SERVICES):
            assert family(url) == "apprise"
            assert resolved(url, mail_url=None) == url
            child.give(Post(index, url))
        while len(answers) < len(SERVICES):
            came = child.answers(1)
            assert came is not None, child.last_words()
            answers += came
    assert [(SERVICES[one.index], one.log) for one in answers if not one.sent] == []
