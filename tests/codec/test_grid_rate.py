"""What latents cost in a fit: as the coder has it, less among small neighbours, and differentiable."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sdfz.codec.fitting import laplace_bits
from sdfz.codec.grid.lattice import Lattice
from sdfz.codec.grid.rate import LevelRate

CPU = torch.device("cpu")


@pytest.fixture
def lattice() -> Lattice:
    """Two cells that share a face: 12 nodes."""
    return Lattice.of_cells(np.array([[0, 0, 0], [0, 0, 1]], np.int32), 1)


def test_widths_follow_the_neighbours(lattice: Lattice) -> None:
    """All of size 3: the logarithm of the width is half that of the mean size, slightly raised."""
    symbols = torch.full((12, 1), 3.0)
    expected = laplace_bits(symbols, torch.tensor(3.05).sqrt()).sum()
    assert LevelRate(lattice, CPU)(symbols, symbols).item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_symbol_is_cheaper_among_others(lattice: Lattice) -> None:
    alone, together = torch.zeros(12, 1), torch.full((12, 1), 4.0)
    alone[5] = 4
    costs = [LevelRate(lattice, CPU)(symbols, symbols).item() for symbols in (alone, together)]
    assert costs[0] - LevelRate(lattice, CPU)(torch.zeros(12, 1), torch.zeros(12, 1)).item() > costs[1] / 12


def test_places_and_neighbours_are_learned_apart(lattice: Lattice) -> None:
    """Nodes of the shared face are corners of two cells, the others of one; no node is of more."""
    rate, symbols = LevelRate(lattice, CPU), torch.ones(12, 1)
    rate(symbols, symbols).backward()
    places, exponent = rate.parameters()
    assert (places.grad != 0).tolist() == [True, True] + [False] * 6
    assert exponent.grad is not None


def test_the_neighbours_are_looked_at_now_and_then(lattice: Lattice) -> None:
    rate, ones, fours = LevelRate(lattice, CPU), torch.ones(12, 1), torch.full((12, 1), 4.0)
    first = rate(ones, ones).item()
    assert [rate(ones, fours).item() == first for _ in range(8)] == [True] * 7 + [False]
