"""The commands that are run for products that came home, by the `[hooks]` tables."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.config import Config
from watcher.errors import WatcherError
from watcher.model import Finding
from watcher.store import ahead
from watcher.store.locks import holding
from watcher.wiring.catalogues import Catalogues
from watcher.wiring.clock import chance, now
from watcher.wiring.keeping import Keeping

if TYPE_CHECKING:
    from watcher.tasks.hooks import Ran
    from watcher.tasks.hooks.leash import Living

_HOOKS_LOCK = "hooks.lock"
_LEASH = "hook.running"


class Hooks:
    """Commands, run one at a time by one watcher."""

    def __init__(
        self, config: Config, state: Path, catalogues: Catalogues, keeping: Keeping, stop: threading.Event
    ) -> None:
        self.config, self.state, self.catalogues, self.keeping, self.stop = config, state, catalogues, keeping, stop
        self.idle: str | None = None
        """Why none is run, as far as that was said."""

    def run(
        self,
        db: sqlite3.Connection,
        alive: Callable[[], None] = lambda: None,
        tell: Callable[[Living], None] = lambda left: None,  # noqa: ARG005
    ) -> Iterator[Ran]:
        """Run the commands that are owed to products, alone; `alive` is called while they run.

        `tell` hears what a watcher that was killed had left running, once it is ended.
        """
        from watcher.tasks.hooks import Hook, pay
        from watcher.tasks.hooks.leash import Leash

        known = {name: Hook(hook.command, hook.timeout) for name, hook in self.config.hooks.items()}
        with holding(self.state / _HOOKS_LOCK, what="running hooks"):
            ahead.mend(db, now=now())
            yield from pay(
                db,
                known,
                self.keeping.archive,
                citation=self.catalogues.citation,
                leash=Leash(self.state / _LEASH),
                now=now,
                chance=chance,
                stop=self.stop,
                alive=alive,
                tell=tell,
            )

    def running(self) -> tuple[Living | None, bool]:
        """Return the command that runs for a product, and whether the watcher that started it still does, too."""
        from watcher.store.locks import holder
        from watcher.tasks.hooks.leash import Leash

        return Leash(self.state / _LEASH).living(), holder(self.state / _HOOKS_LOCK) is not None

    def findings(self) -> Iterator[Finding]:
        """Say of each hook whether its command may be run."""
        from watcher.tasks.hooks.command import trusted

        for name, hook in self.config.hooks.items():
            try:
                yield Finding(f"hook {name}", True, str(trusted(Path(hook.command[0]))))
            except WatcherError as error:
                yield Finding(f"hook {name}", False, str(error), error.hint)
