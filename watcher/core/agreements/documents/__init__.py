"""Subscriptions as a TOML or JSON document.

The keys are the words of the command line. A key that is left out has its usual value.
"""

from watcher.core.agreements.documents.keys import KEYS
from watcher.core.agreements.documents.pages import Format, document, line, parsed
from watcher.core.agreements.documents.tables import Draft, Misread, draft, table

__all__ = ["KEYS", "Draft", "Format", "Misread", "document", "draft", "line", "parsed", "table"]
