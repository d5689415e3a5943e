"""What travels to the workers of a cluster, and how one answers that has no watcher.

These functions travel as they are, not by name: a scheduler need not have watcher, and a worker that has none can say
so.
"""

from __future__ import annotations

from collections.abc import Callable

from watcher.tasks.download.reaching import INSTALL


def launcher(version: str, mark: bytes, parcel: bytes) -> Callable[[], bytes | str]:
    """Return what has a worker fetch a parcel: its outcome, or the address of one without watcher."""

    def download() -> bytes | str:
        try:
            from watcher.tasks.download.worker import work
        except ImportError:
            from distributed import get_worker

            return str(get_worker().address)  # it came since we last saw who is there

        return work(version, mark, parcel)

    return download


def introducer(version: str, mark: bytes) -> Callable[[], str | None]:
    """Return what has a worker say why it cannot fetch, if there is a reason."""

    def introduce() -> str | None:
        import pickle

        from watcher.tasks.download.worker import unfit

        return unfit(version, pickle.loads(mark))  # noqa: S301  # ours

    return introduce


def fault(address: str, said: object) -> str | None:
    """Return why a worker cannot fetch, by what came of introducing it."""
    if isinstance(said, ImportError):
        return without(address)
    if isinstance(said, BaseException):
        return f"{address} does not say who it is: {type(said).__name__}: {said}"
    return None if said is None else str(said)


def without(address: str) -> str:
    """Return why a worker cannot fetch that has no watcher."""
    return f"{address} has no eo-watcher: {INSTALL} there"
