import numpy as np
import plain_decoder
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdfz.codec.entropy import (
    MAX_ESCAPE_BITS,
    TABLE_TOTAL,
    SignedTables,
    SymbolDecoder,
    SymbolEncoder,
    TableFamily,
)
from sdfz.formats.errors import FormatError, LimitError, TrailingDataError
from strategies import families, frequencies, signed_tables

EVEN = TableFamily([[TABLE_TOTAL // 2] * 2])
LARGEST_REST = (1 << MAX_ESCAPE_BITS) - 1


@st.composite
def letter_runs(draw):
    """A table, symbols and their rows."""
    family = draw(st.integers(2, 40).flatmap(families))
    n_letters = family.frequencies.shape[1]
    pairs = draw(st.lists(st.tuples(st.integers(0, n_letters - 1), st.integers(0, 2)), max_size=60))
    symbols, rows = np.array(pairs, np.int32).reshape(-1, 2).T
    return family, symbols, rows


@st.composite
def signed_runs(draw):
    """Tables, signed integers of any size that can be held, and their rows."""
    tables = draw(signed_tables())
    largest = tables.support + LARGEST_REST
    numbers = st.integers(-largest, largest) | st.integers(-40, 40) | st.sampled_from([-largest, largest])
    pairs = draw(st.lists(st.tuples(numbers, st.integers(0, 2)), max_size=60))
    values, rows = np.array(pairs, np.int32).reshape(-1, 2).T
    return tables, values, rows


raw_runs = st.integers(0, MAX_ESCAPE_BITS - 1).flatmap(
    lambda n_bits: st.tuples(st.just(n_bits), st.lists(st.integers(0, (1 << n_bits) - 1), max_size=20))
)


@given(st.lists(letter_runs() | signed_runs() | raw_runs, max_size=4))
def test_round_trip(runs):
    """Letters, signed integers with and without escapes, and raw numbers come back, and nothing is left."""
    coder = SymbolEncoder()
    for run in runs:
        if isinstance(run[0], TableFamily):
            coder.put(run[1], run[2], run[0])
        elif isinstance(run[0], SignedTables):
            coder.put_signed(run[1], run[2], run[0])
        else:
            coder.put_bits(np.array(run[1], np.int32), run[0])
    data = coder.finish()
    decoder = SymbolDecoder(data)
    for run in runs:
        if isinstance(run[0], TableFamily):
            assert decoder.take(run[2], run[0]).tolist() == run[1].tolist()
        elif isinstance(run[0], SignedTables):
            assert decoder.take_signed(run[2], run[0]).tolist() == run[1].tolist()
        else:
            assert decoder.take_bits(len(run[1]), run[0]).tolist() == run[1]
    decoder.finish()


@given(letter_runs())
def test_a_range_coder_from_the_format_document_reads_it(run):
    """The bytes are those of SPEC.md, whatever library wrote them."""
    family, symbols, rows = run
    coder = SymbolEncoder()
    coder.put(symbols, rows, family)
    decoder = plain_decoder.RangeDecoder(coder.finish())
    assert decoder.grouped(rows.tolist(), plain_decoder.Table(family.frequencies)) == symbols.tolist()


@given(signed_tables(), st.integers(0, 2**30), st.booleans())
def test_beyond_24_bits(tables, excess, negative):
    value = tables.support + LARGEST_REST + 1 + excess
    with pytest.raises(LimitError, match=f"symbol {value} is beyond"):
        SymbolEncoder().put_signed(np.array([-value if negative else value]), np.zeros(1, np.int32), tables)


@given(signed_runs())
def test_estimated_bits_are_those_spent(run):
    tables, values, rows = run
    coder = SymbolEncoder()
    coder.put_signed(values, rows, tables)
    assert abs(8 * len(coder.finish()) - tables.bits(values, rows).sum()) < 33 + 0.01 * len(values)


def test_bytes_never_end_with_zero():
    """A decoder reads zeros past the end, so that an encoder leaves them out; a file that has them is no encoder's."""
    for value in range(256):
        coder = SymbolEncoder()
        coder.put_bits(np.array([value, 0, 0, 0, 0]), 8)
        assert not coder.finish().endswith(b"\0")
    with pytest.raises(FormatError, match="zero byte"):
        SymbolDecoder(b"\1\0")


@pytest.mark.parametrize("extra", [bytes(8) + b"\1", b"some more data", b"\xff" * 9])
def test_data_goes_on(extra):
    """Two words are read ahead; what comes after them is noticed."""
    coder = SymbolEncoder()
    coder.put(np.arange(100) % 2, np.zeros(100, np.int32), EVEN)
    data = coder.finish()
    decoder = SymbolDecoder(data + bytes(-len(data) % 4) + extra)
    decoder.take(np.zeros(100, np.int32), EVEN)
    with pytest.raises(TrailingDataError, match="goes on"):
        decoder.finish()


def test_state_that_no_encoder_leaves():
    with pytest.raises(FormatError, match="not a range coder's output"):
        SymbolDecoder(b"\xff" * 8).take(np.zeros(1, np.int32), EVEN)


@pytest.mark.parametrize("rows", [[[TABLE_TOTAL, 0]], [[1, 2]], [TABLE_TOTAL]])
def test_tables_that_cannot_be(rows):
    with pytest.raises(ValueError, match="frequency"):
        TableFamily(rows)


def test_escapes_need_a_row_for_each_row_of_letters():
    with pytest.raises(ValueError, match="a row of 24 lengths"):
        SignedTables(EVEN, TableFamily([frequencies([1] * MAX_ESCAPE_BITS)] * 2))
