"""The process that writes feeds for the service: the memory that it takes goes with it.

    python -P -m watcher.tasks.feeds < asked.json > answer.json

It writes with the same code as `watcher feeds`, and says in JSON what it wrote, or what went wrong.
"""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from watcher.decoding import decoder
from watcher.errors import WatcherError
from watcher.store.connection import connect, naming
from watcher.tasks.feeds import write
from watcher.tasks.feeds.child import Answer, Asked


def main() -> None:
    """Write the feeds that are due."""
    asked = decoder(Asked).decode(sys.stdin.buffer.read())
    database = Path(asked.database)
    try:
        with naming(database), closing(connect(database)) as db:
            answer = Answer(wrote=write(db, Path(asked.directory), asked.terms, now=datetime.now(UTC)))
    except WatcherError as error:
        answer = Answer(problem=str(error), hint=error.hint)
    sys.stdout.buffer.write(msgspec.json.encode(answer))


if __name__ == "__main__":
    main()
