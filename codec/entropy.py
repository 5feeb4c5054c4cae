"""Symbols to bytes and back, through constriction's range coder.

A probability is never computed here: every symbol comes with the index of a row in a fixed integer table, and symbols
with the same index are coded together (constriction is four times faster on a run that shares its model)::

    symbols (N,), rows (N,)  -- group by row -->  range coder  -->  bytes

The decoder needs the same rows before it sees the symbols, so they may depend on integers decoded earlier, and on
nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import constriction
import numpy as np
import numpy.typing as npt

from ..formats.errors import FormatError, LimitError, TrailingDataError

Ints = npt.NDArray[np.int32]

# Part of the format, never change.
TABLE_TOTAL = 1 << 16  # what the entries of a row add up to
MAX_ESCAPE_BITS = 24  # a number beyond its table's support is at most this long
WORD_BYTES = 4


class TableFamily:
    """Rows of fixed integer probabilities over one alphabet.

    Parameters
    ----------
    frequencies : (R, A) integer array
        Row r gives symbol a the probability frequencies[r, a] / 65536. Each entry is at least 1.

    Raises
    ------
    ValueError
        A row does not add up to 65536, or an entry is zero.
    """

    def __init__(self, frequencies: npt.ArrayLike) -> None:
        self.frequencies = np.asarray(frequencies, np.int64)
        if self.frequencies.ndim != 2 or (self.frequencies < 1).any():
            raise ValueError("a frequency table needs two axes and entries of at least 1")
        if (self.frequencies.sum(1) != TABLE_TOTAL).any():
            raise ValueError(f"the entries of a frequency row must add up to {TABLE_TOTAL}")
        self._models: dict[int, object] = {}

    @property
    def n_rows(self) -> int:
        """Rows of the table."""
        return len(self.frequencies)

    def bits(self) -> npt.NDArray[np.float64]:
        """(R, A) cost of each symbol in bits, for estimates of the rate."""
        return -np.log2(self.frequencies / TABLE_TOTAL)

    def model(self, row: int) -> object:
        """constriction's model of a row, made once."""
        if row not in self._models:
            # Dyadic probabilities are exact in float64, so that constriction's fixed-point rounding sees the same
            # numbers on every machine.
            self._models[row] = constriction.stream.model.Categorical(
                self.frequencies[row] / TABLE_TOTAL, perfect=False
            )
        return self._models[row]


