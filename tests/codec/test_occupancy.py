import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdfz.codec.entropy import SymbolDecoder, SymbolEncoder
from sdfz.codec.grid.tables import grid_tables
from sdfz.codec.occupancy import (
    N_CLOSENESS,
    NO_FIELD,
    cells_of_points,
    closeness_of,
    decode_children,
    encode_children,
    parents_of,
    sorted_cells,
)
from sdfz.formats.errors import LimitError
from sdfz.formats.limits import DEFAULT
from strategies import octrees, rngs

TABLES = grid_tables()


def levels_of(cells, depth):
    """Occupied cells of all levels, the root first."""
    levels = [cells]
    for d in range(depth, 0, -1):
        levels.append(parents_of(levels[-1], d))
    return levels[::-1]


def round_trip(cells, depth, closeness_at, limits=DEFAULT):
    """Cells that come back, and the bytes they took; `closeness_at(depth, n_parents)` stands in for the field."""
    levels = levels_of(cells, depth)
    closeness = [closeness_at(d, len(levels[d - 1])) for d in range(1, depth + 1)]
    coder = SymbolEncoder()
    for d in range(1, depth + 1):
        encode_children(coder, levels[d - 1], levels[d], d, closeness[d - 1], TABLES.occupancy, TABLES.bits)
    data = coder.finish()
    decoder = SymbolDecoder(data)
    found = levels[0]
    for d in range(1, depth + 1):
        found = decode_children(decoder, found, d, closeness[d - 1], TABLES.occupancy, TABLES.bits, limits)
    decoder.finish()
    return found, data


def no_field(depth, n_parents):
    return np.full((8, n_parents), NO_FIELD)


@given(octrees(), rngs(), st.booleans())
def test_octree_round_trip(octree, rng, with_field):
    def any_class(depth, n_parents):
        return rng.integers(0, N_CLOSENESS - 1, (8, n_parents))

    found, _ = round_trip(*octree, any_class if with_field else no_field)
    assert found.dtype == np.int32
    assert found.tolist() == octree[0].tolist()


@pytest.mark.parametrize("depth", range(1, 6))
def test_full_grid_costs_next_to_nothing(depth):
    cells = np.argwhere(np.ones((1 << depth,) * 3))
    found, data = round_trip(cells.astype(np.int32), depth, no_field)
    assert found.tolist() == cells.tolist()
    assert len(data) < 16 + len(cells) / 20


@pytest.mark.parametrize("depth", range(1, 9))
@pytest.mark.parametrize("corner", [0, 1])
def test_single_cell_in_a_corner(depth, corner):
    cell = np.full((1, 3), corner * ((1 << depth) - 1), np.int32)
    found, data = round_trip(cell, depth, no_field)
    assert found.tolist() == cell.tolist()
    assert len(data) < 4 * depth + 4


def test_limit_holds_before_the_level_is_complete():
    cells = np.argwhere(np.ones((16,) * 3)).astype(np.int32)
    with pytest.raises(LimitError, match="occupied cells of level 4: 1024, but max_cells allows 1000"):
        round_trip(cells, 4, no_field, dataclasses.replace(DEFAULT, max_cells=1000))


@given(octrees())
def test_parents_hold_their_children(octree):
    cells, depth = octree
    expected = {tuple(cell) for cell in (cells // 2).tolist()}
    assert [tuple(cell) for cell in parents_of(cells, depth).tolist()] == sorted(expected)


@given(octrees(8))
def test_a_cell_holds_its_points(octree):
    """Every point of a cell finds it; points beyond the cube go to its nearest cell."""
    cells, depth = octree
    points = (cells + np.array([[0.01, 0.5, 0.99]])) * (2 / (1 << depth)) - 1
    assert cells_of_points(np.concatenate([points, points[::-1]]), depth).tolist() == cells.tolist()
    assert cells_of_points(np.array([[-7.0, 0.001, 1.0]]), depth).tolist() == [[0, 1 << depth - 1, (1 << depth) - 1]]


def test_sorted_cells_are_lexicographic_without_repeats():
    cells = [[1, 0, 0], [0, 255, 255], [1, 0, 0], [0, 0, 1]]
    assert sorted_cells(np.array(cells), 8).tolist() == [[0, 0, 1], [0, 255, 255], [1, 0, 0]]


def test_closeness_counts_eighths_of_an_edge():
    """At depth 3 an edge is a quarter of a unit; the sign does not matter."""
    eighths = np.array([0, 1, 2, 3, 4, 6, 8, 12])
    values = (eighths << 20) // 32
    assert closeness_of(values, 8, 3, 1 << 20).tolist() == list(range(8))
    assert closeness_of(-values, 8, 3, 1 << 20).tolist() == list(range(8))
    assert closeness_of((values[1:] - 1), 7, 3, 1 << 20).tolist() == list(range(7))
    assert closeness_of(None, 2, 3, 1 << 20).tolist() == [NO_FIELD] * 2
