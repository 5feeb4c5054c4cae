"""The payload of a `hashgrid` file: symbols come back exactly, and what it declares is checked first."""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sdfz.codec.hashgrid.stream import PAYLOAD, pack_symbols, unpack_symbols
from sdfz.codec.hashgrid.symbols import N_LOCAL, WIDTHS, HashgridSymbols, grid_of, network_shapes
from sdfz.codec.hashgrid.touched import TouchedLevel
from sdfz.codec.hashgrid.trims import take_trims
from sdfz.codec.numbers import NumberDecoder, NumberEncoder
from sdfz.codec.occupancy import OCTANTS, sorted_cells
from sdfz.codec.trim import NO_CELLS
from sdfz.formats import FormatError, LimitError, SdfzError, Section, TrailingDataError, TruncatedError
from sdfz.formats.limits import DEFAULT


def symbols_of(
    seed: int, depth: int, n_levels: int, log2_table: int, width: int, n_features: int, smooth: bool, size: int,
    n_local: int = N_LOCAL,
) -> HashgridSymbols:  # fmt: skip
    rng = np.random.default_rng(seed)
    cells = sorted_cells(rng.integers(0, 1 << depth, (rng.integers(1, 60), 3)), depth)
    grid = grid_of(depth, n_levels, log2_table, n_features, smooth)
    levels = [TouchedLevel(grid, level, cells, depth) for level in range(n_levels)]
    trimmed = cells[rng.random(len(cells)) < 0.3] if n_local else NO_CELLS
    eighths = (2 * trimmed[:, None] + OCTANTS).reshape(-1, 3)
    parts = sorted_cells(eighths[rng.random(len(eighths)) < 0.5], depth + 1)
    return HashgridSymbols(
        depth=depth,
        cells=cells,
        grid=grid,
        gain_codes=tuple(rng.integers(0, 160, n_levels).tolist()),
        weights=tuple(rng.integers(-size, size + 1, shape) for shape in network_shapes(grid, width, n_local)),
        tables=tuple(rng.integers(-size, size + 1, (len(level), n_features)) for level in levels),
        trimmed=trimmed,
        parts=parts,
    )


def same(a: HashgridSymbols, b: HashgridSymbols) -> bool:
    arrays = [
        (a.cells, b.cells),
        (a.trimmed, b.trimmed),
        (a.parts, b.parts),
        *zip(a.weights, b.weights, strict=True),
        *zip(a.tables, b.tables, strict=False),
    ]
    equal = all(np.array_equal(x, y) for x, y in arrays)
    return equal and (a.depth, a.grid, a.gain_codes) == (b.depth, b.grid, b.gain_codes)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_symbols_come_back(data: st.DataObject) -> None:
    depth = data.draw(st.integers(1, 6))
    symbols = symbols_of(
        data.draw(st.integers(0, 1000)), depth, data.draw(st.integers(1, depth)), data.draw(st.integers(8, 23)),
        data.draw(st.sampled_from(WIDTHS)), data.draw(st.integers(1, 2)), data.draw(st.booleans()),
        data.draw(st.sampled_from([0, 3, 5000])), data.draw(st.sampled_from([0, N_LOCAL])),
    )  # fmt: skip
    sections = pack_symbols(symbols)
    assert same(unpack_symbols(sections), symbols)
    assert pack_symbols(unpack_symbols(sections)) == sections


SECTION = pack_symbols(symbols_of(0, 4, 3, 10, 16, 1, False, 5))[0]
HEAD, START = PAYLOAD.unpack(SECTION.data)


def refused(error: type[SdfzError], match: str, data: bytes, **limits: int) -> None:
    with pytest.raises(error, match=match):
        unpack_symbols([Section(1, data)], limits=dataclasses.replace(DEFAULT, **limits))


def changed(**fields: int) -> bytes:
    return PAYLOAD.pack({**HEAD, **fields}) + SECTION.data[START:]


def test_fields_out_of_range() -> None:
    refused(FormatError, "depth 0 with", changed(shape=0x90))
    refused(FormatError, "depth 9 with", changed(shape=0x99))
    refused(FormatError, "with 0 levels", changed(shape=0x84))
    refused(FormatError, "depth 4 with 5 levels", changed(shape=0xD4))
    refused(FormatError, "depth 8 with 7 levels", changed(shape=0xF8))
    refused(FormatError, "width code 3", changed(options=HEAD["options"] | 0xC0))
    refused(TruncatedError, "bytes of octree", changed(octree_bytes=len(SECTION.data)))


def test_trims_are_yes_or_no() -> None:
    cells = np.zeros((1, 3), np.int32)
    beside = [[1 + (i ^ bit) if i ^ bit < i else -1 for bit in (4, 2, 1)] for i in range(8)]
    for flags in ([2], [-1], [1, 0, 0, 1, 0, 0, 0, 0, 3]):
        coder = NumberEncoder()
        coder.put(np.array(flags[:1]), np.array([62]), np.zeros(1, np.int64), np.full((1, 6), -1))
        if flags[1:]:
            coder.put(np.array(flags[1:]), np.full(8, 63), np.arange(8), np.array(beside))
        with pytest.raises(FormatError, match="neither 0 nor 1"):
            take_trims(NumberDecoder(coder.finish()), 0, cells, 1)


def test_limits() -> None:
    refused(LimitError, "octree depth", SECTION.data, max_depth=3)
    refused(LimitError, "entries of tables", SECTION.data, max_symbols=1000)
    refused(LimitError, "occupied cells", SECTION.data, max_cells=10)


def test_damage() -> None:
    refused(TrailingDataError, "follow the end", SECTION.data + bytes(8) + b"\1")
    with pytest.raises(FormatError, match="it has one"):
        unpack_symbols([SECTION, Section(2, b"")])
    good = symbols_of(0, 4, 3, 10, 16, 1, False, 5)
    tight = dataclasses.replace(DEFAULT, max_symbols=20_000)
    for i in range(0, len(SECTION.data), 5):
        flipped = (SECTION.data[i] ^ mask for mask in (1, 128))
        for data in (SECTION.data[:i], *(SECTION.data[:i] + bytes([x]) + SECTION.data[i + 1 :] for x in flipped)):
            with contextlib.suppress(SdfzError):
                assert not same(unpack_symbols([Section(1, data)], limits=tight), good)
