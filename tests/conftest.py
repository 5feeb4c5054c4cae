"""What all tests share: the environment of the process, a quick encoder, the files of some known shapes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from encoded import ExampleFiles

# Machines are shared: threads that wait for others must not spin. Before torch and numpy are imported; the commands
# that tests start inherit it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# The suite says the same of the same code each time it runs, however slow the machine. To look for what it has not
# tried yet: pytest --hypothesis-profile=search
settings.register_profile("suite", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=1000, deadline=None)
settings.load_profile("suite")


@pytest.fixture
def quick() -> Iterator[None]:
    """The encoder does a tenth of the work of effort 1: for what does not depend on how well a shape is fitted."""
    from encoded import light_encoder

    with light_encoder(n_steps=20, n_samples=1 << 15):
        yield


@pytest.fixture(scope="session")
def files() -> ExampleFiles:
    """The files of `encoded.EXAMPLES`, each made when it is first asked for."""
    from encoded import ExampleFiles

    return ExampleFiles()
