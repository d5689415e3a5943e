"""Fetch all pages of a collection with httpx, make dictionaries of them with json.loads, and say how long that took.

    python bench/fetching.py ADDRESS COLLECTION PRODUCTS PAGE

A program of its own: how watcher has its process keep memory is no help to it.
"""

import gc
import json
import sys
import time

import httpx


def fetched(client: httpx.Client, address: str, collection: str, products: int, page: int) -> int:
    count = 0
    for number in range(1, -(-products // page) + 1):
        answer = client.get(
            f"{address}/resto/api/collections/{collection}/search.json",
            params={"maxRecords": str(page), "_rc": "true", "page": str(number)},
        )
        answer.raise_for_status()
        count += len(json.loads(answer.content)["features"])
    return count


if __name__ == "__main__":
    with httpx.Client() as client:
        # Each line on standard input is a fetch asked for.
        for _ in sys.stdin:
            gc.collect()
            start = time.perf_counter()
            count = fetched(client, sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
            print(time.perf_counter() - start, count, flush=True)
