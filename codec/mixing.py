"""Binary decisions to bytes and back, with probabilities mixed from many adaptive contexts, in integers only.

For a small file the model is half the codec: a decision is predicted from several contexts at once, each an adaptive
probability that starts where training left it, and the predictions are mixed in the logistic domain by weights that
adapt too (the context mixing of PAQ [1]_, [2]_). How much a context has seen chooses among several weights for it, so
that a probability learned from three bits is not believed like one learned from a hundred. All of it is integer
arithmetic with tables made of integers, so that both ends of a file compute the same probabilities on every machine::

    contexts --> slots --> stretch(p_i) --(weights)--> squash --> range coder <--> bytes
                   ^                         ^                        |
                   +------- adapt -----------+---------- bit ---------+

`code` is one function for both directions: it encodes the bit that it is given or returns the bit that it decodes, so a
model written with it is written once and its two sides cannot disagree.

References
----------
.. [1] M. Mahoney, Adaptive weighing of context models for lossless data compression, Florida Tech. CS-2005-16, 2005.
.. [2] D. Salomon, G. Motta, Handbook of Data Compression, 5th ed., 2010, section 5.15.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..formats.errors import FormatError, TrailingDataError
from .compiled import njit

# Part of the format, never change.
MOST_CONTEXTS = 12  # of a decision
N_CONFIDENCES = 6  # weights of a context, by how much it has seen
_PROBABILITY_BITS = 22  # of a slot
_COUNT_BITS = 10  # of a slot
_MOST_SEEN = 255  # a count stays here: the slot goes on learning at the rate 1 / 256
_CODED_BITS = 16  # of the probability that the range coder sees
_UNIT = 1 << 16  # a weight of one
CDF_BITS = 46  # of `logistic`
STRETCH_LIMIT = 2815  # 256 ln(p / (1 - p)) stays within this
_BIAS = 256  # the constant input
_RATE = 6  # how fast weights learn

ENCODE, DECODE, COUNT = 0, 1, 2  # COUNT adapts and counts bits, and writes nothing

_LOW, _RANGE, _POSITION, _CACHE, _PENDING, _CODE, _MODE, _FAILED = range(8)


class Priors(NamedTuple):
    """Where a model starts: trained, part of the format.

    Attributes
    ----------
    slots : (S,) uint32
        Adaptive probabilities: of a one in 2^-22, above 10 bits of count.
    weights : (W, MOST_CONTEXTS + 1, N_CONFIDENCES) int32
        A table for each set, 65536 for a weight of one: of each context by how much it has seen, then of the constant.
    """

    slots: NDArray[np.uint32]
    weights: NDArray[np.int32]


class Coder(NamedTuple):
    """All that coding changes; made by `coder`.

    Attributes
    ----------
    slots, weights
        As in `Priors`, adapting.
    chosen : (MOST_CONTEXTS,) int64
        The slots of the decision at hand, filled in by the caller of `code`.
    inputs : (MOST_CONTEXTS, 2) int64
        Scratch: stretched probabilities, and which weight each has. After those of the contexts stand those that the
        caller of `code` gives, if any, with their weights.
    state : (8,) int64
        Of the range coder.
    buffer : (B,) uint8
        Bytes written or to be read.
    bits : (K,) float64
        Cost of what was coded, by the kind given to `code`; for statistics only.
    """

    slots: NDArray[np.uint32]
    weights: NDArray[np.int32]
    chosen: NDArray[np.int64]
    inputs: NDArray[np.int64]
    state: NDArray[np.int64]
    buffer: NDArray[np.uint8]
    bits: NDArray[np.float64]


def untrained(n_slots: int, n_sets: int, n_inputs: int) -> Priors:
    """Priors that know nothing: probabilities of a half, and equal weights for `n_inputs` contexts."""
    weights = np.zeros((n_sets, MOST_CONTEXTS + 1, N_CONFIDENCES), np.int32)
    weights[:, :n_inputs] = int(_UNIT * 1.2 / n_inputs)
    return Priors(np.full(n_slots, 1 << (_PROBABILITY_BITS - 1 + _COUNT_BITS), np.uint32), weights)


def coder(priors: Priors, mode: int, *, data: bytes = b"", capacity: int = 0, n_kinds: int = 1) -> Coder:
    """A coder at its start.

    Parameters
    ----------
    priors : Priors
        Where the model starts; copied.
    mode : {ENCODE, DECODE, COUNT}
    data : bytes
        To decode.
    capacity : int
        Most bytes that encoding may write.
    n_kinds : int
        Kinds of decisions whose cost is counted apart.
    """
    state, buffer = _stream(mode, data, capacity)
    return Coder(
        priors.slots.copy(),
        priors.weights.copy(),
        np.zeros(MOST_CONTEXTS, np.int64),
        np.zeros((MOST_CONTEXTS, 2), np.int64),
        state,
        buffer,
        np.zeros(n_kinds),
    )


def another_stream(coder: Coder, mode: int, *, data: bytes = b"", capacity: int = 0) -> Coder:
    """A coder of other bytes that shares with this one what both learn; arguments as those of `coder`."""
    state, buffer = _stream(mode, data, capacity)
    return coder._replace(state=state, buffer=buffer)


def _stream(mode: int, data: bytes, capacity: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """State and buffer of a range coder at its start."""
    state = np.zeros(8, np.int64)
    state[_RANGE], state[_MODE] = 0xFFFFFFFF, mode
    if mode == DECODE:
        state[_CODE] = int.from_bytes(data[:4].ljust(4, b"\0"), "big")
        state[_POSITION] = 4
        return state, np.frombuffer(data, np.uint8).copy()
    if mode == ENCODE:
        # Before the first byte there is one more, which no carry reaches: held back as others are, and not written.
        state[_PENDING], state[_POSITION] = 1, -1
    return state, np.zeros(capacity, np.uint8)


def learned(known: Coder | Priors, most_seen: int = _MOST_SEEN) -> Priors:
    """What a coder or priors know, with counts of at most `most_seen`, so that a new file can still move them."""
    count = np.minimum(known.slots & ((1 << _COUNT_BITS) - 1), most_seen)
    return Priors((known.slots >> _COUNT_BITS << _COUNT_BITS | count).astype(np.uint32), known.weights.copy())


def slots(odds: NDArray[np.int64], counts: NDArray[np.integer]) -> NDArray[np.uint32]:
    """Slots with probabilities of 256 ln(p / (1 - p)) = `odds`, within `STRETCH_LIMIT`, and with these counts."""
    probabilities = _SQUASH[np.clip(odds, -STRETCH_LIMIT, STRETCH_LIMIT) + STRETCH_LIMIT]
    return (probabilities << (32 - _CODED_BITS) | counts).astype(np.uint32)


def odds_and_counts(slots: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What `slots` makes slots of."""
    return _STRETCH[slots >> 20], (slots & ((1 << _COUNT_BITS) - 1)).astype(np.int64)


