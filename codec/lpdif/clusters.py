"""Which decoder a region gets (LP-DIF, section 3.2): easy ones the coarse network, the others that of their pattern."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_MOST_CODES = 20_000  # that k-means sees


def centres_of(codes: npt.NDArray[np.float32], n_clusters: int, seed: int) -> npt.NDArray[np.float32]:
    """(P, C) centres of codes by k-means (Eq. 4); with fewer codes than clusters, some centres repeat.

    Parameters
    ----------
    codes : (R, C) float32
        Of the regions that are not easy.
    n_clusters : int
    seed : int
    """
    from sklearn.cluster import KMeans  # slow to import, and only training needs it

    rng = np.random.default_rng(seed)
    if len(codes) > _MOST_CODES:
        codes = codes[rng.choice(len(codes), _MOST_CODES, replace=False)]
    if len(codes) < n_clusters:
        return np.resize(codes, (n_clusters, codes.shape[1])).astype(np.float32)
    found = KMeans(n_clusters, n_init=4, random_state=seed).fit(codes.astype(np.float64))
    return found.cluster_centers_.astype(np.float32)


def nearest_centre(codes: npt.NDArray[np.float32], centres: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """(R,) cluster of each code."""
    squares = (codes**2).sum(1)[:, None] - 2 * codes @ centres.T + (centres**2).sum(1)
    return squares.argmin(1)
