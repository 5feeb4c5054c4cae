"""Weights of control vertices in patches, against the matrix that they are taken from."""

import numpy as np
import pytest
from control_meshes import randomly_creased
from sdfz.codec.scaffold.correspondences import dense_surface


@pytest.mark.parametrize("levels", [0, 1, 2])
def test_weights_are_those_of_the_matrix(levels):
    _, control = randomly_creased(np.random.default_rng(levels))
    dense = dense_surface(control, levels)
    found, matrix = dense.stencils, dense.matrix.toarray()
    n_local = int(found.corners.max()) + 1
    assert len(found.corners) == 4**levels and n_local == (2**levels + 1) * (2**levels + 2) // 2
    for patch in range(len(control.faces)):
        start, end = found.starts[patch : patch + 2]
        support = found.support[start:end]
        weights = found.weights[n_local * start : n_local * end].reshape(n_local, -1)
        vertices = dense.mesh.faces[patch * len(found.corners) : (patch + 1) * len(found.corners)]
        rows = np.zeros((n_local, matrix.shape[1]))
        rows[:, support] = weights
        assert (np.diff(support) > 0).all()
        assert (rows[found.corners] == matrix[vertices]).all()


def test_the_pattern_has_all_that_support_a_patch_together():
    _, control = randomly_creased(np.random.default_rng(3))
    found = dense_surface(control, 2).stencils
    n = control.n_vertices
    expected = np.zeros((n, n), bool)
    for start, end in zip(found.starts[:-1], found.starts[1:], strict=True):
        expected[np.ix_(found.support[start:end], found.support[start:end])] = True
    assert found.rows[-1] == expected.sum()
    assert (found.columns == np.nonzero(expected)[1]).all() and (np.diff(found.rows) == expected.sum(axis=1)).all()
