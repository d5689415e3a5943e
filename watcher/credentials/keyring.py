"""Secrets in the desktop's keyring, by the keyring library: an extra, imported only where one is named."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from watcher.errors import CredentialError

PATIENCE = 60.0
"""Seconds that a person has to unlock the keyring; a program that asks one without a person would wait for ever."""

_MISSING = "a service has none, as a rule: name a file, netrc or a systemd credential instead"
_T = TypeVar("_T")


def get(service: str, user: str) -> str:
    """Return the secret of a user of a service. Raises `CredentialError` when there is none to be had."""
    found = _asked(lambda library: library.get_password(service, user))
    if not found:
        raise CredentialError(
            f"the keyring has no secret of {user} for {service}", hint=f"keyring set {service} {user}"
        )
    return str(found)


def put(service: str, user: str, secret: str) -> None:
    """Keep a secret. Raises `CredentialError` when it cannot be kept."""
    _asked(lambda library: library.set_password(service, user, secret))


def _asked(question: Callable[..., _T]) -> _T:
    try:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError
    except ImportError as error:
        raise CredentialError(
            "the keyring was asked for, but its library is not installed", hint='pip install "eo-watcher[keyring]"'
        ) from error
    answers: list[_T] = []
    failures: list[Exception] = []

    def ask() -> None:
        try:
            answers.append(question(keyring))
        except Exception as error:  # noqa: BLE001  # a backend is a plug-in, and D-Bus raises what it likes
            failures.append(error)

    # A locked keyring asks its owner, and knows no time limit: it is left behind in its thread.
    thread = threading.Thread(target=ask, name="keyring", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive():
        raise CredentialError(f"the keyring did not answer within {PATIENCE:.0f} s: is it locked?", hint=_MISSING)
    if failures and isinstance(failures[0], NoKeyringError):
        raise CredentialError("there is no keyring here", hint=_MISSING) from failures[0]
    if failures:
        why = str(failures[0]) if isinstance(failures[0], KeyringError) else type(failures[0]).__name__
        raise CredentialError(f"the keyring cannot be used: {why}", hint=_MISSING) from failures[0]
    return answers[0]
