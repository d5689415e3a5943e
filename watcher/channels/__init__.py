"""One file for each way to reach people, and what their addresses have in common."""

from watcher.channels._addresses import address_for, family, masked, redacted, resolved, secrets_of

__all__ = ["address_for", "family", "masked", "redacted", "resolved", "secrets_of"]
