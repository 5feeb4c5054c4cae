"""Incomplete Cholesky factors."""

import numpy as np
from scipy.sparse import csr_array
from sdfz.codec.scaffold.incomplete import incomplete_cholesky


def _second_differences(n):
    return csr_array(2.1 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1))


def test_without_fill_it_is_the_factor():
    matrix = _second_differences(30)
    found = incomplete_cholesky(matrix, 1e-12).toarray()
    assert np.allclose(found, np.linalg.cholesky(matrix.toarray()), atol=1e-9)


def test_with_fill_it_keeps_the_pattern_and_the_matrix_there():
    line = _second_differences(6).toarray()
    grid = csr_array(np.kron(line, np.eye(6)) + np.kron(np.eye(6), line))
    found = incomplete_cholesky(grid, 1e-12)
    pattern = grid.toarray() != 0
    assert not (found.toarray() != 0)[~np.tril(pattern)].any()
    product = (found @ found.T).toarray()
    assert np.allclose(product[pattern], grid.toarray()[pattern])
    assert not np.allclose(product, grid.toarray())


def test_what_has_no_factor_is_damped_until_it_has():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(5, 20))
    singular = csr_array(rows.T @ rows * (np.abs(np.subtract.outer(np.arange(20), np.arange(20))) < 12))
    found = incomplete_cholesky(singular, 1e-6).toarray()
    assert np.isfinite(found).all() and (np.diag(found) > 0).all()
    assert np.isfinite(incomplete_cholesky(csr_array((4, 4)), 1e-4).toarray()).all()
