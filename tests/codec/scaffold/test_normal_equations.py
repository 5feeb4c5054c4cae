"""Normal equations of the fit, against the rows written out."""

import numpy as np
from control_meshes import randomly_creased
from sdfz.codec.scaffold.correspondences import ENTRIES, Pairs, dense_surface
from sdfz.codec.scaffold.normal_equations import normal_equations, step


def _random(seed):
    rng = np.random.default_rng(seed)
    points, control = randomly_creased(rng)
    dense = dense_surface(control, 1)
    n = 200
    normals = rng.normal(size=(n, 3))
    pairs = Pairs(
        rng.integers(len(dense.mesh.faces), size=n),
        rng.dirichlet([1, 1, 1], n),
        rng.normal(size=(n, 3)),
        np.stack([normals[:, i] * normals[:, j] for i, j in ENTRIES], axis=1),
    )
    rows = np.zeros((n, 3 * len(points)))
    for row in range(n):
        stencil = pairs.share[row] @ dense.matrix.toarray()[dense.mesh.faces[pairs.face[row]]]
        rows[row] = np.outer(stencil, normals[row]).ravel()
    return dense, pairs, rows, np.einsum("nx,nx->n", normals, pairs.offset)


def test_they_are_those_of_the_rows():
    for seed in range(4):
        dense, pairs, rows, right = _random(seed)
        equations = normal_equations(dense, pairs)
        assert np.allclose(equations.matrix.toarray(), rows.T @ rows)
        assert np.allclose(equations.slope, rows.T @ right)


def test_a_step_minimizes_the_energy_with_what_is_added():
    dense, pairs, rows, right = _random(5)
    equations = normal_equations(dense, pairs)
    extra = equations.matrix * 0.5
    n = rows.shape[1]
    found = step(equations, extra, -np.ones(n)).ravel()
    matrix = 1.5 * rows.T @ rows
    slope = rows.T @ right - 1
    # The pull towards staying is weak, so the energy is the least there is but for directions that hardly matter.
    best = np.linalg.lstsq(matrix + 1e-4 * np.trace(rows.T @ rows) / n * np.eye(n), slope, rcond=None)[0]
    assert np.abs(found - best).max() < 1e-2 * np.abs(best).max()


def test_vertices_without_pairs_stay():
    dense, pairs, _, _ = _random(1)
    nothing = Pairs(pairs.face[:0], pairs.share[:0], pairs.offset[:0], pairs.counts[:0])
    assert not step(normal_equations(dense, nothing)).any()
