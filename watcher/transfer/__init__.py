"""One file home: whole, checked, never half-named.

`fetch` brings an asset to a path. Until its last byte is proven it is called ``<path>.part``, with what is
known of it beside it in ``<path>.part.json``, so that a later run can go on where this one was interrupted.
A file under its final name has been verified: whoever finds one may rely on that.

* `home` - the order of things;
* `errand` - what is to be fetched;
* `receive` - one answer of the server into the ``.part``;
* `part` - the ``.part`` file: one writer, resumable, published without overwriting;
* `verify` - whether it is what was published, and how that is known;
* `refusals` - answers that are no product, told by what they say;
* `sums` - digests computed while the file arrives;
* `archives` - zip and tgz files, read to their end.
"""

from watcher.transfer.home import Progress, fetch
from watcher.transfer.verify import Verified

__all__ = ["Progress", "Verified", "fetch"]
