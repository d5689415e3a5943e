"""Before the first site: a configuration, completion for the shell."""

from __future__ import annotations

import os
from pathlib import Path

import click

import watcher
from watcher.cli import Context
from watcher.errors import ConfigError, UsageError


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
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    The line for your shell completes commands, options, sites, catalogues and subscriptions from now on; in its file
    for every start (~/.bashrc; ~/.zshrc, after compinit; ~/.config/fish/config.fish) it does so in each.

    \b
    Examples:
      source <(watcher completion bash)
      source <(watcher completion zsh)
      watcher completion fish | source
    """
    from click.shell_completion import get_completion_class

    from watcher.cli import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"no completion for {shell}", hint="bash, zsh and fish have one")
    click.echo(kind(cli, {}, "watcher", "_WATCHER_COMPLETE").source())


def _example() -> Path:
    packaged = Path(watcher.__file__).with_name("config.example.toml")
    return packaged if packaged.exists() else packaged.parents[1] / packaged.name
