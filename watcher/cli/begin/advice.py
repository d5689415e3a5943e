"""What to write for an account: the table of the configuration, and where its secrets may lie."""

from __future__ import annotations

import importlib
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from watcher import plugins
from watcher.credentials import Secret
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.config import CatalogueTable
    from watcher.wiring import Parts

_MACHINE = Path("/etc/watcher")
_EXAMPLES = {"username": "you@example.org", "access_key": "YOUR-ACCESS-KEY"}


class Advice(msgspec.Struct, frozen=True):
    """What a catalogue takes, and of one kind of account what to write into the file at `path`.

    `takes` are the kinds that its preset names, `kind` the one that is explained, `None` when nothing says which.
    `known` is what the preset knows of it, with a `note` in words; `settings` is the rest, with references to secrets
    that are yet to be stored. `host` is where it logs in.
    """

    table: CatalogueTable
    path: Path
    takes: tuple[str, ...]
    kind: str | None
    known: Mapping[str, Any]
    note: str
    settings: Mapping[str, Any]
    host: str


def advice(parts: Parts, table: CatalogueTable, kind: str | None) -> Advice:
    """Work out what to write for an account of a kind, or of the usual one. Raises `UsageError` for an unknown kind."""
    from watcher.config import user_path

    kinds = plugins.kinds("auth")
    if kind is not None and kind not in kinds:
        raise UsageError(f'there is no account of kind "{kind}"', hint=f"the kinds are: {', '.join(kinds)}")
    path = parts.config.path or user_path()
    takes = tuple(str(login["kind"]) for login in table.logins)
    kind = kind or next(iter(takes), None)
    known = next(({**login} for login in table.logins if login["kind"] == kind), {})
    known.pop("kind", None)
    note = str(known.pop("note", ""))
    host = str(urlsplit(parts.catalogues.catalogue(table.name).url).hostname)
    if kind is None:
        return Advice(table, path, takes, kind, known, note, {}, host)
    part: type[msgspec.Struct] = importlib.import_module(f"watcher.auth.{kind}").Kind
    settings = {"kind": kind, **dict(_open(part, known, path, table.name))}
    return Advice(table, path, takes, kind, known, note, settings, _login_host(part, known) or host)


def document(said: Advice) -> dict[str, Any]:
    """Return all of it for programs."""
    return {
        "catalogue": said.table.name,
        "configured": said.table.auth is not None,
        "account": said.table.account,
        "needs_account": list(said.table.needs_account),
        "takes": list(said.takes),
        "kinds": {kind: plugins.told("auth", kind) for kind in plugins.kinds("auth")},
        "kind": said.kind,
        "file": str(said.path),
        "table": "\n".join(_pasted(said)) if said.kind else None,
    }


def told(said: Advice) -> Iterator[str]:
    """Say what to do, line by line."""
    table = said.table
    yield f"{table.name}: {table.account or 'nothing is known of its accounts'}."
    if said.kind is None:
        yield "These are the kinds of account; with --kind and one of them you see what to write for it:"
        kinds = plugins.kinds("auth")
        width = max(map(len, kinds))
        yield from (f"    {kind:{width}}  {plugins.told('auth', kind)}" for kind in kinds)
        return
    state = "No account is configured. Write one" if table.auth is None else "One account is configured. Write another"
    new = "" if said.path.exists() else " (watcher init makes that file)"
    yield f"{state} to {said.path}{new}:"
    yield ""
    yield from (f"    {line}".rstrip() for line in _pasted(said))
    yield ""
    yield f"Kind {said.kind}: {plugins.told('auth', said.kind)}.{f' {said.note}' if said.note else ''}"
    if said.known:
        yield f"The preset adds {', '.join(f'{key} = {_toml(value)}' for key, value in said.known.items())}."
    secrets = {name: value for name, value in said.settings.items() if isinstance(value, Secret)}
    if secrets:
        yield from _placed(said, secrets)
    else:
        yield f"Then try it: watcher login {table.name}"
    others = [kind for kind in said.takes if kind != said.kind]
    yield from (f"Another account will do, too: watcher login {table.name} --kind {kind}" for kind in others)


