"""How many threads torch may have, for a while; torch is imported only when there is something to set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def torch_threads(n_threads: int | None) -> Iterator[None]:
    """torch on so many threads, and afterwards on as many as before; as many as it likes where None is given."""
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
