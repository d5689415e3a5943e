"""Everything that can go wrong, by who must act.

Each error is one sentence that names the value and the place, a ``hint`` that names the way out, and says
whether trying again can help (``permanent``) and how long a server asked us to wait first (``retry_after``, seconds,
RFC 9110 §10.2.3). ``exit_code`` follows sysexits(3) where that has a word for it.
"""

from __future__ import annotations

from typing import Any


class WatcherError(Exception):
    """The root of what watcher raises on purpose; anything else is a defect."""

    exit_code = 1
    permanent = True

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        permanent: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.retry_after = retry_after
        if permanent is not None:
            self.permanent = permanent

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes with all that was said."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[WatcherError], args: tuple[Any, ...], said: dict[str, Any]) -> WatcherError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(said)
    return error


class UsageError(WatcherError):
    """The person at the keyboard must say it otherwise."""

    exit_code = 2


class ConfigError(WatcherError):
    """The administrator must mend the configuration."""

    exit_code = 78


class StoreError(WatcherError):
    """The operator must look at the database or its disk."""

    exit_code = 75


class OutputError(WatcherError):
    """What was printed cannot be written to where the person sent it."""

    exit_code = 74


class AlreadyRunning(WatcherError):
    """Another watcher holds this database."""

    exit_code = 73


class CatalogueError(WatcherError):
    """The catalogue, or the way to it, failed; whoever runs the catalogue may have to act."""

    exit_code = 69
    permanent = False


class HttpError(CatalogueError):
    """A server answered with a status that is not the one hoped for.

    ``status`` is the HTTP status code, ``body`` the first bytes of the answer.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        body: bytes = b"",
        retry_after: float | None = None,
        hint: str | None = None,
        permanent: bool | None = None,
    ) -> None:
        super().__init__(message, hint=hint, permanent=permanent, retry_after=retry_after)
        self.status = status
        self.body = body


class Unreachable(CatalogueError):
    """No answer at all: refused, timed out, cut off, not resolved, not trusted."""


class CredentialError(WatcherError):
    """A credential is missing, unreadable or refused; its owner must act."""

    exit_code = 77


class FileRefused(CredentialError):
    """A server refuses one file: it may be that the account is no good, or just not good enough for that file."""


class ChannelError(WatcherError):
    """A notice could not be handed over to its channel."""

    permanent = False


class TransferError(WatcherError):
    """A file could not be brought home whole."""

    permanent = False


class ClusterError(WatcherError):
    """The cluster that fetches for us cannot be reached, or has nobody who can; its operator must act."""

    exit_code = 69
    permanent = False


class Staged(TransferError):
    """The provider brings the file from tape, or makes it, first: nobody has to act, but the file is not here yet."""


class InHand(TransferError):
    """Another process has the file in hand."""


class NoSpace(TransferError):
    """The disk that downloads are written to is full, or would be."""


class NoArchive(NoSpace):
    """The archive takes nothing, or is not there: no other product would get in either."""
