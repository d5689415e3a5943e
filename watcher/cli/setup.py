"""Before the first site: a configuration, the catalogues there are, completion for the shell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.output import json_option, show_json, show_table
from watcher.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from watcher.config import CatalogueTable


@click.command()
@click.option("--force", is_flag=True, help="Overwrite the file that is there.")
@click.pass_obj
def init(context: Context, force: bool) -> None:
    """Write a configuration to start from, every key explained.

    \b
    Examples:
      watcher init
      watcher --config /etc/watcher/config.toml init
    """
    from watcher import config

    path = context.config_path or config.user_path()
    if path.exists() and not force:
        raise UsageError(f"{path} is there already", hint="edit it, or overwrite it with --force")
    text = _example().read_text(encoding="utf-8")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), "w", encoding="utf-8") as file:
            file.write(text)
        temporary.replace(path)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}") from error
    click.echo(f"Wrote {path}.")
    click.echo("Edit it, then: watcher check")


@click.command()
@json_option
@click.pass_obj
def catalogues(context: Context, as_json: bool) -> None:
    """List the catalogues that can be asked: those configured, and the presets that ship with watcher.

    \b
    Example:
      watcher catalogues
    """
    from watcher import config

    parts = context.parts
    configured = parts.config.catalogues
    shipped = [config.preset(name) for name in config.presets() if name not in configured]
    rows = [_row(table, configured=True) for table in configured.values()]
    rows += [_row(table, configured=False) for table in shipped]
    if as_json:
        show_json(rows)
        return
    columns = {
        "name": "NAME",
        "kind": "KIND",
        "title": "TITLE",
        "collections": "COLLECTIONS",
        "account": "ACCOUNT",
        "configured": "CONFIGURED",
    }
    show_table(rows, columns, empty="There is none.")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      watcher completion bash > ~/.local/share/bash-completion/completions/watcher
      watcher completion zsh > ~/.zfunc/_watcher
    """
    from click.shell_completion import get_completion_class

    from watcher.cli import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"no completion for {shell}", hint="bash, zsh and fish have one")
    click.echo(kind(cli, {}, "watcher", "_WATCHER_COMPLETE").source())


def _row(table: CatalogueTable, *, configured: bool) -> dict[str, Any]:
    return {
        "name": table.name,
        "kind": table.kind,
        "title": table.title,
        "collections": list(table.settings.get("collections", ())),
        "account": table.account,
        "configured": configured,
    }


def _example() -> Path:
    packaged = Path(__file__).parents[1] / "config.example.toml"
    return packaged if packaged.exists() else Path(__file__).parents[2] / "config.example.toml"
