"""Directions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def unit_vectors(vectors: FloatArray) -> FloatArray:
    """Vectors (N, 3) at length 1; zero where their length underflows."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float64).tiny)
