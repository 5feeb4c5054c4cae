"""Cells as bytes without a field: they come back, and what no encoder writes is refused."""

import dataclasses

import numpy as np
import pytest
from sdfz.codec.entropy import SymbolEncoder
from sdfz.codec.occupancy import NO_FIELD, cells_of_points, encode_children, sorted_cells
from sdfz.codec.octree import octree_tables, pack_cells, unpack_cells
from sdfz.formats.errors import FormatError, LimitError, TrailingDataError
from sdfz.formats.limits import DEFAULT


def _ball(depth: int) -> np.ndarray:
    points = np.random.default_rng(0).standard_normal((20_000, 3))
    return cells_of_points(0.6 * points / np.linalg.norm(points, axis=1, keepdims=True), depth)


@pytest.mark.parametrize("depth", range(1, 7))
def test_cells_come_back(depth):
    cells = _ball(depth)
    data = pack_cells(cells, depth)
    assert np.array_equal(unpack_cells(data, depth), cells)
    assert len(data) < 4 + 3.2 * len(cells) / 8


def test_depth_0_takes_no_bytes():
    assert pack_cells(np.zeros((1, 3), np.int32), 0) == b""
    assert unpack_cells(b"", 0).tolist() == [[0, 0, 0]]


def test_cells_anywhere_come_back():
    cells = sorted_cells(np.random.default_rng(1).integers(0, 32, (50, 3)), 5)
    assert np.array_equal(unpack_cells(pack_cells(cells, 5), 5), cells)


def test_what_no_encoder_writes_is_refused():
    data = pack_cells(_ball(4), 4)
    with pytest.raises(TrailingDataError):
        unpack_cells(data + bytes(range(1, 9)), 4)
    with pytest.raises(FormatError):
        unpack_cells(data + b"\0", 4)
    with pytest.raises(FormatError):
        unpack_cells(b"\xff" * 40, 6)
    coder = SymbolEncoder()
    encode_children(coder, np.zeros((1, 3), np.int32), _ball(1)[:0], 1, np.full((8, 1), NO_FIELD), *octree_tables())
    with pytest.raises(FormatError, match="an occupied cell of level 0 has no child"):
        unpack_cells(coder.finish(), 2)
    with pytest.raises(LimitError):
        unpack_cells(data, 4, dataclasses.replace(DEFAULT, max_cells=20))
