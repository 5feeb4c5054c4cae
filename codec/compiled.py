"""Compiled functions, kept between runs where there is a folder for them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numba
from numba.core import event, types

logger = logging.getLogger(__name__)


def njit(*, cache: bool, nogil: bool = False, fastmath: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """As `numba.njit`, also where nothing can be kept.

    Parameters
    ----------
    cache : bool
        Keep what is compiled: beside the source or, where that cannot be written, in the user's cache folder (or in
        the folder that NUMBA_CACHE_DIR names). Where neither can be written the function is compiled in each process
        anew; numba's own decorator refuses it.
    nogil : bool
        Let other threads run meanwhile.
    fastmath : bool
        Let sums of floats be taken in any order, for fitting only: what is decoded must not depend on it.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        if getattr(numba.config, "DISABLE_JIT", 0):  # NUMBA_DISABLE_JIT, for debuggers
            return function
        try:
            dispatcher = numba.njit(cache=cache, nogil=nogil, fastmath=fastmath)(function)
        except RuntimeError:
            dispatcher = numba.njit(nogil=nogil, fastmath=fastmath)(function)
        _compile_once(dispatcher)
        return dispatcher

    return decorate


def _compile_once(dispatcher: Any) -> None:
    """Have no version of a function for each constant that compiled callers pass: a quarter of the time to compile."""
    of_arguments = dispatcher.get_call_template

    def of_types(args: Any, kws: Any) -> Any:
        return of_arguments(tuple(map(types.unliteral, args)), {name: types.unliteral(kws[name]) for name in kws})

    dispatcher.get_call_template = of_types


class _FirstCompilation(event.Listener):
    """Says once in a process that somebody has to wait, and that it will not happen again."""

    said = False

    def on_start(self, event: event.Event) -> None:
        if not self.said:
            self.said = True
            logger.info("compiling for this machine, up to a minute the first time")

    def on_end(self, event: event.Event) -> None:
        """Compiled functions come one after the other; nothing is to be said of each."""


_FIRST = _FirstCompilation()
event.register("numba:compile", _FIRST)
