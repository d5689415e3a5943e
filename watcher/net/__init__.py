"""An HTTP client with manners: it waits its turn, stops when told, and gives credentials to nobody else.

The only part of watcher that knows how httpx connects. What it promises, and where:

* `reach` - which URLs may be asked at all, and which of them may see a credential;
* `addresses` - no name, redirect or odd spelling of an address leads into a private network;
* `connections` - a deadline holds for the whole exchange, however slowly the server drips;
* `wire` - TLS is verified;
* `answers` - a body is whole, inflated with a limit, or it is a failure;
* `tokens` - many requests share a login, and one failure;
* `loans` - another process may fetch what the account here signed for;
* `manners` - pauses between requests, back-off, ``Retry-After``;
* `client` - puts these together;
* `heartbeat` - an address that is called while all is well.
"""

import sys
from types import ModuleType

# Where rich is installed, httpx brings its own command line along: six megabytes that nobody here calls.
_unused = ModuleType("httpx._main")
_unused.main = lambda: None  # type: ignore[attr-defined]
sys.modules.setdefault(_unused.__name__, _unused)

from watcher.net.answers import Answer, json_body, listed, pieces  # noqa: E402
from watcher.net.client import Http, Settings  # noqa: E402
from watcher.net.loans import Lent, Loan  # noqa: E402

__all__ = ["Answer", "Http", "Lent", "Loan", "Settings", "json_body", "listed", "pieces"]
