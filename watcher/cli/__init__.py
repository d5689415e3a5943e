"""The `watcher` command. Each subcommand is imported when it is used, so that help stays quick."""

from __future__ import annotations

import importlib
import io
import os
import re
import shlex
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import watcher
from watcher.cli.commands import COMMANDS, PYTHON, SECTIONS
from watcher.errors import OutputError, UsageError, WatcherError

if TYPE_CHECKING:
    from watcher.wiring import Parts


class Context:
    """What every subcommand may need: the options before its name, and the parts they lead to."""

    def __init__(self, config: Path | None, state: Path | None, *, debug: bool) -> None:
        self.debug = debug
        self._config = config
        self._state = state
        self._parts: Parts | None = None

    @property
    def config_path(self) -> Path | None:
        """The configuration that was named or found."""
        from watcher import config

        return self._config or config.find()

    @property
    def parts(self) -> Parts:
        """The working parts, from the configuration in force."""
        if self._parts is None:
            self._parts = self.load()
        return self._parts

    def close(self) -> None:
        """Let go of what was opened."""
        if self._parts is not None:
            self._parts.close()

    def load(self, stop: threading.Event | None = None) -> Parts:
        """Read the configuration anew; `stop`, once set, ends every wait of the parts that it becomes."""
        from watcher import config
        from watcher.wiring import Parts

        return Parts(config.load(self.config_path), self._state or config.state_directory(), stop=stop)


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"watcher.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_") + ("_" if cmd_name in PYTHON else ""))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        width = max(map(len, COMMANDS))
        for heading, section in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), text) for name, (_, text) in section.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            raise click.UsageError(
                f'there is no command "{args[0]}"' + (f"; did you mean {near[0]}?" if near else ""), ctx
            )
        return super().resolve_command(ctx, args)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The configuration [env: WATCHER_CONFIG; default: ~/.config/watcher/config.toml, else "
    "/etc/watcher/config.toml].",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the database lies [env: WATCHER_STATE; default: ~/.local/state/watcher].",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(watcher.__version__, prog_name="watcher")
@click.pass_context
def cli(ctx: click.Context, config: Path | None, state: Path | None, debug: bool) -> None:
    """Hear of new satellite products, and bring the L2A home.

    \b
    watcher add-site Litchfield                        a place becomes watched
    watcher subscribe you@example.org --level L2A      you hear of what arrives there
    watcher run                                        the service
    watcher status                                     what is watched, what came, what is owed

    `watcher COMMAND --help` explains a command, with examples.
    """
    ctx.obj = Context(config, state, debug=debug)
    ctx.call_on_close(ctx.obj.close)


def main(args: list[str] | None = None) -> None:
    """Run the command line; no traceback reaches a user unless asked for."""
    arguments = sys.argv[1:] if args is None else args
    debug = "--debug" in arguments
    if sys.stdout is None:  # closed: watcher … >&-
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  until this process ends
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal of another age has no "≤", and is no reason to end
    try:
        code = _run(arguments)
        sys.stdout.flush()
        sys.exit(code)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:  # watcher … | head
        _print_no_more()
        sys.exit(1)
    except WatcherError as error:
        if debug:
            traceback.print_exc()
        _complain(error)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - the last place that can turn a defect into a sentence
        if debug:
            traceback.print_exc()
        if (unread := _no_text(error, arguments)) is not None:
            _complain(unread)
            sys.exit(unread.exit_code)
        if isinstance(error, OSError) and _printing(error):
            _print_no_more()
            _complain(OutputError(f"what it prints cannot be written: {error.strerror}", hint="look at where it goes"))
            sys.exit(OutputError.exit_code)
        _complain(
            WatcherError(
                f"a defect in watcher: {type(error).__name__}: {error}",
                hint="please report it, with the output of --debug",
            )
        )
        sys.exit(70)


def _no_text(error: Exception, arguments: list[str]) -> UsageError | None:
    """Name the argument with a byte that is no UTF-8, if that is what failed: paths may have such, names may not."""
    if not isinstance(error, UnicodeEncodeError):
        return None
    strange = error.object[error.start : error.end]
    named = next((each for each in arguments if strange in each), None)
    if named is None:
        return None
    shown = os.fsencode(named).decode(errors="replace")
    return UsageError(f'"{shown}" is not UTF-8', hint="only paths of files may have other letters")


def _printing(error: OSError) -> bool:
    """Say whether it was raised by printing: that is done by click and rich, and the last of it by `main`."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return frames[-1].f_globals["__name__"] in ("click.utils", "rich.console", __name__)


def _print_no_more() -> None:
    """Keep Python from printing on its way out what could not be printed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _run(arguments: list[str]) -> Any:
    try:
        with _storage():
            return cli.main(arguments, prog_name="watcher", standalone_mode=False) or 0
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.Abort as stopped:
        if isinstance(stopped.__cause__, KeyboardInterrupt):
            raise KeyboardInterrupt from stopped
        click.echo("aborted", err=True)
        return 1
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        raise _usage(error, arguments) from error
    except click.ClickException as error:
        error.show()
        return error.exit_code


def _usage(error: click.UsageError, arguments: list[str]) -> UsageError:
    """Say what was typed wrong as any other error is said: what, where, and the way out."""
    ctx = error.ctx
    typed = next((word for word in arguments if word in COMMANDS), None)
    command, path = (ctx.command, ctx.command_path) if ctx is not None else (cli, f"watcher {typed or ''}".rstrip())
    way = f"`{path} --help` has examples"
    if isinstance(error, click.MissingParameter) and ctx is not None and error.param is not None:
        usage = " ".join([path, *command.collect_usage_pieces(ctx)[1:]])
        return UsageError(f"{error.param.make_metavar(ctx)} is missing", hint=f"{usage}; {way}")
    if isinstance(error, click.BadParameter) and ctx is not None and error.param is not None:
        return UsageError(
            f"{error.param.get_error_hint(ctx).replace(chr(39), '')}: {_sentence(error.message)}", hint=way
        )
    if isinstance(error, click.NoSuchOption):
        near = f"; did you mean {' or '.join(error.possibilities)}?" if error.possibilities else ""
        said = f"there is no option {error.option_name}{near}"
    elif isinstance(error, click.BadOptionUsage) and "requires an argument" in error.message:
        said = f"{error.option_name} wants a value"
    else:
        said = _sentence(error.format_message())
    sites = {param.param_type_name: param for param in command.params if param.name in ("site", "sites")}
    extra = re.fullmatch(r"got unexpected extra arguments? \((.+)\)", said)
    if extra is not None and "option" in sites:
        way = f"{path} --site {shlex.quote(extra[1])}; {way}"
    elif isinstance(error, click.NoSuchOption) and error.option_name == "--site" and "argument" in sites:
        said, way = "there is no option --site: the SITE stands by itself", f"{path} SITE; {way}"
    return UsageError(said, hint=way)


def _sentence(text: str) -> str:
    """Begin what click says with a small letter, as it comes after a name, and end it without a full stop."""
    text = re.sub(r"is not in the range (\S+)<=x<=(\S+)\.", r"is not from \1 to \2", text)
    text = re.sub(r"is not in the range x>=(\S+)\.", r"is less than \1", text)
    small = text[:1].lower() + text[1:] if text[1:2].islower() else text
    small = re.sub(r"is not one of (.+)\.", lambda found: f"is none of {found[1].replace(chr(39), '')}", small)
    return small.replace("'", '"').removesuffix(".")


@contextmanager
def _storage() -> Iterator[None]:
    """Name a complaint of SQLite that comes while a command reads."""
    try:
        yield
    except click.Abort:
        raise  # as it is: its cause says whether it was Ctrl-C
    except Exception as error:
        if "sqlite3" not in sys.modules:
            raise
        from watcher.store.connection import naming

        with naming():
            raise error from None


def _complain(error: WatcherError) -> None:
    from watcher.credentials import redact

    click.echo(f"watcher: {redact(str(error))}", err=True)
    if error.hint:
        click.echo(f"  → {redact(error.hint)}", err=True)
