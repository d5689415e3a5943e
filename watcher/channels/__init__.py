"""One file for each way to reach people, and what their addresses have in common."""

from watcher.channels._addresses import address_for, family, masked, redacted, resolved, secrets_of
from watcher.channels._batches import Batches, Send

__all__ = ["Batches", "Send", "address_for", "family", "masked", "redacted", "resolved", "secrets_of"]
