"""Rows of numbers in text, many at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .errors import MeshError
from .polygons import Floats

ROWS_AT_ONCE = 1 << 16


def parse_rows(lines: Sequence[bytes], n_columns: int, what: str) -> Floats:
    """The first numbers of each line; what follows them is ignored.

    Parameters
    ----------
    lines : sequence of bytes
        One row each.
    n_columns : int
        Numbers wanted of a row.
    what : str
        Kind of line, for the message.

    Returns
    -------
    rows : (N, n_columns) float64

    Raises
    ------
    MeshError
        A line has fewer numbers, or something else in their place.
    """
    if not lines:
        return np.zeros((0, n_columns))
    try:
        return np.loadtxt(lines, dtype=np.float64, usecols=range(n_columns), ndmin=2, comments="#")
    except ValueError as error:
        raise MeshError(f"a {what} line is not understood: {error}") from error


def format_rows(template: str, rows: npt.NDArray) -> bytes:
    """A line for each row of an array, in bounded memory for the intermediate strings.

    Parameters
    ----------
    template : str
        printf-style format of one row, newline included.
    rows : (N, k) array
    """
    parts = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        parts.append((template * len(some) % tuple(some.ravel().tolist())).encode())
    return b"".join(parts)
