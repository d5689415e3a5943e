"""`watcher run`: the service, and how its log lines look."""

from __future__ import annotations

import json
import logging
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.wiring import Parts


@click.command()
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How log lines look [default: log.format].")
@click.option(
    "--log-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Append log lines to this file; it may be rotated [default: standard error].",
)
@click.pass_obj
def run(context: Context, log_format: str | None, log_file: Path | None) -> None:
    """Poll, notify and download on a clock, until told to stop.

    SIGTERM or Ctrl-C finishes what is in hand; SIGHUP reads the configuration again. Under systemd it says when it
    is ready and feeds the watchdog.

    \b
    Examples:
      watcher run
      watcher run --log-file watcher.log
      watcher --config /etc/watcher/config.toml run --log-format json
    """
    from watcher import service

    first: list[Parts] = [context.parts]
    handler = _handler(log_file)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])

    def look_as(parts: Parts) -> None:
        style, journal = log_format or parts.config.log.format, log_file is None and _is_journal()
        handler.setFormatter(_JsonLines(journal=journal) if style == "json" else _TextLines(journal=journal))
        logging.getLogger("watcher").setLevel(parts.config.log.level.upper())

    look_as(first[0])
    service.run(lambda stop: first.pop() if first else context.load(stop), taken=look_as)


def _handler(file: Path | None) -> logging.Handler:
    try:
        handler = _LogFile(file, encoding="utf-8") if file else logging.StreamHandler(sys.stderr)
    except OSError as error:
        raise UsageError(
            f"cannot write the log to {file}: {error.strerror or error}",
            hint="--log-file wants a file in a directory of your own",
        ) from error
    handler.addFilter(_without_secrets)
    return handler


class _LogFile(WatchedFileHandler):
    """A file that lines are appended to. That it takes none is said once on standard error, and in it once it does."""

    _failed = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; what goes wrong with that harms nobody who has something to say."""
        before = self._failed
        try:
            super().emit(record)  # which opens the file again where another one has its name
        except OSError:
            self.handleError(record)
        if before and self._failed == before:
            self._failed = 0
            logging.getLogger("watcher").warning("log is written again", extra={"fields": {"missing": before}})

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # as logging calls it
        """Say once why lines cannot be written; a defect has its traceback."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        self._failed += 1
        if self._failed == 1:
            problem = f"the log {self.baseFilename} cannot be written: {error.strerror or error}; watcher goes on"
            with suppress(OSError):
                click.echo(f"watcher: {problem}", err=True)


def _is_journal() -> bool:
    """Say whether standard error is what `JOURNAL_STREAM` names; a terminal inherits the variable from its desktop."""
    try:
        at = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{at.st_dev}:{at.st_ino}"  # systemd.exec(5)


def _prefixed(text: str, record: logging.LogRecord) -> str:
    """Give each line its priority, as the journal reads it (sd-daemon(3)) and takes it off."""
    return "\n".join(f"<{_PRIORITY.get(record.levelname, 6)}>{line}" for line in text.splitlines())


def _without_secrets(record: logging.LogRecord) -> bool:
    from watcher.credentials import redact

    record.msg, record.args = redact(record.getMessage()), ()
    fields = getattr(record, "fields", {})
    record.fields = {key: _written(value) for key, value in fields.items() if value is not None}
    if record.exc_info:
        record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        record.exc_info = None
    return True


_PRIORITY = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}  # syslog(3)


def _written(value: object) -> object:
    """Keep numbers, write times as RFC 3339, and take secrets out of everything else."""
    from watcher.credentials import redact

    if isinstance(value, int | float):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return redact(str(value))


class _TextLines(logging.Formatter):
    """`2026-11-22T18:00:00Z INFO polled catalogue=cdse listed=12 arrived=1`; the journal adds time and level itself."""

    def __init__(self, *, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = getattr(record, "fields", {})
        text = " ".join([record.getMessage(), *(f"{key}={_quoted(str(value))}" for key, value in fields.items())])
        if record.exc_text:
            text += "\n" + record.exc_text
        if self._journal:
            return _prefixed(text, record)
        return f"{_time(record)} {record.levelname} {text}"


class _JsonLines(logging.Formatter):
    """One JSON object a line: time, level, event, and the event's fields; the journal is told the level, too."""

    def __init__(self, *, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname,
            "event": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_text:
            line["traceback"] = record.exc_text
        text = json.dumps(line, ensure_ascii=False)
        return _prefixed(text, record) if self._journal else text


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _quoted(value: str) -> str:
    if value and not any(c in value for c in ' "=') and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=not value.isprintable())
