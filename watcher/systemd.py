"""Tells systemd how the service is: started, alive, reloading, stopping.

The protocol of sd_notify(3): one datagram of ``NAME=value`` lines to the unix socket in ``NOTIFY_SOCKET``.
Without that variable nobody asked, and nothing is sent. Each function returns whether systemd was told, and
raises `WatcherError` when it asked but could not be reached: a service that is not heard will be killed, so
it had better say why.
"""

from __future__ import annotations

import os
import socket
import time

from watcher.errors import ConfigError, WatcherError

# systemd reads its socket in an instant; one that is full for this long belongs to a systemd in trouble.
_PATIENCE = 5.0


def ready(status: str = "") -> bool:
    """Say that starting, or reloading, is finished; ``status`` is one line for ``systemctl status``."""
    return _tell("READY=1", *_line(status))


def status(text: str) -> bool:
    """Say in one line what the service is doing."""
    return _tell(*_line(text or " "))


def alive() -> bool:
    """Feed the watchdog; due every `watchdog_interval` seconds."""
    return _tell("WATCHDOG=1")


def reloading() -> bool:
    """Say that the configuration is read again; `ready` must follow."""
    return _tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def stopping(status: str = "") -> bool:
    """Say that the service is on its way out."""
    return _tell("STOPPING=1", *_line(status))


def watchdog_interval() -> float | None:
    """Seconds between two `alive`: half of what systemd allows; ``None`` when no watchdog waits for us.

    sd_watchdog_enabled(3): ``WATCHDOG_USEC`` is microseconds, ``WATCHDOG_PID`` the process it is meant for
    (its children inherit both). Raises `ConfigError` when either is not a whole number above zero.
    """
    allowed = _number("WATCHDOG_USEC")
    meant_for = _number("WATCHDOG_PID")
    if allowed is None or meant_for not in (None, os.getpid()):
        return None
    return allowed / 2_000_000


def _number(name: str) -> int | None:
    text = os.environ.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ConfigError(
            f"{name}={text!r} in the environment is not a whole number above zero",
            hint=f"unset {name}; systemd sets it for a service with WatchdogSec=",
        )
    return int(text)


def _line(status: str) -> tuple[str, ...]:
    # A line break would begin another assignment, and a catalogue's words may be in here.
    return (f"STATUS={' '.join(status.splitlines())}",) if status else ()


def _tell(*lines: str) -> bool:
    named = os.environ.get("NOTIFY_SOCKET")
    if not named:
        return False
    if named[0] not in "/@":
        raise ConfigError(
            f"NOTIFY_SOCKET={named!r} is neither an absolute path nor an abstract name (@…)",
            hint="unset NOTIFY_SOCKET; systemd sets it for a service with Type=notify",
        )
    address = "\0" + named[1:] if named[0] == "@" else named
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as talk:
            talk.settimeout(_PATIENCE)
            talk.sendto("\n".join(lines).encode("utf-8", "replace"), address)
    except OSError as error:
        raise WatcherError(
            f"cannot tell systemd {lines[0]} at NOTIFY_SOCKET={named}: {error}",
            hint="is the socket there, and may the service open AF_UNIX sockets?",
            permanent=False,
        ) from error
    return True
