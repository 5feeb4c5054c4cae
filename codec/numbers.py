"""Signed integers to bytes and back: quantized weights, tables and codes, with probabilities that adapt.

A number is a zero flag, a sign and a size; a size s > 0 is the bit length of s in unary, then the bits below the
leading one. Each decision is mixed from contexts of two sorts: what the number is, its `kind` (a layer, a level) and
its `place` in it, both given by the caller; and the numbers that are known already and stand near it, which the caller
names by their positions::

    kinds, places -----------------+
    near --> numbers coded before -+--> contexts --> mixing.code <--> bytes
                  ^                                       |
                  +------------------ number -------------+

Nothing is trained: a few hundred numbers are enough to learn from. One walk serves both directions, so that encoder and
decoder cannot disagree.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..formats.errors import FormatError
from . import mixing
from .bits import bit_length
from .compiled import njit
from .mixing import code

IntArray = NDArray[np.int64]

# Part of the format, never change.
MOST_KINDS, MOST_PLACES = 64, 64
MOST_NUMBER = (1 << 24) - 1
_N_CONTEXTS = 7
_CLASSES = 16  # of sizes
_VALUES = 4096  # of a context
_ZERO, _SIGN, _LENGTH, _FIRST, _SECOND, _REST = 0, 1, 2, 26, 35, 44
_NODES = 52  # decisions of a number
_MOST_LENGTH = 23  # bits of a size below its leading one
_RAW = _NODES  # the set of weights of bits that nothing is known of
_CAPACITY_A_NUMBER = 16  # bytes: each of at most 49 decisions costs less than 2.5 bits on average, by far


class NumberEncoder:
    """Numbers to bytes."""

    def __init__(self) -> None:
        self._coder, self._numbers, self._n = _started(mixing.ENCODE), np.zeros(0, np.int64), 0

    def put(self, numbers: IntArray, kinds: IntArray, places: IntArray, near: IntArray) -> None:
        """Append numbers.

        Parameters
        ----------
        numbers : (N,) integer array
            Of sizes up to 2^24 - 1.
        kinds, places : (N,) integer arrays
            From 0 to 63.
        near : (N, K) integer array
            Positions, among all numbers put so far and these, of numbers that come before, the most telling first; -1
            for none.

        Raises
        ------
        ValueError
            A number, kind or place is out of range, or what is near does not come before.
        """
        numbers = np.asarray(numbers, np.int64)
        if np.abs(numbers).max(initial=0) > MOST_NUMBER:
            raise ValueError(f"a number of size {np.abs(numbers).max()} is beyond {MOST_NUMBER}")
        self._grow(_CAPACITY_A_NUMBER * len(numbers))
        first, self._n = self._n, self._n + len(numbers)
        self._numbers = _with_room(self._numbers, first, self._n)
        self._numbers[first : self._n] = numbers
        _walk(self._coder, self._numbers, first, *_checked(kinds, places, near, first, len(numbers)))

    def put_bits(self, values: IntArray, n_bits: int) -> None:
        """Append numbers from 0 to 2^n_bits - 1 of which nothing is known."""
        self._grow(4 * len(values) + 4)
        _walk_bits(self._coder, np.array(values, np.int64), n_bits)

    @property
    def n_bits(self) -> float:
        """What was put so far costs, about."""
        return float(self._coder.bits[0])

    def finish(self) -> bytes:
        """The coded bytes."""
        return mixing.finish(self._coder)

    def _grow(self, n_bytes: int) -> None:
        room = np.zeros(n_bytes + 8, np.uint8)
        self._coder = self._coder._replace(buffer=np.concatenate([self._coder.buffer, room]))


class NumberDecoder:
    """Bytes to numbers: the mirror of `NumberEncoder`.

    Damage is not noticed here (any bytes decode to something): the container's checksums come first.
    """

    def __init__(self, data: bytes) -> None:
        self._coder, self._numbers, self._n = _started(mixing.DECODE, data), np.zeros(0, np.int64), 0

    def take(self, kinds: IntArray, places: IntArray, near: IntArray) -> IntArray:
        """The next numbers, (N,) int64; arguments as those of `NumberEncoder.put`.

        Raises
        ------
        FormatError
            A number is larger than any that is coded.
        """
        first, n = self._n, len(kinds)
        self._n += n
        self._numbers = _with_room(self._numbers, first, self._n)
        if not _walk(self._coder, self._numbers, first, *_checked(kinds, places, near, first, n)):
            raise FormatError("coded numbers: one is larger than any that is coded")
        return self._numbers[first : self._n].copy()

    def take_bits(self, n: int, n_bits: int) -> IntArray:
        """The next `n` numbers of n_bits each."""
        values = np.zeros(n, np.int64)
        _walk_bits(self._coder, values, n_bits)
        return values

    def finish(self, what: str) -> None:
        """Check that the bytes end with the numbers that were taken; `what` starts the message.

        Raises
        ------
        TrailingDataError
            They go on.
        FormatError
            They end otherwise than an encoder ends them.
        """
        mixing.check_end(self._coder, what)


def _started(mode: int, data: bytes = b"") -> mixing.Coder:
    return mixing.coder(mixing.untrained(_N_CONTEXTS * _VALUES * _NODES, _NODES + 1, _N_CONTEXTS), mode, data=data)


def _with_room(numbers: IntArray, n: int, wanted: int) -> IntArray:
    """An array of at least the wanted length with the first n numbers: many short runs take no more than long ones."""
    if wanted <= len(numbers):
        return numbers
    found = np.zeros(max(wanted, 2 * len(numbers)), np.int64)
    found[:n] = numbers[:n]
    return found


def _checked(
    kinds: IntArray, places: IntArray, near: IntArray, first: int, n: int
) -> tuple[IntArray, IntArray, IntArray]:
    """The arguments as int64.

    Compiled code looks up what they say without a look at the bounds.
    """
    kinds, places, near = (np.asarray(array, np.int64) for array in (kinds, places, near))
    if kinds.shape != (n,) or places.shape != (n,) or near.ndim != 2 or len(near) != n:
        raise ValueError(f"{n} numbers with kinds {kinds.shape}, places {places.shape}, near {near.shape}")
    for name, array, most in (("kind", kinds, MOST_KINDS), ("place", places, MOST_PLACES)):
        if n and not 0 <= array.min() <= array.max() < most:
            raise ValueError(f"a {name} is not from 0 to {most - 1}")
    if near.size and (near.min() < -1 or (near.max(axis=1) >= first + np.arange(n)).any()):
        raise ValueError("what is near a number does not come before it")
    return kinds, places, near


@njit(cache=True)
def _class_of(size: int) -> int:
    """Sizes 0 to 4 each for itself, then two classes an octave."""
    if size < 5:
        return size
    length = bit_length(size)
    return min(2 * length + (size >> (length - 2) & 1) - 1, _CLASSES - 1)


@njit(cache=True)
def _signed_class(number: int) -> int:
    size = min(_class_of(abs(number)), 7)
    return 8 + (size if number > 0 else -size)


@njit(cache=True)
def _set_contexts(contexts: IntArray, kind: int, place: int, known: IntArray, near: IntArray) -> None:
    """Fill in the contexts of a number, each below `_VALUES`."""
    total, n = np.int64(0), 0
    first, second = np.int64(0), np.int64(0)
    for k in range(len(near)):
        if near[k] >= 0:
            number = known[near[k]]
            total += abs(number) * (2 if k == 0 else 1)
            n += 2 if k == 0 else 1
            if k == 0:
                first = number
            elif k == 1:
                second = number
    mean = _class_of((2 * total + n // 2) // n) if n else _CLASSES - 1
    contexts[0] = kind
    contexts[1] = kind * MOST_PLACES + place
    contexts[2] = kind * _CLASSES + mean
    contexts[3] = place * _CLASSES + mean
    contexts[4] = kind * _CLASSES + _signed_class(first)
    contexts[5] = (_signed_class(first) * _CLASSES + _signed_class(second)) * _CLASSES + mean
    contexts[6] = mean


@njit(cache=True)
def _decide(coder: Any, contexts: IntArray, node: int, bit: int) -> int:
    for i in range(_N_CONTEXTS):
        coder.chosen[i] = (i * _VALUES + contexts[i]) * _NODES + node
    return code(coder, _N_CONTEXTS, 0, node, bit, 0)


@njit(cache=True)
def _node(length: int, place: int) -> int:
    """The decision about bit `place` of a size with `length` bits below its leading one."""
    if place == length - 1:
        return _FIRST + min(length, 8)
    if place == length - 2:
        return _SECOND + min(length, 8)
    return _REST + min(length - place, 7)


@njit(cache=True)
def _code_number(coder: Any, contexts: IntArray, number: int) -> int:
    if not _decide(coder, contexts, _ZERO, 1 if number != 0 else 0):
        return np.int64(0)
    sign = -1 if _decide(coder, contexts, _SIGN, 1 if number < 0 else 0) else 1
    goal, length = bit_length(abs(number)) - 1, 0
    while length <= _MOST_LENGTH and _decide(coder, contexts, _LENGTH + length, 1 if length < goal else 0):
        length += 1
    found = np.int64(1)
    for place in range(length - 1, -1, -1):
        found = found << 1 | _decide(coder, contexts, _node(length, place), abs(number) >> place & 1)
    return sign * found


@njit(cache=True)
def _walk(coder: Any, numbers: IntArray, first: int, kinds: IntArray, places: IntArray, near: IntArray) -> bool:
    """Encode the numbers from `first` on, or decode them in place; whether all are in range."""
    contexts = np.zeros(_N_CONTEXTS, np.int64)
    for i in range(len(kinds)):
        _set_contexts(contexts, kinds[i], places[i], numbers, near[i])
        number = _code_number(coder, contexts, numbers[first + i])
        if abs(number) > MOST_NUMBER:
            return False
        numbers[first + i] = number
    return True


@njit(cache=True)
def _walk_bits(coder: Any, values: IntArray, n_bits: int) -> None:
    """Encode or decode numbers bit by bit, from even odds on."""
    for i in range(len(values)):
        found = np.int64(0)
        for place in range(n_bits - 1, -1, -1):
            found = found << 1 | code(coder, 0, 0, _RAW, values[i] >> place & 1, 0)
        values[i] = found
