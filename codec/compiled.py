"""Compiled functions, kept between runs where there is a folder for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def njit(*, cache: bool, nogil: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """As `numba.njit`, also where nothing can be kept.

    Parameters
    ----------
    cache : bool
        Keep what is compiled: beside the source or, where that cannot be written, in the user's cache folder (or in
        the folder that NUMBA_CACHE_DIR names). Where neither can be written the function is compiled in each process
        anew; numba's own decorator refuses it.
    nogil : bool
        Let other threads run meanwhile.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(cache=cache, nogil=nogil)(function)
        except RuntimeError:
            return numba.njit(nogil=nogil)(function)

    return decorate
