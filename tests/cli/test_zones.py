"""The time zone of the machine, by its name."""

from __future__ import annotations

import pytest

from watcher.cli.told.zones import here


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Europe/Paris", "Europe/Paris"),
        (":America/St_Johns", "America/St_Johns"),
        (":/usr/share/zoneinfo/Pacific/Apia", "Pacific/Apia"),
        ("Etc/UTC", "UTC"),
    ],
)
def test_the_zone_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch, said: str, name: str) -> None:
    monkeypatch.setenv("TZ", said)
    assert here() == name


def test_a_zone_without_a_name_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)
    machine = here()
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    assert here() == machine
