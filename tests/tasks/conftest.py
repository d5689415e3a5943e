"""A clock for each test."""

from __future__ import annotations

import pytest

from tests.given import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()
