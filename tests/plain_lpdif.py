"""A decoder of `lpdif` payloads written from SPEC.md alone, with the octree and numbers of its other plain decoders."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from plain_decoder import PARITY_ORDER, Cell, RangeDecoder, Tables, children_of, gain_of, plus
from plain_hashgrid import FACES_FIRST
from plain_numbers import Numbers

Network = tuple[list[NDArray[np.float64]], NDArray[np.float64] | None]  # layers, and the matrix of planes


@dataclass
class Region:
    """What a payload says of a region."""

    trimmed: int = 0
    network: int = 0
    code: tuple[int, ...] = ()


@dataclass
class Field:
    """What a payload says."""

    depth: int
    border: int
    gains: list[int]
    regions: dict[Cell, Region]
    parts: list[Cell]
    networks: list[Network]

    def distance(self, x: NDArray[np.float64]) -> float:
        """Of a point."""
        n = 2**self.depth
        place = (x + 1) * n / 2
        cell = tuple(int(i) for i in np.clip(np.floor(place), 0, n - 1))
        axes = []  # of each: two steps and their shares
        for p, i in zip(place, cell, strict=True):
            to_low, to_high = p - i, i + 1 - p
            step, t = (-1, to_low) if to_low < to_high else (1, to_high)
            share = max(0.0, 1 - t / (self.border / 100)) / 2 if self.border else 0.0
            axes.append([(0, 1 - share), (step, share)])
        total = weight = 0.0
        for corner in itertools.product(*axes):
            region = plus(cell, [step for step, _ in corner])
            share = math.prod(share for _, share in corner)
            if share > 0 and region in self.regions:
                total, weight = total + share * self.answer(region, x), weight + share
        if weight:
            return total / weight
        around = [plus(cell, step) for step in itertools.product((-1, 0, 1), repeat=3)]
        there = [region for region in around if region in self.regions]
        return self.answer(min(there, key=lambda region: np.abs(self.local(region, x)).max()), x) if there else math.nan

    def local(self, region: Cell, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """A point in the coordinates of a region."""
        return 2 * (x + 1) / self.edge - 2 * np.array(region) - 1

    @property
    def edge(self) -> float:
        return 2.0 ** (1 - self.depth)

    def answer(self, region: Cell, x: NDArray[np.float64]) -> float:
        """A region's distance at a point."""
        said = self.regions[region]
        layers, planes = self.networks[said.network]
        code, u = np.array(said.code) * self.gains[said.network] * 2.0**-20, self.local(region, x)
        hidden = layers[0] @ [*code, *u, 1]
        for layer in layers[1:]:
            hidden = np.maximum(hidden, 0)
            again = u if layer.shape[1] == len(hidden) + 4 else []
            hidden = layer @ [*hidden, *again, 1]
        found = hidden[0]
        if planes is not None:
            a = planes @ code
            found += a[:3] @ u + a[3]
        return float(found) * self.edge / 2


def decode(payload: bytes, arrays: Mapping[str, NDArray[np.generic]], tables: Tables) -> Field:
    """What a payload and a pack's arrays say."""
    depth, border, n_patterns, has_planes = payload[:4]
    position, octree_bytes, shift = 4, 0, 0
    while True:  # LEB128
        octree_bytes |= (payload[position] & 127) << shift
        shift, position = shift + 7, position + 1
        if payload[position - 1] < 128:
            break
    octree = RangeDecoder(payload[position : position + octree_bytes])
    cells = [(0, 0, 0)]
    for d in range(1, depth + 1):
        cells = children_of(octree, cells, d, None, tables)
    numbers = Numbers(payload[position + octree_bytes :])
    n_codes = [1 + numbers.take_bits(6) for _ in range(2)]
    gains = [gain_of(numbers.take_bits(7)) for _ in range(n_patterns + 1)]
    regions = _regions(numbers, cells, n_codes, gains, has_planes=bool(has_planes))
    numbers.check_end()
    trimmed = [cell for cell in cells if regions[cell].trimmed]
    parts = children_of(octree, trimmed, depth + 1, None, tables) if trimmed else []
    networks = [_network(arrays, name) for name in ("coarse", *(f"pattern{k}_" for k in range(n_patterns)))]
    return Field(depth, border, gains, regions, parts, networks)


def _regions(
    numbers: Numbers, cells: list[Cell], n_codes: Sequence[int], gains: list[int], *, has_planes: bool
) -> dict[Cell, Region]:
    """Regions in eight passes, three times: whether they are trimmed, networks, codes."""
    ordered = [cell for parity in PARITY_ORDER for cell in cells if _parity(cell) == parity]
    before: dict[Cell, list[Cell]] = {}
    for cell in ordered:
        before[cell] = [region for region in (plus(cell, step) for step in FACES_FIRST) if region in before]
    regions = {cell: Region() for cell in ordered}
    at: dict[Cell, int] = {}
    for cell, region in regions.items():
        at[cell] = len(numbers.known)
        region.trimmed = numbers.take(62, 0, [at[other] for other in before[cell][:6]])
    for cell, region in regions.items():
        region.network = numbers.take(63, 0, [at[other] + len(regions) for other in before[cell][:6]])
    for cell, region in regions.items():
        at[cell] = len(numbers.known)
        alike = [other for other in before[cell] if regions[other].network == region.network][:6]
        expected = _planes(cell, before[cell][:6], regions, gains) if has_planes else []
        code = []
        for place in range(n_codes[region.network > 0]):
            found = numbers.take(region.network, place, [at[other] + place for other in alike])
            code.append(found + (expected[place] if place < len(expected) else 0))
        region.code = tuple(code)
    return regions


def _planes(cell: Cell, others: list[Cell], regions: dict[Cell, Region], gains: list[int]) -> list[int]:
    """What the first four numbers of a code are expected to be."""
    sums = [0] * 4
    for other in others:
        s = [a - b for a, b in zip(cell, other, strict=True)]
        g = gains[regions[other].network]
        p = [min(max(q, -(2**20)), 2**20) for q in regions[other].code[:4]]
        for i in range(3):
            sums[i] += g * p[i]
        sums[3] += g * (p[3] + 2 * sum(p[i] * s[i] for i in range(3)))
    total = max(len(others), 1) * gains[regions[cell].network]
    return [(2 * x + total) // (2 * total) for x in sums]


def _parity(cell: Cell) -> int:
    return 4 * (cell[0] % 2) + 2 * (cell[1] % 2) + cell[2] % 2


def _network(arrays: Mapping[str, NDArray[np.generic]], name: str) -> Network:
    matrices = []
    while f"{name}{len(matrices)}" in arrays:
        matrices.append(arrays[f"{name}{len(matrices)}"].astype(np.float64))
    return (matrices[:-1], matrices[-1]) if len(matrices[-1]) == 4 else (matrices, None)
