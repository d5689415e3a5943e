"""Addresses: what people write, what is shown of it, and which channel it belongs to.

An address in clear is a URL that may hold passwords and tokens: it is kept apart, and shown only `masked`.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from urllib.parse import SplitResult, quote, unquote, urlsplit

from watcher.errors import UsageError
from watcher.names import plain
from watcher.plugins import build, kinds

MAIL = ("mailto", "mailtos")

_MAILBOX = re.compile(r"[A-Za-z0-9.!#$&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)*", re.IGNORECASE)

# Elsewhere the place of the host is taken by a token (slack://TOKEN, discord://ID) or a name as good as one.
_HOSTED = re.compile(
    r"(mailto|json|xml|form|matrix|mqtt|mmost|rocket|gotify|ntfy|irc|xmpp|apprise|nctalk|ncloud|hassio)s?"
)

# The settings in a mail URL that are no secret.
_OPEN = ("to", "from", "cc", "bcc", "reply", "name", "mode", "smtp", "format", "verify")


def address_for(text: str, *, mail_url: str | None) -> str:
    """Turn what a person wrote as an address into a URL in clear that its channel could send to.

    Raises `UsageError` as `resolved` does, and when the channel refuses it.
    """
    url = resolved(text, mail_url=mail_url)
    build("channels", family(url), {}, place="address").check(url)
    return url


def resolved(text: str, *, mail_url: str | None) -> str:
    """Turn an address as written into a URL in clear without asking its channel: quick enough for every send.

    A URL stays as it is, but for port 465 of a mail server, where TLS comes first (RFC 8314 §3.3) and Apprise
    has to be told so. An e-mail address (`jane@example.org`, also `mailto:jane@example.org`) becomes the URL
    of the one configured mail account, `mail_url`, with that recipient. Raises `UsageError` for anything
    else, and for an e-mail address where no account is configured.
    """
    text = text.strip()
    if "://" in text:
        return _with_tls(text)
    mailbox = re.sub(r"^mail(to)?:", "", text, flags=re.IGNORECASE)
    name, _, domain = mailbox.rpartition("@")
    try:
        mailbox = f"{name}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        mailbox = ""
    if not _MAILBOX.fullmatch(mailbox) or len(mailbox) > 254:
        raise UsageError(
            f'"{plain(text, limit=80)}" is neither an e-mail address nor a URL',
            hint="write jane@example.org, or the Apprise URL of a service such as mailtos://… or slack://…",
        )
    if mail_url is None:
        raise UsageError(
            f"no mail account is configured, so {mailbox} cannot be written to",
            hint="set url under [mail] in config.toml, or give a whole URL: mailtos://USER:PASSWORD@SMTP.HOST?from=…&to=…",
        )
    account = urlsplit(mail_url)
    if account.scheme not in MAIL:
        raise UsageError(f"the mail account is a {account.scheme}:// URL", hint="it must be mailtos://…")
    # Other recipients that the account names would get everybody's notices. The rest stays as it is written: a key
    # such as `+X-Team` sets a header.
    settings = [
        pair for pair in account.query.split("&") if pair.partition("=")[0].lower() not in ("", "to", "cc", "bcc")
    ]
    query = "&".join([*settings, f"to={quote(mailbox, safe='')}"])
    return _with_tls(f"{account.scheme}://{account.netloc}/?{query}")


def family(address: str) -> str:
    """Name the channel kind that sends to this URL: the kind with its scheme's name, else Apprise."""
    scheme = address.partition("://")[0].lower()
    return scheme if scheme in kinds("channels") else "apprise"


def masked(address: str) -> str:
    """Show an address without its secrets: scheme, host where it is one, and the recipient of a mail."""
    parts = _split(address)
    if parts is None:
        return "an address that cannot be read"
    if parts.scheme in MAIL:
        return plain(f"{parts.scheme}://{_host(parts)}/{', '.join(_recipients(parts))}")
    if family(address) != "apprise":
        return plain(address)
    return plain(f"{parts.scheme}://{_host(parts)}/…" if _host(parts) else f"{parts.scheme}://…")


def redacted(text: str, address: str) -> str:
    """Take the secrets of an address out of a text."""
    for secret in sorted(secrets_of(address), key=len, reverse=True):
        text = re.sub(re.escape(secret), "***", text, flags=re.IGNORECASE)
    return text


def secrets_of(address: str) -> set[str]:
    """Return what is secret in an address: user, password, tokens and values, encoded or not."""
    parts = _split(address)
    if parts is None:
        return {address} - {""}
    mail = parts.scheme in MAIL
    userinfo, _, place = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    found = [*parts.path.split("/"), parts.fragment, user]
    found += [] if _host(parts) else [place, *place.split(":")]
    found += [value for key, value in _settings(parts) if not (mail and key in _OPEN)]
    found = [unquote(word) for word in found]
    # Two letters are no secret, but would be found in every word.
    secrets = {word for word in found if len(word) > 2} | {unquote(password)}
    secrets |= {base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()} if userinfo else set()
    secrets -= {"", *_recipients(parts)}
    secrets |= {quote(word, safe=safe) for word in secrets for safe in ("/", "")}
    return secrets | ({parts.query if not mail else "", password, userinfo} - {""})


def _with_tls(address: str) -> str:
    parts = _split(address)
    if parts is None or parts.scheme not in MAIL or not parts.netloc.endswith(":465"):
        return address
    if "mode" in dict(_settings(parts)):
        return address
    return f"{address}{'&' if parts.query else '?'}mode=ssl"


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        _ = parts.hostname
    except ValueError:
        return None
    return parts if parts.scheme else None


def _settings(parts: SplitResult) -> list[tuple[str, str]]:
    """Return the settings of a URL as Apprise reads them: a plus is a plus, not a space, and keys have no case."""
    pairs = (pair.partition("=") for pair in parts.query.split("&"))
    return [(unquote(key).strip().lower(), unquote(value)) for key, _, value in pairs if value]


def _host(parts: SplitResult) -> str:
    """Return the host, or nothing where something else, perhaps a secret, stands in its place."""
    host = parts.hostname or ""
    if not _HOSTED.fullmatch(parts.scheme):
        return ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host if "." in host or host == "localhost" else ""
    return host


def _recipients(parts: SplitResult) -> list[str]:
    """Return whom a mail URL writes to: `to`, else the path, else the account itself."""
    if parts.scheme not in MAIL:
        return []
    named = [value for key, value in _settings(parts) if key == "to"]
    named += [unquote(part) for part in parts.path.split("/") if "@" in unquote(part)]
    user = unquote(parts.username or "")
    return named or [user if "@" in user else f"{user}@{parts.hostname}"]
