"""How many threads there may be, for a while: our own, which share work out, and torch's."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_limit: ContextVar[int | None] = ContextVar("threads allowed", default=None)


class _Role(threading.local):
    """Whether a thread is one of the pool's."""

    is_helper = False


_role = _Role()


def n_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def at_most(n_threads: int | None) -> Iterator[None]:
    """Our own work on so many threads; on as many as there are cores where None is given."""
    token = _limit.set(n_threads)
    try:
        yield
    finally:
        _limit.reset(token)


def in_parallel(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The results of some work on each item, in their order.

    Parameters
    ----------
    work : callable
        Of one item. Only where it lets other threads run, as compiled functions do, is anything gained. What it shares
        out itself it does alone: the cores are busy already.
    items : sequence
    """
    n_threads = min(len(items), _limit.get() or n_cores())
    if n_threads < 2 or _role.is_helper:
        return [work(item) for item in items]
    lots = [_pool().submit(lambda lot: [work(item) for item in lot], items[k::n_threads]) for k in range(n_threads)]
    done = [lot.result() for lot in lots]
    return [done[i % n_threads][i // n_threads] for i in range(len(items))]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_cores(), "sdfz", lambda: setattr(_role, "is_helper", True))


# Threads do not survive a fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)


@contextmanager
def torch_threads(n_threads: int | None) -> Iterator[None]:
    """torch on so many threads, and afterwards on as many as before; as many as it likes where None is given.

    torch is imported only when there is something to set.
    """
    if n_threads is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
