"""What a process keeps of the memory that it used, where the C library is glibc; another decides by itself."""

from __future__ import annotations

import ctypes

# Of malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_KEPT = 16 * 2**20


def keep() -> None:
    """Keep what one page of an answer took for the next: memory that is new costs as much as what is read into it.

    All threads share one heap, for each of its own would keep what it once took.
    """
    option = getattr(ctypes.CDLL(None), "mallopt", None)
    if option is not None:
        option(_ARENA_MAX, 1)
        option(_MMAP_THRESHOLD, _KEPT)
        option(_TRIM_THRESHOLD, _KEPT)


def let_go() -> None:
    """Give back what is kept: the work is done, and the next is far away."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
