import itertools

import numpy as np
import pytest
from hypothesis import given
from sdfz.codec.gains import FIXED_ONE, GAIN_OCTAVE, MAX_GAIN_CODE, code_of_gain, gain_of_code
from sdfz.codec.grid.lattice import Lattice, pyramid
from sdfz.codec.occupancy import OCTANTS, parents_of, sorted_cells
from strategies import octrees, rngs


def test_gains_are_powers_of_an_eighth_octave():
    codes = np.arange(MAX_GAIN_CODE + 1)
    gains = np.array([gain_of_code(int(code)) for code in codes])
    np.testing.assert_allclose(gains, FIXED_ONE * 2 ** (-codes / GAIN_OCTAVE), rtol=0, atol=1)
    assert gains.min() == 1
    assert [code_of_gain(gain / FIXED_ONE) for gain in gains[:100]] == list(range(100))
    assert (code_of_gain(8.0), code_of_gain(0.0)) == (0, MAX_GAIN_CODE)


@given(octrees(3))
def test_nodes_are_the_corners_of_the_cells(octree):
    cells, depth = octree
    lattice = Lattice.of_cells(cells, depth)
    corners = [tuple(corner) for corner in (cells[:, None] + OCTANTS).reshape(-1, 3).tolist()]
    assert [tuple(node) for node in lattice.nodes.tolist()] == sorted(set(corners))
    assert lattice.n_cells_around().tolist() == [corners.count(tuple(node)) for node in lattice.nodes.tolist()]


@given(octrees(3))
def test_find_knows_every_node_and_nothing_else(octree):
    lattice = Lattice.of_cells(*octree)
    names = {tuple(node): i for i, node in enumerate(lattice.nodes.tolist())}
    everywhere = list(itertools.product(range(-1, lattice.edge + 1), repeat=3))
    assert lattice.find(np.array(everywhere)).tolist() == [names.get(node, -1) for node in everywhere]


@given(octrees(8), rngs())
def test_interpolation_reproduces_linear_functions(octree, rng):
    """The coordinates are linear functions: interpolated from the nodes they give the point back."""
    cells, depth = octree
    lattice = Lattice.of_cells(cells, depth)
    points = ((cells + rng.random((len(cells), 3))) * lattice.cell_size - 1).astype(np.float32)
    nodes, weights = lattice.interpolation(points)
    found = np.einsum("nc,ncx->nx", weights, lattice.nodes[nodes] * lattice.cell_size - 1)
    np.testing.assert_allclose(found, points, rtol=0, atol=1e-6)


@pytest.mark.parametrize("where", ["nodes", "children"])
@given(octree=octrees(6), rng=rngs())
def test_integer_upsampling_is_interpolation_rounded_down(where, octree, rng):
    cells, depth = octree
    if where == "nodes":
        depth, finer = depth - 1, Lattice.of_cells(cells, depth)
        coarse = Lattice.of_cells(parents_of(cells, depth + 1), depth)
        positions = finer.nodes * finer.cell_size - 1
    else:
        coarse = Lattice.of_cells(cells, depth)
        positions = ((2 * cells + OCTANTS[:, None] + 0.5) * (coarse.cell_size / 2) - 1).reshape(-1, 3)
    values = rng.integers(-(1 << 30), 1 << 30, len(coarse.nodes))
    found = coarse.upsample(values, finer) if where == "nodes" else coarse.at_children(values).ravel()
    nodes, weights = coarse.interpolation(positions.astype(np.float32))
    # A node on the far side of the last cell is looked up in the cell beyond it, whose corners there have no weight.
    exact = (weights * np.where(weights > 0, values[nodes], 0).astype(np.float64)).sum(1)
    assert (exact - found >= 0).all()
    assert (exact - found < 1).all()


@given(octrees())
def test_pyramid_is_nested(octree):
    cells, depth = octree
    for n_levels in range(1, depth + 1):
        levels = pyramid(cells, depth, n_levels)
        assert [level.depth for level in levels] == list(range(depth - n_levels + 1, depth + 1))
        for coarse, fine in itertools.pairwise(levels):
            assert coarse.cells.tolist() == sorted_cells(fine.cells >> 1, coarse.depth).tolist()
