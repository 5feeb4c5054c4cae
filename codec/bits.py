"""Bits of integers, for compiled code."""

from __future__ import annotations

from .compiled import njit


@njit(cache=True)
def bit_length(number: int) -> int:
    """How many bits a number has; 0 for 0 and for what is negative."""
    length = 0
    while number > 0:
        number >>= 1
        length += 1
    return length
