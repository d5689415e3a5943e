"""Files home: whole, checked, never half-named.

`fetch` brings an asset to a path, `fetch_files` several of them to a directory, `fetch_members` some members of a zip
file that stays where it is. Until its last byte is proven a file is called ``<path>.part``, with what is known of it
beside it in ``<path>.part.json``, so that a later run can go on where this one was interrupted; a directory is called
``<path>.partial`` until all its files are there. What has its final name has been verified: whoever finds it may rely
on that.

* `home`, `gather`, `members` - the order of things, for a file, several, and parts of one;
* `errand`, `rate`, `tally`, `halt` - what is to be fetched, on which terms, how fast, how much came, and until when;
* `receive`, `segments` - the server's answers into the ``.part``, by one connection or several;
* `remote` - a file that is read here and there by ranges;
* `ranges`, `refusals`, `complaints` - what an answer says: which bytes it has, or why it is no product;
* `flow`, `space` - neither too slow nor too fast, and room for it on the disk;
* `part`, `directories`, `resume` - the ``.part`` file: one writer, published without overwriting; what it is good for;
* `verify`, `adopt` - whether a file is what was published, and how that is known; files that are there already;
* `beside` - a small file beside a product, whole or not there;
* `examine`, `remove` - whether what came home is still what it was; what leaves the archive;
* `mark` - whether another machine has the same archive;
* `sums` - digests computed while the file arrives;
* `archives`, `zips`, `tars` - archives read to their end, and refused where they mean harm.
"""

from watcher.transfer.errand import Terms
from watcher.transfer.gather import Gathered, fetch_files
from watcher.transfer.halt import Halt
from watcher.transfer.home import Progress, fetch
from watcher.transfer.members import fetch_members
from watcher.transfer.rate import Rate
from watcher.transfer.segments import several
from watcher.transfer.tally import Tally
from watcher.transfer.verify import Verified

__all__ = [
    "Gathered",
    "Halt",
    "Progress",
    "Rate",
    "Tally",
    "Terms",
    "Verified",
    "fetch",
    "fetch_files",
    "fetch_members",
    "several",
]
