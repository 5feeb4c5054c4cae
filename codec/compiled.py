"""Compiled functions, kept between runs where there is a folder for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.core import types


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
            dispatcher = numba.njit(cache=cache, nogil=nogil)(function)
        except RuntimeError:
            dispatcher = numba.njit(nogil=nogil)(function)
        _compile_once(dispatcher)
        return dispatcher

    return decorate


def _compile_once(dispatcher: Any) -> None:
    """Have no version of a function for each constant that compiled callers pass: a quarter of the time to compile."""
    of_arguments = dispatcher.get_call_template

    def of_types(args: Any, kws: Any) -> Any:
        return of_arguments(tuple(map(types.unliteral, args)), {name: types.unliteral(kws[name]) for name in kws})

    dispatcher.get_call_template = of_types
