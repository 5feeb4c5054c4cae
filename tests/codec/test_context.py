import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sdfz.codec.context import LinearContext, log_feature
from sdfz.codec.grid.lattice import Lattice
from sdfz.codec.grid.passes import NodePasses
from sdfz.codec.grid.tables import grid_tables
from sdfz.codec.grid.walk import Level
from sdfz.codec.occupancy import ChildPasses, closeness_of
from strategies import octrees

weights = st.integers(-(2**15), 2**15 - 1)


@given(st.lists(weights, min_size=4, max_size=4), st.lists(st.integers(0, 1000), min_size=4, max_size=4))
def test_row_is_the_floor_of_an_integer_sum(weights, features):
    context = LinearContext(np.array([[0] * 4, weights], np.int32), n_rows=44)
    total = sum(w * f for w, f in zip(weights, features, strict=True)) // 256
    assert context.rows(1, np.array([features], np.int32)).tolist() == [min(max(total, 0), 43)]


@given(st.integers(0, 2**52 - 2))
def test_log_feature_is_a_logarithm(value):
    """Monotone, within a tenth of an octave, and exact at the powers of two."""
    one, two = log_feature(np.array([value, value + 1])).tolist()
    assert one <= two
    assert -0.1 <= np.log2(value + 1) - one / 16 < 0.16
    octave = (value + 1).bit_length() - 1
    assert log_feature(np.array([2**octave - 1])).tolist() == [16 * octave]


@given(octrees(4), st.booleans())
def test_no_float_takes_part(octree, with_field):
    """Weights, features and rows are integers all the way; plain_decoder.py shows that integers are enough."""
    cells, depth = octree
    tables = grid_tables()
    lattice = Lattice.of_cells(cells, depth)
    field = np.arange(len(lattice.nodes), dtype=np.int64) << 10
    closeness = closeness_of(lattice.at_children(field)[0] if with_field else None, len(cells), depth + 1, 1 << 20)
    found = [
        (tables.occupancy, ChildPasses(cells, depth + 1).features(0, closeness)),
        (tables.latent, NodePasses(Level(lattice, 0, 0, 40, field, field)).features(0)),
    ]
    for context, features in found:
        rows = context.rows(0, features)
        assert [array.dtype for array in (context.weights, features, rows)] == [np.int32, np.int32, np.int64]
        assert rows.min(initial=0) >= 0
        assert rows.max(initial=0) < context.n_rows