def _placed(said: Advice, secrets: Mapping[str, Secret]) -> Iterator[str]:
    setting, first = next(iter(secrets.items()))
    if first.credential is not None:
        yield "Put the secret into a file that only root can read, and hand it to the service:"
        for secret in secrets.values():
            yield f"    install -m 600 /dev/stdin {_MACHINE}/credentials/{secret.credential}"
            yield f"    LoadCredential={secret.credential}:{_MACHINE}/credentials/{secret.credential}"
        yield "(the first for a shell, the second for [Service] of `systemctl edit watcher`; see systemd/README.md),"
        yield f"then try it: watcher login {said.table.name}"
    else:
        yield "Then store the secret, which is asked for unseen, and try the account:"
        yield f"    watcher login {said.table.name} --store"
    name = said.table.name.replace(":", "-")
    variable = "".join(letter if letter.isalnum() else "_" for letter in f"{name}_{setting}").upper()
    places = {
        f'{{ env = "{variable}" }}': "an environment variable",
        f'{{ netrc = "{said.host}" }}': f"~/.netrc: machine {said.host} login NAME password SECRET",
        f'{{ keyring = "watcher-{name}", user = "NAME" }}': 'the keyring, with `pip install "eo-watcher[keyring]"`',
        f'{{ credential = "{name}" }}': "a systemd credential",
        '{ file = "/path" }': "a file of mode 0600",
    }
    here = "{ credential" if first.credential is not None else "{ file"
    others = {place: what for place, what in places.items() if not place.startswith(here)}
    yield f"Instead of {_toml(first)} it may be in"
    width = max(map(len, others))
    yield from (f"    {place:{width}}  {what}" for place, what in others.items())


def _pasted(said: Advice) -> Iterator[str]:
    name = said.table.name
    yield f"[catalogues.{name if name.replace('-', '').replace('_', '').isalnum() else _toml(name)}.auth]"
    yield from (f"{key} = {_toml(value)}" for key, value in said.settings.items())


def _open(part: type[msgspec.Struct], known: Mapping[str, Any], path: Path, name: str) -> Iterator[tuple[str, Any]]:
    """Return the settings that nobody can know but the owner of the account."""
    hints = typing.get_type_hints(part)
    for field in sorted(msgspec.structs.fields(part), key=lambda field: field.name != "username"):
        setting = field.encode_name
        if setting in known or setting == "url" or not (field.required or setting == "username"):
            continue
        if hints[field.name] is Secret:
            yield setting, _reference(path, f"{name.replace(':', '-')}-{setting.replace('_', '-')}")
        else:
            yield setting, _EXAMPLES.get(setting, "…") if _is_text(hints[field.name]) else "…"


def _reference(path: Path, name: str) -> Secret:
    if path.is_relative_to(_MACHINE):
        return Secret(credential=name)
    file, home = path.parent.absolute() / name, Path.home()
    return Secret(file=f"~/{file.relative_to(home)}" if file.is_relative_to(home) else str(file))


def _login_host(part: type[msgspec.Struct], known: Mapping[str, Any]) -> str | None:
    for field in msgspec.structs.fields(part):
        address = known.get(field.encode_name, field.default)
        if isinstance(address, str) and address.startswith("https://"):
            return urlsplit(address).hostname
    return None


def _is_text(takes: Any) -> bool:
    return takes is str or (isinstance(takes, types.UnionType) and str in typing.get_args(takes))


def _toml(value: Any) -> str:
    if isinstance(value, Secret):
        given = {key: place for key, place in msgspec.structs.asdict(value).items() if place is not None}
        return "{ " + ", ".join(f"{key} = {_toml(place)}" for key, place in given.items()) + " }"
    return msgspec.json.encode(value).decode()  # a string of JSON is one of TOML
