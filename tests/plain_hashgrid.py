"""A decoder of `hashgrid` payloads written from SPEC.md alone, with the octree and numbers of its other plain decoders.

It shares no code with the package: SPEC.md says enough, and nothing but integers decides what a file means.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from plain_decoder import NEIGHBOURS, OCTANTS, PARITY_ORDER, Cell, RangeDecoder, Tables, children_of, gain_of, plus
from plain_numbers import Numbers

FACES_FIRST = sorted(NEIGHBOURS, key=lambda step: sum(map(abs, step)))


@dataclass
class Level:
    """Touched entries of a level: the entry of each node that is in use, and the first node of each entry."""

    resolution: int
    size: int
    n_features: int
    uses: Counter[Cell]
    nodes: dict[int, Cell]
    table: dict[int, list[int]]

    def entry(self, node: Sequence[int]) -> int:
        x, y, z = node
        if self.size >= self.resolution**3:
            return (x + self.resolution * (y + self.resolution * z)) % self.size
        return (x ^ (2654435761 * y % 2**32) ^ (805459861 * z % 2**32)) % self.size

    def sizes_around(self, finer: Cell, finer_resolution: int) -> int:
        """Sum of the sizes of the entries around a node of the next finer level."""
        r, r_here = finer_resolution - 1, self.resolution - 1
        low = [((2 * x - 1) * r_here + r) // (2 * r) for x in finer]
        total = 0
        for step in OCTANTS:
            node = [min(max(x, 0), self.resolution) for x in plus(low, step)]
            total += min(sum(map(abs, self.table.get(self.entry(node), []))), 63)
        return total


@dataclass
class Field:
    """What a payload says."""

    depth: int
    cells: list[Cell]
    smooth: bool
    levels: list[Level]
    steps: list[float]
    weights: list[list[int]]
    local: bool
    trimmed: list[Cell]
    parts: list[Cell]

    def distance(self, point: Sequence[float]) -> float:
        unit = [((p + 1) * 2 ** (self.depth - 1) - 0.5) / (2**self.depth - 1) for p in point]
        scale = 8 if self.local else 1
        levels = zip(self.levels, self.steps, strict=True)
        inputs = [scale * x for level, step in levels for x in self._features(level, step, unit)]
        if self.local:
            inputs += [math.cos(2 * math.pi * (p + 1) * 2 ** (self.depth - 1)) for p in point]
        inputs.append(1.0)
        n, width = len(inputs), len(self.weights[1])
        rows = [self.weights[0][i * n : (i + 1) * n] for i in range(width)]
        hidden = [max(sum(w * x for w, x in zip(row, inputs, strict=True)) / 64, 0) for row in rows]
        answer = sum(w * x for w, x in zip(self.weights[1], hidden, strict=True)) / 64
        return answer * 2.0 ** (1 - self.depth) / scale

    def _features(self, level: Level, step: float, unit: list[float]) -> list[float]:
        position = [u * (level.resolution - 1) + 0.5 for u in unit]
        low = [math.floor(v) for v in position]
        offset = [v - n for v, n in zip(position, low, strict=True)]
        if self.smooth:
            offset = [t * t * (3 - 2 * t) for t in offset]
        features = [0.0] * level.n_features
        for corner in OCTANTS:
            share = math.prod(t if c else 1 - t for t, c in zip(offset, corner, strict=True))
            for f, q in enumerate(level.table.get(level.entry(plus(low, corner)), [])):
                features[f] += share * step * q
        return features


def decode(payload: bytes, tables: Tables) -> Field:
    """What a payload says."""
    shape, options, position, octree_bytes, shift = payload[0], payload[1], 2, 0, 0
    while True:  # LEB128
        octree_bytes |= (payload[position] & 127) << shift
        shift, position = shift + 7, position + 1
        if payload[position - 1] < 128:
            break
    depth, n_levels, n_features, local = shape & 15, shape >> 4 & 7, 2 if options & 32 else 1, shape >= 128
    octree = RangeDecoder(payload[position : position + octree_bytes])
    cells = [(0, 0, 0)]
    for d in range(1, depth + 1):
        cells = children_of(octree, cells, d, None, tables)
    numbers = Numbers(payload[position + octree_bytes :])
    steps = [gain_of(numbers.take_bits(8)) / 2**20 for _ in range(n_levels)]
    weights = _weights(numbers, (16, 32, 64)[options >> 6], n_levels * n_features + (4 if local else 1))
    levels: list[Level] = []
    for number in range(n_levels):
        level = _touched(cells, depth, 2 ** (depth - n_levels + 1 + number), 8 + (options & 15), n_features)
        _take_table(numbers, level, levels[-1] if levels else None, n_levels - 1 - number)
        levels.append(level)
    trimmed, parts = _take_trims(numbers, cells) if local else ([], [])
    numbers.check_end()
    return Field(depth, cells, bool(options & 16), levels, steps, weights, local, trimmed, parts)


def _take_trims(numbers: Numbers, cells: list[Cell]) -> tuple[list[Cell], list[Cell]]:
    positions: dict[Cell, int] = {}
    flags: dict[Cell, int] = {}
    for parity in PARITY_ORDER:
        known = dict(positions)
        for cell in cells:
            if 4 * (cell[0] % 2) + 2 * (cell[1] % 2) + cell[2] % 2 == parity:
                near = [known[n] for n in (plus(cell, step) for step in FACES_FIRST) if n in known]
                positions[cell] = len(numbers.known)
                flags[cell] = numbers.take(62, 0, near[:6])
    trimmed = [cell for cell in cells if flags[cell]]
    parts = []
    for cell in trimmed:
        first = len(numbers.known)
        for i, step in enumerate(OCTANTS):
            if numbers.take(63, i, [first + (i ^ bit) if i ^ bit < i else -1 for bit in (4, 2, 1)]):
                parts.append(plus([2 * x for x in cell], step))
    return trimmed, sorted(parts)


def _weights(numbers: Numbers, width: int, n_inputs: int) -> list[list[int]]:
    first = [numbers.take(0, i % n_inputs, [i - n_inputs] if i >= n_inputs else [-1]) for i in range(width * n_inputs)]
    second = [numbers.take(1, 0, [len(first) + i - 1] if i else [-1]) for i in range(width)]
    return [first, second]


def _used_by(cell: Cell, depth: int, resolution: int) -> Iterator[tuple[int, ...]]:
    s, r = 2**depth - 1, resolution - 1
    ranges = []
    for i in cell:
        low, high = ((2 * i - 1) * r + s) // (2 * s), -(-((2 * i + 1) * r + s) // (2 * s))
        ranges.append(range(min(max(low, 0), resolution), min(max(high, 0), resolution) + 1))
    return itertools.product(*ranges)


def _touched(cells: list[Cell], depth: int, resolution: int, log2_table: int, n_features: int) -> Level:
    uses = Counter(node for cell in cells for node in _used_by(cell, depth, resolution))
    size = min(8 * -(-(resolution**3) // 8), 2**log2_table)
    level = Level(resolution, size, n_features, uses, {}, {})
    for node in sorted(uses):
        level.nodes.setdefault(level.entry(node), node)
    return level


def _take_table(numbers: Numbers, level: Level, coarser: Level | None, from_finest: int) -> None:
    positions: dict[Cell, int] = {}
    for number, parity in enumerate(PARITY_ORDER):
        known = dict(positions)
        for entry, node in level.nodes.items():
            if 4 * (node[0] % 2) + 2 * (node[1] % 2) + node[2] % 2 != parity:
                continue
            use = level.uses[node]
            around = use - 1 if from_finest == 0 else min(use.bit_length() - 1, 7)
            total = coarser.sizes_around(node, level.resolution) if coarser else 0
            place = 8 * number + sum(total >= edge for edge in (1, 2, 4, 7, 12, 20, 40))
            neighbours = [known[n] for n in (plus(node, step) for step in FACES_FIRST) if n in known]
            positions[node] = len(numbers.known)
            level.table[entry] = []
            for f in range(level.n_features):
                kind = 2 + 8 * min(level.n_features * from_finest + f, 6) + around
                level.table[entry].append(numbers.take(kind, place, [i + f for i in neighbours[:6]]))
