"""A decoder of `grid` payloads written from SPEC.md alone: plain Python integers, one symbol after the other.

It shares no code with the package, so that it proves two things: that SPEC.md says enough, and that nothing but
integers decides what a file means. Slow, and without the checks of a real decoder.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import plain_mixed
from plain_scaffold import Coder

Cell = tuple[int, int, int]
First = Callable[[Cell, int], int]  # a field known beforehand, at a node of a depth

OCTANTS = [(i >> 2 & 1, i >> 1 & 1, i & 1) for i in range(8)]
NEIGHBOURS = [step for step in itertools.product((-1, 0, 1), repeat=3) if step != (0, 0, 0)]
PARITY_ORDER = (0, 3, 5, 6, 1, 2, 4, 7)
MANTISSAS = (1048576, 961548, 881744, 808563, 741455, 679917, 623487, 571740)
TWO_64 = 1 << 64


# -- range coder ------------------------------------------------------------------------------------------------------


class RangeDecoder:
    """Symbols out of coded bytes."""

    def __init__(self, data: bytes) -> None:
        data += bytes(-len(data) % 4)
        words = [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]
        self._words = itertools.chain(words, itertools.repeat(0))
        self._lower, self._range = 0, TWO_64 - 1
        self._point = next(self._words) << 32 | next(self._words)

    def symbol(self, bounds: Sequence[int]) -> int:
        """Next symbol; symbol k has the probability (bounds[k + 1] - bounds[k]) / 2**24."""
        scale = self._range >> 24
        quantile = (self._point - self._lower) % TWO_64 // scale
        assert quantile < 1 << 24
        k = bisect.bisect_right(bounds, quantile) - 1
        self._lower = (self._lower + scale * bounds[k]) % TWO_64
        self._range = scale * (bounds[k + 1] - bounds[k])
        if self._range < 1 << 32:
            self._lower = self._lower << 32 & TWO_64 - 1
            self._range <<= 32
            self._point = self._point << 32 & TWO_64 - 1 | next(self._words)
        return k

    def grouped(self, rows: Sequence[int], table: Table) -> list[int]:
        """Next symbols, each with its row: rows ascending, positions ascending within a row."""
        symbols = [0] * len(rows)
        for i in sorted(range(len(rows)), key=lambda i: (rows[i], i)):
            symbols[i] = self.symbol(table.bounds[rows[i]])
        return symbols

    def raw(self, count: int, n_bits: int) -> list[int]:
        """Next numbers of n_bits each."""
        bounds = [k << 24 - n_bits for k in range((1 << n_bits) + 1)] if count else []
        return [self.symbol(bounds) for _ in range(count)]

    def signed(self, rows: Sequence[int], letters: Table, escapes: Table) -> list[int]:
        """Next signed integers, each with its row."""
        values = [letter - 15 for letter in self.grouped(rows, letters)]
        escaped = [i for i, value in enumerate(values) if value == 16]
        lengths = self.grouped([rows[i] for i in escaped], escapes)
        rest = [1 << length for length in lengths]
        for n_bits in range(1, 24):
            these = [j for j, length in enumerate(lengths) if length == n_bits]
            for j, low in zip(these, self.raw(len(these), n_bits), strict=True):
                rest[j] += low
        for i, excess, negative in zip(escaped, rest, self.raw(len(escaped), 1), strict=True):
            values[i] = -(15 + excess) if negative else 15 + excess
        return values


class Table:
    """Rows of frequencies out of 65536, as bounds out of 2**24."""

    def __init__(self, frequencies: np.ndarray) -> None:
        n = frequencies.shape[1]
        starts = [[0, *itertools.accumulate(row)][:-1] for row in frequencies.tolist()]
        self.bounds = [[(c * ((1 << 24) - n) >> 16) + i for i, c in enumerate(row)] + [1 << 24] for row in starts]


class Tables:
    """The arrays of tables.npz and of priors.npz."""

    def __init__(self, path: Path, priors: Path) -> None:
        self.priors = plain_mixed.Priors(priors)
        with np.load(path) as arrays:
            self.occupancy_weights = arrays["occupancy_weights"].tolist()
            self.latent_weights = arrays["latent_weights"].tolist()
            self.bits, self.latents, self.latent_escapes, self.weights, self.weight_escapes = (
                Table(arrays[name]) for name in ("bits", "latents", "latent_escapes", "weights", "weight_escapes")
            )


def row_of(weights: Sequence[int], features: Sequence[int], n_rows: int) -> int:
    total = sum(w * f for w, f in zip(weights, features, strict=True)) >> 8
    return min(max(total, 0), n_rows - 1)


def log_feature(value: int) -> int:
    exponent = (value + 1).bit_length() - 1
    return 16 * exponent + (16 * ((value + 1 << 10 >> exponent) - 1024) >> 10)


# -- cells and nodes --------------------------------------------------------------------------------------------------


def plus(a: Iterable[int], b: Iterable[int]) -> Cell:
    x, y, z = (i + j for i, j in zip(a, b, strict=True))
    return x, y, z


def nodes_of(cells: Iterable[Cell]) -> list[Cell]:
    return sorted({plus(cell, corner) for cell in cells for corner in OCTANTS})


def upsample(values: dict[Cell, int], finer: Iterable[Cell]) -> dict[Cell, int]:
    """Values at the nodes of the next finer level."""
    found = {}
    for node in finer:
        corners = [plus((x >> 1 for x in node), (c & x for c, x in zip(corner, node, strict=True)))
                   for corner in OCTANTS]  # fmt: skip
        found[node] = sum(values[corner] for corner in corners) >> 3
    return found


Field = dict[Cell, int] | Callable[[Cell], int] | None  # at nodes; or at the middles of cells a level finer


def at_child(values: Field, parent: Cell, octant: Cell) -> int | None:
    """The field at the centre of a child."""
    if values is None:
        return None
    if callable(values):
        return values(plus((2 * x for x in parent), octant))
    total = 0
    for corner in OCTANTS:
        weight = math.prod(3 if c == o else 1 for c, o in zip(corner, octant, strict=True))
        total += weight * values[plus(parent, corner)]
    return total >> 6


def at_middles(first: First, depth: int) -> Callable[[Cell], int]:
    """A first field at the middles of cells of a depth."""
    return lambda cell: first(plus((2 * x for x in cell), (1, 1, 1)), depth + 1)


def closeness(values: Field, parent: Cell, octant: Cell, depth: int) -> int:
    """Class of the distance that the field has at the centre of a child of depth `depth`."""
    value = at_child(values, parent, octant)
    if value is None:
        return 8
    eighths = (abs(value) << depth + 2) >> 20
    return sum(eighths >= edge for edge in (1, 2, 3, 4, 6, 8, 12))


def children_of(
    coder: RangeDecoder | Coder, parents: list[Cell], depth: int, values: Field, tables: Tables,
    is_part: bool = False,
) -> list[Cell]:  # fmt: skip
    """Occupied cells of depth `depth`."""
    unknown = {plus((2 * x for x in parent), octant) for parent in parents for octant in OCTANTS}
    occupied: set[Cell] = set()
    siblings = dict.fromkeys(parents, 0)
    for number, octant in enumerate(OCTANTS):
        rows, found = [], list[int]()
        children = [plus((2 * x for x in parent), octant) for parent in parents]
        for parent, child in zip(parents, children, strict=True):
            around = [plus(child, step) for step in NEIGHBOURS]
            classes = [0] * 9
            classes[closeness(values, parent, octant, depth)] = 16
            features = [16 * (n in occupied) for n in around] + [16 * (n in unknown) for n in around] + classes
            rows.append(row_of(tables.occupancy_weights[number + 8 * (values is None)], features, 64))
            if isinstance(coder, Coder):
                states = {step: int(n in occupied) + 2 * int(n in unknown)
                          for step, n in zip(NEIGHBOURS, around, strict=True)}  # fmt: skip
                value = at_child(values, parent, octant)
                found.append(plain_mixed.cell(coder, value, depth, number, states, siblings[parent], rows[-1], is_part))
                siblings[parent] += found[-1] << number
        if isinstance(coder, RangeDecoder):
            found = coder.grouped(rows, tables.bits)
        unknown -= set(children)
        occupied |= {child for child, bit in zip(children, found, strict=True) if bit}
    return sorted(occupied)


def latents_of(
    coder: RangeDecoder | Coder, cells: list[Cell], nodes: list[Cell], base: dict[Cell, int], coarse: dict[Cell, int],
    gain: int, offset: int, depth: int, from_finest: int, level: int, tables: Tables,
) -> dict[Cell, int]:  # fmt: skip
    """Symbols of a level."""
    exists, occupied, found = set(nodes), set(cells), dict[Cell, int]()
    for number, parity in enumerate(PARITY_ORDER):
        rows, symbols = [], list[int]()
        these = [n for n in nodes if 4 * (n[0] & 1) + 2 * (n[1] & 1) + (n[2] & 1) == parity]
        for node in these:
            means, missing = [], []
            for kind in (1, 2, 3):
                near = [plus(node, step) for step in NEIGHBOURS if sum(map(abs, step)) == kind]
                done = [min(abs(found[n]), 63) for n in near if n in found]
                means.append(log_feature(8 * sum(done) // max(len(done), 1)))
                missing.append(0 if done else 16)
            features = [
                16, *means, *missing,
                log_feature(abs(base[node]) >> 13 - depth),
                4 * sum(plus(node, [-c for c in corner]) in occupied for corner in OCTANTS),
                log_feature(gain >> 9 - depth),
                log_feature(coarse[node] >> 3),
                sum(plus(node, step) in exists for step in NEIGHBOURS),
            ]  # fmt: skip
            row = row_of(tables.latent_weights[8 * min(from_finest, 2) + number], features, 44)
            rows.append(min(max(row + offset, 0), 43))
            if isinstance(coder, Coder):
                done = {step: found[plus(node, step)] for step in NEIGHBOURS if plus(node, step) in found}
                bases = {step: base[plus(node, step)] for step in NEIGHBOURS if plus(node, step) in exists}
                mask = sum(
                    (plus(plus(node, octant), (-1, -1, -1)) in occupied) << i for i, octant in enumerate(OCTANTS)
                )
                symbols.append(plain_mixed.latent(coder, done, bases, base[node], coarse[node], mask, row, number,
                                                  depth, from_finest, level))  # fmt: skip
        if isinstance(coder, RangeDecoder):
            symbols = coder.signed(rows, tables.latents, tables.latent_escapes)
        found.update(zip(these, symbols, strict=True))
    return {node: found[node] for node in nodes}


def trims_of(
    coder: RangeDecoder | Coder, cells: list[Cell], depth: int, values: dict[Cell, int], tables: Tables
) -> tuple[list[Cell], list[Cell]]:
    """Trimmed cells and the parts that stay."""
    trimmed: set[Cell] = set()
    known, occupied = set[Cell](), set(cells)
    for parity in PARITY_ORDER:
        these = [c for c in cells if 4 * (c[0] & 1) + 2 * (c[1] & 1) + (c[2] & 1) == parity]
        counts = [[sum(plus(cell, step) in some for step in NEIGHBOURS) for some in (trimmed, known, occupied)]
                  for cell in these]  # fmt: skip
        if isinstance(coder, Coder):
            flags = [plain_mixed.trim(coder, *count) for count in counts]
        else:
            flags = coder.grouped([18 + 7 * min(count[0], 4) for count in counts], tables.bits)
        known |= set(these)
        trimmed |= {cell for cell, flag in zip(these, flags, strict=True) if flag}
    return sorted(trimmed), children_of(coder, sorted(trimmed), depth + 1, values, tables, is_part=True)


# -- files ------------------------------------------------------------------------------------------------------------


@dataclass
class Grid:
    """What a file says."""

    depth: int
    n_levels: int
    cells: list[Cell]
    gain_codes: list[int]
    weights: list[list[int]]  # layer by layer, rows one after the other
    latents: list[dict[Cell, int]]
    trimmed: list[Cell] = field(default_factory=list)
    parts: list[Cell] = field(default_factory=list)
    shared: list[list[list[float]]] | None = None  # layers of a model pack, by rows
    first: First | None = None

    def distance(self, point: Sequence[float]) -> float:
        """The field at a point of an occupied cell."""
        features = [self._interpolated(level, point) for level in range(len(self.latents))]
        total = sum(features)
        if len(self.latents) < self.n_levels or not (self.weights or self.shared):
            return total
        cell = 2 / 2**self.depth
        inputs = [16 * f / cell for f in features]
        inputs += [math.cos(2 * math.pi * (x + 1) / cell) for x in point] + [1.0]
        return total + cell / 8 * self._network(inputs)

    def _network(self, inputs: list[float]) -> float:
        if self.shared is None:
            first, second = ([w / 64 for w in layer] for layer in self.weights)
            layers = [[first[i * len(inputs) : (i + 1) * len(inputs)] for i in range(16)], [second]]
        else:
            layers = [[row[len(row) - len(inputs) :] for row in self.shared[0]], *self.shared[1:]]
        for number, layer in enumerate(layers, 1):
            sums = [sum(w * x for w, x in zip(row, inputs, strict=True)) for row in layer]
            inputs = sums if number == len(layers) else [max(x, 0) for x in sums]
        return inputs[0]

    def _interpolated(self, level: int, point: Sequence[float]) -> float:
        n_cells = 2 ** (self.depth - self.n_levels + 1 + level)
        scaled = [(x + 1) * n_cells / 2 for x in point]
        low = [min(int(x), n_cells - 1) for x in scaled]
        total = 0.0
        for corner in OCTANTS:
            shares = [x - i if c else 1 - (x - i) for x, i, c in zip(scaled, low, corner, strict=True)]
            value = self.latents[level][plus(low, corner)] * gain_of(self.gain_codes[level])
            if level == 0 and self.first is not None:
                value += self.first(plus(low, corner), self.depth - self.n_levels + 1)
            total += math.prod(shares) * value
        return total / 2**20


def gain_of(code: int) -> int:
    return MANTISSAS[code % 8] >> code // 8


def decode_sections(payloads: Sequence[bytes], tables: Tables, first: First | None = None) -> Grid:
    """What the payloads of a file's sections say, base first; latents are added to the first field, if there is one."""
    shape, split = payloads[0][:2]
    depth, n_levels, n_base, network = shape & 15, shape >> 4 & 7, split & 15, split >> 4 & 7
    coded = [payloads[0][2:], *payloads[1:]]
    coders: list[RangeDecoder | Coder]
    columns = [(16, n_levels + 4), (1, 16)] if network == 1 else []
    if shape & 128:
        mixed = plain_mixed.streams_of(coded, tables.priors)
        coders = [*mixed]
        offsets = [0] * n_levels
        gain_codes = plain_mixed.gain_codes(mixed[0], n_levels, depth)
        weights = [plain_mixed.weights(mixed[0], i, *shape) for i, shape in enumerate(columns)]
    else:
        tabled = [RangeDecoder(data) for data in coded]
        coders = [*tabled]
        gain_codes = tabled[0].raw(n_levels, 8)
        offsets = [bits - 8 for bits in tabled[0].raw(n_levels, 4)]
        weights = [tabled[0].signed([i] * n * m, tables.weights, tables.weight_escapes)
                   for i, (n, m) in enumerate(columns)]  # fmt: skip
    cells, values, latents = [(0, 0, 0)], None, list[dict[Cell, int]]()
    first_depth = depth - n_levels + 1
    is_there: Callable[[int], bool] = lambda level: level < n_base + len(payloads) - 1  # noqa: E731
    for d in range(1, depth + 1):
        level = d - first_depth
        context: Field = values if 0 <= level - 1 < n_base else None
        if first is not None and values is None:
            context = at_middles(first, d)
        cells = children_of(coders[0], cells, d, context, tables)
        if level < 0 or not is_there(level):
            continue
        nodes = nodes_of(cells)
        if values is None:
            base, coarse = ({node: first(node, d) if first else 0 for node in nodes}, dict.fromkeys(nodes, 0))
        else:
            base = upsample(values, nodes)
            coarse = upsample({node: 64 * min(abs(q), 63) for node, q in latents[-1].items()}, nodes)
        coder, gain = coders[max(level - n_base + 1, 0)], gain_of(gain_codes[level])
        found = latents_of(coder, cells, nodes, base, coarse, gain, offsets[level], d, depth - d, level, tables)
        values = {node: base[node] + gain * found[node] for node in nodes}
        latents.append(found)
    grid = Grid(depth, n_levels, cells, gain_codes, weights, latents, first=first)
    if split & 128 and len(latents) == n_levels:
        assert values is not None
        grid.trimmed, grid.parts = trims_of(coders[-1], cells, depth, values, tables)
    for coder in coders:
        if isinstance(coder, Coder):
            coder.check_end()
    return grid