@dataclass(frozen=True, eq=False)
class SignedTables:
    """Probabilities of signed integers of any size.

    Parameters
    ----------
    letters : TableFamily
        2 S + 2 letters a row: -S..S and the escape.
    escapes : TableFamily
        With as many rows: the length of what follows an escape, 0 to 23 bits.

    Raises
    ------
    ValueError
        The tables do not belong together.
    """

    letters: TableFamily
    escapes: TableFamily

    def __post_init__(self) -> None:
        if self.letters.n_rows != self.escapes.n_rows or self.escapes.frequencies.shape[1] != MAX_ESCAPE_BITS:
            raise ValueError(f"escapes need a row of {MAX_ESCAPE_BITS} lengths for each row of letters")

    @property
    def n_rows(self) -> int:
        """Rows of the tables."""
        return self.letters.n_rows

    @property
    def support(self) -> int:
        """Largest magnitude that needs no escape."""
        return (self.letters.frequencies.shape[1] - 2) // 2

    def split(self, values: npt.NDArray[np.integer]) -> tuple[Ints, Ints, Ints]:
        """Letters (N,) of values, the positions that escape, and what is left of their magnitudes (at least 1).

        Raises
        ------
        LimitError
            A value is beyond what an escape can hold (24 bits).
        """
        magnitudes = np.abs(values.astype(np.int64))
        escaped = np.flatnonzero(magnitudes > self.support)
        rest = magnitudes[escaped] - self.support
        if len(rest) and int(rest.max()) >> MAX_ESCAPE_BITS:
            raise LimitError(f"symbol {int(magnitudes.max())} is beyond what the format can hold")
        letters = np.where(magnitudes > self.support, 2 * self.support + 1, values + self.support)
        return letters.astype(np.int32), escaped.astype(np.int32), rest.astype(np.int32)

    def bits(self, values: npt.NDArray[np.integer], rows: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        """(N,) cost of values in bits, for estimates of the rate."""
        letters, escaped, rest = self.split(values)
        cost = self.letters.bits()[rows, letters]
        lengths = _length(rest)
        cost[escaped] += self.escapes.bits()[rows[escaped], lengths] + lengths + 1
        return cost


def _length(rest: npt.NDArray[np.integer]) -> Ints:
    """Bits after the leading one of positive integers."""
    return (np.frexp(rest.astype(np.float64))[1] - 1).astype(np.int32)  # exact: below 2**53


def _groups(rows: npt.NDArray[np.integer]) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
    """Each row index that occurs, ascending, with the positions where it does, ascending."""
    order = np.argsort(rows, kind="stable")
    values, starts = np.unique(rows[order], return_index=True)
    for value, positions in zip(values, np.split(order, starts[1:]), strict=True):
        yield int(value), positions


class SymbolEncoder:
    """Range encoder of grouped symbols."""

    def __init__(self) -> None:
        self._coder = constriction.stream.queue.RangeEncoder()

    def put(self, symbols: npt.NDArray[np.integer], rows: npt.NDArray[np.integer], family: TableFamily) -> None:
        """Append symbols, each with the row of its probabilities.

        Parameters
        ----------
        symbols : (N,) integer array
            In 0..A-1.
        rows : (N,) integer array
            In 0..R-1.
        family : TableFamily
        """
        symbols = np.asarray(symbols, np.int32)
        if not len(symbols):
            return
        for row, positions in _groups(np.asarray(rows)):
            self._coder.encode(symbols[positions], family.model(row))

    def put_bits(self, values: npt.NDArray[np.integer], n_bits: int) -> None:
        """Append raw numbers of n_bits each, at probability 2**-n_bits."""
        if n_bits and len(values):
            self._coder.encode(np.asarray(values, np.int32), constriction.stream.model.Uniform(1 << n_bits))

    def put_signed(self, values: npt.NDArray[np.integer], rows: npt.NDArray[np.integer], tables: SignedTables) -> None:
        """Append signed integers, each with the row of its probabilities.

        A value beyond the support S sends the escape, later the length of |value| - S (Exp-Golomb), its lower bits and
        the sign.

        Raises
        ------
        LimitError
            A value is beyond what an escape can hold (24 bits).
        """
        letters, escaped, rest = tables.split(values)
        self.put(letters, rows, tables.letters)
        if not len(escaped):
            return
        lengths = _length(rest)
        self.put(lengths, rows[escaped], tables.escapes)
        for n_bits in range(1, MAX_ESCAPE_BITS):
            self.put_bits(rest[lengths == n_bits] - (1 << n_bits), n_bits)
        self.put_bits((values[escaped] < 0).astype(np.int32), 1)

    def finish(self) -> bytes:
        """The coded bytes, without the zeros that a decoder reads past the end anyway."""
        return self._coder.get_compressed().astype("<u4").tobytes().rstrip(b"\0")


class SymbolDecoder:
    """Range decoder of grouped symbols: the mirror of `SymbolEncoder`.

    Damage is not noticed here (any bytes decode to something): the container's checksums come first.

    Parameters
    ----------
    data : bytes
        What `SymbolEncoder.finish` gave.

    Raises
    ------
    FormatError
        The data ends with a zero byte, which no encoder writes.
    """

    def __init__(self, data: bytes) -> None:
        if data.endswith(b"\0"):
            raise FormatError("coded data: ends with a zero byte")
        padded = data + b"\0" * (-len(data) % WORD_BYTES)
        self._coder = constriction.stream.queue.RangeDecoder(np.frombuffer(padded, "<u4").astype(np.uint32))

    def take(self, rows: npt.NDArray[np.integer], family: TableFamily) -> Ints:
        """The next symbols, (N,) int32, for (N,) rows."""
        symbols = np.empty(len(rows), np.int32)
        if len(rows):
            for row, positions in _groups(np.asarray(rows)):
                symbols[positions] = self._decode(family.model(row), len(positions))
        return symbols

    def take_bits(self, count: int, n_bits: int) -> Ints:
        """The next `count` raw numbers of n_bits each."""
        if not n_bits or not count:
            return np.zeros(count, np.int32)
        return self._decode(constriction.stream.model.Uniform(1 << n_bits), count)

    def take_signed(self, rows: npt.NDArray[np.integer], tables: SignedTables) -> Ints:
        """The next signed integers, (N,) int32, for (N,) rows."""
        support = np.int32(tables.support)
        values = self.take(rows, tables.letters) - support
        escaped = np.flatnonzero(values == support + 1)
        if not len(escaped):
            return values
        lengths = self.take(rows[escaped], tables.escapes)
        rest = np.left_shift(np.int32(1), lengths)
        for n_bits in range(1, MAX_ESCAPE_BITS):
            these = lengths == n_bits
            rest[these] += self.take_bits(int(these.sum()), n_bits)
        negative = self.take_bits(len(escaped), 1).astype(bool)
        values[escaped] = np.where(negative, -(rest + support), rest + support)
        return values

    def finish(self) -> None:
        """Check that the data ends with the symbols that were taken, or a word (4 bytes) later.

        Raises
        ------
        TrailingDataError
            It goes on.
        """
        if not self._coder.maybe_exhausted():
            raise TrailingDataError("coded data: goes on after its last symbol")

    def _decode(self, model: object, count: int) -> Ints:
        try:
            return np.asarray(self._coder.decode(model, count), np.int32)
        except AssertionError as error:  # how constriction reports a state that no encoder leaves
            raise FormatError("coded data: not a range coder's output") from error