# -- tables, from integers, so that they are the same everywhere -------------------------------------------------------


_ONE = 1 << 80
_CDF_LIMIT = 22 << 8  # beyond lies less than 2^-31


def _powers(n: int) -> list[int]:
    """exp(k / 256) for k from 0 to n, in 2^-80."""
    term, step, k = _ONE, 0, 0
    while term:
        step += term
        k += 1
        term //= 256 * k
    powers = [_ONE]
    for _ in range(n):
        powers.append(powers[-1] * step // _ONE)
    return powers


def _tables() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stretch, of 4096 probabilities, and its inverse squash, from -STRETCH_LIMIT on."""
    upper = [65536 * power // (_ONE + power) for power in _powers(STRETCH_LIMIT)]  # squash of 0, 1, 2, ...
    upper = [min(max(p, 1), 65535) for p in upper]
    squash = np.array([65536 - p for p in reversed(upper[1:])] + upper, np.int64)
    middles = (2 * np.arange(4096) + 1) * 8
    stretch = np.searchsorted(squash, middles) - STRETCH_LIMIT
    return stretch.astype(np.int64), squash


def _logistic_table() -> NDArray[np.int64]:
    """The logistic function of -_CDF_LIMIT / 256 to _CDF_LIMIT / 256, in 2^-CDF_BITS."""
    powers = _powers(_CDF_LIMIT)
    upper = [(power << CDF_BITS) // (_ONE + power) for power in powers]
    return np.array([(1 << CDF_BITS) - p for p in reversed(upper[1:])] + upper, np.int64)


_STRETCH, _SQUASH = _tables()
_CDF = _logistic_table()
_SEEN = np.arange(1 << _COUNT_BITS)
_RECIPROCALS = (2 << 16) // (2 * np.minimum(_SEEN, _MOST_SEEN) + 3)  # a slot learns at the rate 1 / (count + 1.5)
_CONFIDENCES = np.searchsorted([1, 2, 4, 10, 24], _SEEN, side="right")
_COSTS = -np.log2(np.maximum(np.arange(4097), 0.5) / 4096)  # bits, by probability in 2^-12


# -- coding ------------------------------------------------------------------------------------------------------------


@njit(cache=True)
def code(coder: Any, n: int, n_given: int, weight_set: int, bit: int, kind: int) -> int:
    """Encode `bit`, or decode and return one, with the contexts `coder.chosen[:n]` and the weights of a set.

    After those of the contexts, `coder.inputs` may hold `n_given` more opinions.
    """
    slots, chosen, inputs, weights = coder.slots, coder.chosen, coder.inputs, coder.weights
    total = _BIAS * np.int64(weights[weight_set, MOST_CONTEXTS, 0])
    for i in range(n):
        word = np.int64(slots[chosen[i]])
        stretched, confidence = _STRETCH[word >> 20], _CONFIDENCES[word & 1023]
        inputs[i, 0], inputs[i, 1] = stretched, confidence
        total += stretched * weights[weight_set, i, confidence]
    for i in range(n, n + n_given):
        total += inputs[i, 0] * weights[weight_set, i, inputs[i, 1]]
    probability = _SQUASH[min(max(total >> 16, -STRETCH_LIMIT), STRETCH_LIMIT) + STRETCH_LIMIT]
    bit = _range_code(coder.state, coder.buffer, probability, bit)
    coder.bits[kind] += _COSTS[(probability if bit else 65536 - probability) >> 4]
    error = ((bit << _CODED_BITS) - probability) * _RATE
    for i in range(n):
        weights[weight_set, i, inputs[i, 1]] += (inputs[i, 0] * error + 0x80000) >> 20
        word = np.int64(slots[chosen[i]])
        count = word & 1023
        known = word >> _COUNT_BITS
        target = (1 << _PROBABILITY_BITS) - 1 if bit else 0
        known += ((target - known) * _RECIPROCALS[count]) >> 16
        slots[chosen[i]] = (known << _COUNT_BITS) | min(count + 1, _MOST_SEEN)
    for i in range(n, n + n_given):
        weights[weight_set, i, inputs[i, 1]] += (inputs[i, 0] * error + 0x80000) >> 20
    weights[weight_set, MOST_CONTEXTS, 0] += (_BIAS * error + 0x80000) >> 20
    return bit


@njit(cache=True)
def cost(coder: Any, n: int, n_given: int, weight_set: int, bit: int) -> float:
    """Bits that `code` would spend, without coding."""
    total = _BIAS * np.int64(coder.weights[weight_set, MOST_CONTEXTS, 0])
    for i in range(n):
        word = np.int64(coder.slots[coder.chosen[i]])
        total += _STRETCH[word >> 20] * coder.weights[weight_set, i, _CONFIDENCES[word & 1023]]
    for i in range(n, n + n_given):
        total += coder.inputs[i, 0] * coder.weights[weight_set, i, coder.inputs[i, 1]]
    probability = _SQUASH[min(max(total >> 16, -STRETCH_LIMIT), STRETCH_LIMIT) + STRETCH_LIMIT]
    return _COSTS[(probability if bit else 65536 - probability) >> 4]


@njit(cache=True)
def stretch(part: int, whole: int) -> int:
    """An opinion for `Coder.inputs`: a one has `part` of `whole`, both up to 2^CDF_BITS; 0 where that says nothing."""
    if whole <= 0:
        return 0
    return _STRETCH[min(max((part << 12) // whole, 0), 4095)]


@njit(cache=True)
def logistic(z: int) -> int:
    """1 / (1 + exp(-z)) in 2^-CDF_BITS, for z in 2^-16."""
    z = min(max(z, -_CDF_LIMIT << 8), (_CDF_LIMIT << 8) - 1)
    i, rest = (z >> 8) + _CDF_LIMIT, z & 255
    return _CDF[i] + ((_CDF[i + 1] - _CDF[i]) * rest >> 8)


@njit(cache=True)
def _range_code(state: Any, buffer: Any, probability: int, bit: int) -> int:
    """The range coder of LZMA: 32-bit range, carries held back; a one takes the lower part of the range."""
    mode = state[_MODE]
    if mode == COUNT:
        return bit
    width = state[_RANGE]
    split = (width >> _CODED_BITS) * probability
    if mode == DECODE:
        bit = 1 if state[_CODE] < split else 0
        if not bit:
            state[_CODE] -= split
    elif not bit:
        state[_LOW] += split
    width = split if bit else width - split
    while width < 1 << 24:
        width <<= 8
        if mode == DECODE:
            state[_CODE] = (state[_CODE] << 8 | _next_byte(state, buffer)) & 0xFFFFFFFF
        else:
            _shift_low(state, buffer)
    state[_RANGE] = width
    return bit


@njit(cache=True)
def _next_byte(state: Any, buffer: Any) -> int:
    """The next byte; zeros after the end, which the encoder left out."""
    position = state[_POSITION]
    state[_POSITION] = position + 1
    return np.int64(buffer[position]) if position < len(buffer) else np.int64(0)


@njit(cache=True)
def _shift_low(state: Any, buffer: Any) -> None:
    """Move the top byte of `low` out, once no carry can reach it."""
    low = state[_LOW]
    if low < 0xFF000000 or low > 0xFFFFFFFF:
        carry = low >> 32
        _put(state, buffer, state[_CACHE] + carry)
        while state[_PENDING] > 1:
            _put(state, buffer, 0xFF + carry)
            state[_PENDING] -= 1
        state[_PENDING] = 0
        state[_CACHE] = (low >> 24) & 0xFF
    state[_PENDING] += 1
    state[_LOW] = (low & 0x00FFFFFF) << 8


@njit(cache=True)
def _put(state: Any, buffer: Any, byte: int) -> None:
    position = state[_POSITION]
    if 0 <= position < len(buffer):
        buffer[position] = byte & 0xFF
    elif position >= 0:
        state[_FAILED] = 1
    state[_POSITION] = position + 1


def _roundest(low: int, width: int) -> int:
    """Of the numbers in [low, low + width), the one that ends in most zeros; the least of them."""
    for zeros in range(32, -1, -1):
        value = (low + (1 << zeros) - 1) >> zeros << zeros
        if value < low + width:
            break
    return value


def finish(coder: Coder) -> bytes:
    """The bytes of an encoding, as few as tell it from every other: zeros at the end are left out.

    Raises
    ------
    ValueError
        More was written than the capacity allows.
    """
    state = coder.state
    state[_LOW] = _roundest(int(state[_LOW]), int(state[_RANGE]))
    for _ in range(5):
        _shift_low(state, coder.buffer)
    if state[_FAILED]:
        raise ValueError(f"an encoding outgrew its {len(coder.buffer)} bytes")
    return coder.buffer[: int(state[_POSITION])].tobytes().rstrip(b"\0")


def check_end(coder: Coder, what: str) -> None:
    """Refuse bytes that are not what `finish` made of the decisions decoded; `what` starts the message.

    Raises
    ------
    TrailingDataError
        Bytes follow those that decoding has looked at.
    FormatError
        The last ones are others, or zeros.
    """
    state, n_bytes = coder.state, len(coder.buffer)
    n_read = int(state[_POSITION])
    if n_bytes > n_read:
        raise TrailingDataError(f"{what}: {n_bytes - n_read} bytes follow the end of the coded data")
    window = int.from_bytes(coder.buffer[max(n_read - 4, 0) :].tobytes().ljust(4, b"\0"), "big")
    # The code is how far the window lies above the encoder's low, modulo 2^32.
    low = (window - int(state[_CODE])) & 0xFFFFFFFF
    if window != _roundest(low, int(state[_RANGE])) & 0xFFFFFFFF or (n_bytes and not coder.buffer[-1]):
        raise FormatError(f"{what}: coded data does not end as it must")
