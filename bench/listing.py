"""List all items of a collection with pystac-client, as its documentation has it, and say how long that took.

    bench/.venv/bin/python bench/listing.py URL COLLECTION LIMIT

A program of its own: pystac-client is installed in an environment of its own.
"""

import gc
import sys
import time

from pystac_client import Client  # type: ignore[import-not-found,unused-ignore]


def list_all(url: str, collection: str, limit: int) -> int:
    search = Client.open(url).search(collections=[collection], limit=limit, method="POST")
    return sum(1 for item in search.items() if item.id and item.datetime)


if __name__ == "__main__":
    # Each line on standard input is a listing asked for.
    for _ in sys.stdin:
        gc.collect()
        start = time.perf_counter()
        count = list_all(sys.argv[1], sys.argv[2], int(sys.argv[3]))
        print(time.perf_counter() - start, count, flush=True)
