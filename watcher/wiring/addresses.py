"""Whom notices go to: what a person writes, what is kept of it, and what it stands for."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import structs

from watcher import plugins
from watcher.config import Config
from watcher.credentials import remembered, revealed
from watcher.errors import ConfigError, StoreError, UsageError, WatcherError
from watcher.model import Notice, Outcome, Sent, Subscription
from watcher.store import addresses


class Addresses:
    """Addresses by reference: a channel's name, an e-mail, or a URL that is kept apart, since it may hold secrets."""

    def __init__(self, config: Config, state: Path, stop: threading.Event) -> None:
        self.config, self.state, self.stop = config, state, stop
        self._taken: set[str] = set()

    def unsubscribing(self) -> Callable[[Subscription], str | None]:
        """Return what gives the address on the web that ends a subscription: none without `notify.public_url`.

        Only a mail has one: in a chat anybody could end what all read.
        """
        from watcher.core.unsubscribing import link

        url = self.config.notify.public_url
        if url is None:
            return lambda _: None
        secret = addresses.secret(self.state)
        return lambda subscription: link(url, secret, subscription) if self._by_mail(subscription) else None

    def _by_mail(self, subscription: Subscription) -> bool:
        try:
            return self.address(subscription.address).partition("://")[0] in ("mailto", "mailtos", "mbox")
        except WatcherError:
            return False  # sending says why

    def send(self, posts: Sequence[tuple[str, Notice]]) -> Iterator[Sent]:
        """Send each notice to the address that its reference stands for; one that has none fails alone."""
        from watcher.channels import family

        families: dict[str, list[tuple[int, str, Notice]]] = {}
        for index, (reference, notice) in enumerate(posts):
            try:
                url = self.address(reference)
                families.setdefault(family(url), []).append((index, url, notice))
            except WatcherError as error:
                yield Sent(index, Outcome.FAILED, f"{error} [{error.hint}]" if error.hint else str(error))
        for kind, group in families.items():
            settings = {"timeout": float(self.config.notify.timeout)} if kind == "apprise" else {}
            channel = plugins.build("channels", kind, settings, place="notify")
            for sent in channel.send([(url, notice) for _, url, notice in group], stop=self.stop):
                yield structs.replace(sent, index=group[sent.index][0])

    def family(self, reference: str) -> str:
        """Name the kind of channel that a delivery's reference stands for; `send` says what is wrong with it."""
        from watcher.channels import family

        try:
            return family(self.address(reference))
        except WatcherError:
            return ""

    def address(self, reference: str) -> str:
        """Return the URL that a delivery's reference stands for. It may hold secrets.

        Raises `ConfigError`, `CredentialError` or `StoreError` when what it refers to is gone.
        """
        kind, _, rest = reference.partition(":")
        if kind == "channel":
            channel = self.config.channels.get(rest)
            if channel is None:
                raise ConfigError(
                    f'the channel "{rest}" is no longer in the configuration',
                    hint=f"restore [channels.{rest}], or unsubscribe",
                )
            return _guarded(revealed(channel.url))
        if kind == "mail":
            from watcher.channels import resolved

            mail = self.config.mail
            return _guarded(resolved(rest, mail_url=revealed(mail.url) if mail else None))
        return _guarded(addresses.reveal(self.state, reference))

    def reference(self, text: str) -> str:
        """Turn what a person subscribes with into the reference that is kept: a channel's name, e-mail or URL.

        Raises `UsageError` for an address that cannot be sent to.
        """
        return self.kept(self.checked(text))

    def checked(self, text: str) -> str:
        """Return what a person subscribes with as a reference, a URL in clear if it has none yet; nothing is kept.

        Raises `UsageError` for an address that cannot be sent to.
        """
        text = text.strip()
        if text in self.config.channels:
            self._asked(self.address(f"channel:{text}"))
            return f"channel:{text}"
        if text.startswith("url:"):
            try:
                addresses.reveal(self.state, text)
            except StoreError as error:
                hint = "write the URL itself, or the name of a channel"
                raise UsageError(f"{text} stands for no address that is kept here", hint=hint) from error
            return text
        if "@" not in text and "://" not in text:
            known = ", ".join(self.config.channels)
            hint = "write you@example.org, or a URL as Apprise has them, as slack://…; "
            hint += f"the channels are: {known}" if known else "no channel is configured in [channels.NAME]"
            raise UsageError(f'"{text}" is no channel, e-mail address or Apprise URL', hint=hint)
        if "://" in text:
            url = _guarded(self._asked(text))
            return addresses.known(self.state, url) or url
        self._asked(text)
        mailbox = re.sub(r"^mail(to)?:", "", text, flags=re.IGNORECASE)
        name, _, domain = mailbox.rpartition("@")
        return f"mail:{name}@{domain.lower()}"

    def _asked(self, text: str) -> str:
        """Return the URL of an address that its channel takes. Of the mail account, that is asked about once."""
        from watcher.channels import address_for, resolved

        mail = self.config.mail
        account = revealed(mail.url) if mail else None
        url = resolved(text, mail_url=account)
        what = url if "://" in text else "mail"
        if what not in self._taken:
            address_for(text, mail_url=account)
            self._taken.add(what)
        return url

    def kept(self, checked: str) -> str:
        """Return the reference of a checked address; a URL in clear is kept for it."""
        return addresses.keep(self.state, checked) if "://" in checked else checked

    def written(self, subscription: Subscription) -> tuple[str, str | None]:
        """Return a subscription's address as a person would write it, and what it stands for if that is a secret."""
        kind, _, rest = subscription.address.partition(":")
        if kind != "url":
            return rest, None
        shown = self.shown(subscription)
        try:
            secret = addresses.reveal(self.state, subscription.address) != shown
        except WatcherError:
            secret = True
        return (subscription.address, shown) if secret else (shown, None)

    def shown(self, subscription: Subscription) -> str:
        """Return a subscription's address as it may be shown: never a secret."""
        from watcher.channels import masked

        kind, _, rest = subscription.address.partition(":")
        if rest.startswith("//"):  # in clear, not kept yet
            return masked(subscription.address)
        if kind != "url":
            return rest
        try:
            return masked(addresses.reveal(self.state, subscription.address))
        except WatcherError:
            return "(lost)"


def _guarded(url: str) -> str:
    """Return an address, its secrets remembered so that no log line shows them."""
    from watcher.channels import family, secrets_of

    if family(url) == "apprise":
        for secret in secrets_of(url):
            remembered(secret)
    return url
