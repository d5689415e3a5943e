"""Errors travel between processes with all that was said."""

from __future__ import annotations

import pickle

import pytest

from watcher import errors
from watcher.errors import CatalogueError, HttpError, WatcherError
from watcher.net.tokens import Refused
from watcher.transfer.adopt import AnotherFile

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, WatcherError)]


@pytest.mark.parametrize("kind", [kind for kind in (*KINDS, Refused, AnotherFile) if kind is not HttpError])
@pytest.mark.parametrize("permanent", [True, False, None])
def test_an_error_of_any_kind_is_the_same_after_a_journey(kind: type[WatcherError], permanent: bool | None) -> None:
    error = kind("it broke", hint="mend it", permanent=permanent, retry_after=7.5)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == "it broke"
    assert (again.hint, again.permanent, again.retry_after, again.exit_code) == (
        "mend it",
        error.permanent,
        7.5,
        kind.exit_code,
    )


def test_so_is_an_answer_that_was_not_hoped_for() -> None:
    error = HttpError("503", status=503, body=b"later", retry_after=3.0)
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, CatalogueError)
    assert (str(again), again.status, again.body, again.retry_after, again.permanent) == (
        "503",
        503,
        b"later",
        3.0,
        False,
    )
