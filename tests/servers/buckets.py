"""Fixtures: a bucket of S3, Google or Azure. Tests that are for all of them are marked with `EVERYWHERE`."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Protocol

import pytest

from tests.servers.azure import AzureContainer
from tests.servers.gcs import GcsBucket
from tests.servers.s3 import S3Bucket
from tests.servers.way import Sent

EVERYWHERE = pytest.mark.parametrize("bucket", ["s3", "gs", "az"], indirect=True)
ELSEWHERE = pytest.mark.parametrize("bucket", ["gs", "az"], indirect=True)


class AnyBucket(Protocol):
    """A bucket of a test's own, looked at without watcher's help.

    An upload in parts that fails can be aborted, or not (`aborts`); the entity tag `proves` what came in parts, or not.
    """

    endpoint: str
    name: str
    scheme: ClassVar[str]
    aborts: ClassVar[bool]
    proves: ClassVar[bool]

    def make(self) -> None:
        """Make it, empty."""

    def visible(self) -> list[str]:
        """What everybody sees."""

    def uploads(self) -> int:
        """How many objects have parts that are neither complete nor aborted."""

    def read(self, key: str) -> bytes: ...

    def said(self, key: str) -> dict[str, str]:
        """What was put down with an object."""

    def put(self, key: str, content: bytes) -> None: ...

    def put_as(self, sent: Sent, instead: Sent) -> None:
        """Carry out a request behind the back of who sent it, with another body."""

    def settings(self) -> dict[str, Any]:
        """What ``[download.bucket]`` says of it, but for the endpoint and the secret."""

    def secret(self) -> tuple[str, str]:
        """The key and value of the secret."""


@pytest.fixture
def bucket(request: pytest.FixtureRequest) -> AnyBucket:
    """An empty bucket: of S3, where nothing else is asked for."""
    kind, name = getattr(request, "param", "s3"), f"watcher-{uuid.uuid4().hex}"
    made: AnyBucket
    if kind == "gs":
        made = GcsBucket(request.getfixturevalue("gcs"), name)
    elif kind == "az":
        made = AzureContainer(request.getfixturevalue("azure_url"), name)
    else:
        made = S3Bucket(request.getfixturevalue("s3_url"), name)
    made.make()
    return made
