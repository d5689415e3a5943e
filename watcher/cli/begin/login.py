"""Try the account of a catalogue, or say which it takes and what to write for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from watcher.cli import Context
from watcher.cli.options import CatalogueName
from watcher.cli.output import json_option, show_json
from watcher.cli.waiting import waiting
from watcher.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watcher.config import CatalogueTable
    from watcher.credentials import Secret
    from watcher.wiring import Parts


@click.command()
@click.argument("name", metavar="CATALOGUE", type=CatalogueName())
@click.option("--kind", metavar="KIND", help="Say what to write for an account of this kind.")
@click.option("--store", is_flag=True, help="Ask for the secrets first, and put them where the configuration says.")
@json_option
@click.pass_obj
def login(context: Context, name: str, kind: str | None, store: bool, as_json: bool) -> None:
    """Try the account that is configured for a CATALOGUE, or say what to write for one.

    Nothing is stored, unless `--store` asks for it: then each secret is typed (or read from standard input, a line
    each) and put into the file of mode 0600, or the entry of the keyring, that the configuration names. Exits with 1 if
    the account is not accepted, or if one is needed and none is configured.

    \b
    Examples:
      watcher login cdse
      watcher login cdse --kind s3
      watcher login cdse --store
    """
    from watcher.cli.begin.advice import advice, document, told

    parts = context.parts
    table = parts.catalogues.table(name)
    if kind is not None or table.auth is None:
        if store:
            raise UsageError(
                f"no account of {name} is configured to store a secret for",
                hint=f"watcher login {name} says what to write",
            )
        said = advice(parts, table, kind)
        if as_json:
            show_json(document(said))
        else:
            click.echo("\n".join(told(said)))
        if kind is None and table.needs_account:
            raise click.exceptions.Exit(1)
        return
    secrets = parts.catalogues.secrets(name)
    if store:
        for place, secret in secrets.items():
            _keep(place, secret)
    _try(parts, table, secrets, as_json=as_json)


def _try(parts: Parts, table: CatalogueTable, secrets: Mapping[str, Secret], *, as_json: bool) -> None:
    with waiting(f"trying the account of {table.name}"):
        finding = parts.catalogues.account(table.name)
    if finding is None:
        raise AssertionError  # there is one: it was looked for
    if as_json:
        show_json(
            {
                "catalogue": table.name,
                "configured": True,
                "kind": (table.auth or {}).get("kind"),
                "well": finding.well,
                "text": finding.text,
                "hint": finding.hint,
                "secrets": {place: str(secret) for place, secret in secrets.items()},
                "seen_by": _seen_by(parts, table),
                "used_for": list(_uses(table)),
            }
        )
    else:
        click.echo(f"{'ok   ' if finding.well else 'WRONG'}  {table.name}: {finding.text}")
        if finding.hint and not finding.well:
            click.echo(f"         → {finding.hint}")
        seen = ", ".join(_seen_by(parts, table))
        click.echo(f"       for {' and '.join(_uses(table))}; shown to no host but {seen}")
    if not finding.well:
        raise click.exceptions.Exit(1)


def _keep(place: str, secret: Secret) -> None:
    """Ask for a secret, unseen, and put it into its place."""
    if secret.env is not None or secret.netrc is not None or secret.credential is not None:
        click.echo(f"{place}: the {secret} is not written by watcher; put the secret there yourself")
        return
    text = _typed(f"{place} (will be kept in the {secret})")
    if not text:
        raise UsageError(f"nothing was given as {place}", hint="nothing was stored; type it, or send it as a line")
    secret.keep(text)
    click.echo(f"{place}: kept in the {secret}")


def _typed(prompt: str) -> str:
    import sys

    if sys.stdin.isatty():
        return str(click.prompt(prompt, hide_input=True, default="", show_default=False, err=True))
    return sys.stdin.readline().rstrip("\r\n")


def _seen_by(parts: Parts, table: CatalogueTable) -> list[str]:
    """Name the hosts that may see anything of the account: where it logs in, and where what that gave is used."""
    from urllib.parse import urlsplit

    addresses = [*parts.catalogues.logs_in_at(table.name), parts.catalogues.catalogue(table.name).url]
    return list(dict.fromkeys([*(urlsplit(address).netloc for address in addresses), *table.auth_hosts]))


def _uses(table: CatalogueTable) -> Iterator[Any]:
    if "search" in table.needs_account:
        yield "searching"
    yield "downloads"
