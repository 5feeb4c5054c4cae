"""Damage that no reader may accept: what tests of all methods' files do to them."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from sdfz.formats import NotSdfzError, SdfzError, TrailingDataError, TruncatedError

Reader = Callable[[bytes], object]

BITS = tuple(1 << bit for bit in range(8))


def check_truncations(read: Reader, data: bytes) -> None:
    """Each start of a file is refused for what it is."""
    for n_bytes in range(len(data)):
        with pytest.raises(TruncatedError if n_bytes else NotSdfzError):
            read(data[:n_bytes])


def check_changes(read: Reader, data: bytes) -> None:
    """A file is refused with any of its bits flipped, and with any of its bytes."""
    for i, good in enumerate(data):
        for mask in (255, *BITS):
            with pytest.raises(SdfzError):
                read(data[:i] + bytes([good ^ mask]) + data[i + 1 :])


def check_one_byte_more(read: Reader, data: bytes) -> None:
    """A file is refused with any byte behind it."""
    for extra in range(256):
        with pytest.raises(TrailingDataError):
            read(data + bytes([extra]))


def n_refused(read: Reader, data: bytes, n_trials: int, *, most_changes: int = 1, seed: int = 0) -> int:
    """How often random changes of bytes are refused, as they should be; all else that is raised is a failure."""
    rng, n_found = random.Random(seed), 0
    for _ in range(n_trials):
        changed = bytearray(data)
        for _ in range(rng.randint(1, most_changes)):
            changed[rng.randrange(len(changed))] ^= rng.randrange(1, 256)
        try:
            read(bytes(changed))
        except SdfzError:
            n_found += 1
    return n_found
