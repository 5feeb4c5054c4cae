"""A decoder of `lgcl` payloads and of its networks, which `deepsdf` shares, written from SPEC.md alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from plain_numbers import Numbers

FloatArray = NDArray[np.float64]
Arrays = Mapping[str, NDArray[Any]]
Cell = tuple[int, ...]

AROUND = sorted(
    (step for step in itertools.product((-1, 0, 1), repeat=3) if any(step)),
    key=lambda step: (sum(map(abs, step)), step),
)


def mlp(arrays: Arrays, inputs: FloatArray, skip: int, beta: int) -> FloatArray:
    """(N,) answers of the layers `sdf0`, `sdf1`, ... to (N, inputs)."""
    n_layers, features = sum(name.startswith("sdf") for name in arrays) // 2, inputs
    for layer in range(n_layers):
        if layer == skip != 0:
            features = np.append(features, inputs, 1) / math.sqrt(2)
        weight, bias = (arrays[f"sdf{layer}.{name}"].astype(np.float64) for name in ("weight", "bias"))
        features = features @ weight.T + bias
        if layer < n_layers - 1:
            features = np.logaddexp(0, beta * features) / beta if beta else np.maximum(features, 0)
    return features[:, 0]


@dataclass
class Local:
    """What a payload says."""

    depth: int
    n_neighbours: int
    step: int
    cells: list[Cell]
    codes: list[list[int]]

    @property
    def positions(self) -> FloatArray:
        return (2 * np.array(self.cells) + 1) / 2**self.depth - 1


def decode(payload: bytes) -> Local:
    """The symbols of a payload."""
    depth, n_neighbours, n_channels, step = payload[:4]
    predicted, numbers = int.from_bytes(payload[4:6], "little"), Numbers(payload[6:])
    cells: list[Cell] = [(0, 0, 0)]
    for d in range(1, depth + 1):
        cells = _children(numbers, d, cells)
    nearest = [_nearest(cells, i, n_neighbours) for i in range(len(cells))]
    codes: list[list[int]] = []
    first = len(numbers.known)
    for i in range(len(cells)):
        known, code = [j for j in nearest[i] if j < i], []
        for c in range(n_channels):
            at = [first + j * n_channels + c for j in known]
            padded = [*at[:2], -1, -1][:2]
            before = len(numbers.known) - 1 if c else -1
            coded = numbers.take(16 + c, min(len(known), 3), [*padded, before, *at[2:]])
            some = known[:3]
            taken = predicted >> c & 1 and some
            code.append(coded + ((2 * sum(codes[j][c] for j in some) + len(some)) // (2 * len(some)) if taken else 0))
        codes.append(code)
    numbers.check_end()
    return Local(depth, n_neighbours, step, cells, codes)


def _children(numbers: Numbers, d: int, parents: list[Cell]) -> list[Cell]:
    """Occupied cells of depth d, in ascending order."""
    known: dict[Cell, int] = {}
    n_before = dict.fromkeys(parents, 0)
    found = []
    for o, octant in enumerate(itertools.product((0, 1), repeat=3)):
        earlier = dict(known)
        for parent in parents:
            child = tuple(2 * x + a for x, a in zip(parent, octant, strict=True))
            near = [earlier.get(tuple(x + a for x, a in zip(child, step, strict=True)), -1) for step in AROUND]
            known[child] = len(numbers.known)
            if numbers.take(d, 8 * o + n_before[parent], near):
                n_before[parent] += 1
                found.append(child)
    return sorted(found)


def _nearest(cells: list[Cell], i: int, n: int) -> list[int]:
    others = [j for j in range(len(cells)) if j != i]
    return sorted(others, key=lambda j: (math.dist(cells[i], cells[j]) ** 2, j))[:n]


def distances(local: Local, arrays: Arrays, points: FloatArray) -> FloatArray:
    """(N,) signed distances at (N, 3) points."""
    geometry, n_blend, skip, beta = arrays["settings"].tolist()
    p, n = local.positions, len(local.cells)
    joined = np.zeros((n, n))
    for i in range(n):
        for j in _nearest(local.cells, i, local.n_neighbours):
            joined[i, j] = joined[j, i] = 1
    degree = np.maximum(joined.sum(1), 1)
    lengths = np.linalg.norm(p[:, None] - p, axis=2)
    spacing = np.where(joined.any(1), (joined * lengths).sum(1) / degree, 1.0)
    features = np.array(local.codes) * 2 ** ((local.step - 128) / 8)
    if geometry:
        offset = (p - p[:, None]) / spacing[:, None, None]  # [i, j] is that of j seen from i
        x, y, z = np.moveaxis(offset, 2, 0)
        seen = np.stack([x, y, z, x * x, x * y, x * z, y * y, y * z, z * z], 2)
        features = np.append(features, (joined[:, :, None] * seen).sum(1) / degree[:, None], 1)
    codes = _convolved(arrays, features, -joined / np.sqrt(degree[:, None] * degree))

    def answer(i: NDArray[np.int64]) -> FloatArray:
        offset = points - p[i]
        reach = np.maximum(1, np.linalg.norm(offset, axis=1) / (2 * spacing[i])) * spacing[i]
        return reach * mlp(arrays, np.append(offset / reach[:, None], codes[i], 1), skip, beta)

    away = np.linalg.norm(points[:, None] - p, axis=2)
    order = np.argsort(away, 1)
    if n_blend == 1 or n <= n_blend:
        return answer(order[:, 0])
    d = np.take_along_axis(away, order, 1)
    weights = (1 - d[:, :n_blend] / d[:, n_blend, None]) ** 2 + 1e-6
    answers = np.stack([answer(order[:, b]) for b in range(n_blend)], 1)
    return (weights * answers).sum(1) / weights.sum(1)


def _convolved(arrays: Arrays, features: FloatArray, m: FloatArray) -> FloatArray:
    """Local codes."""
    for number in itertools.takewhile(lambda k: f"conv{k}.weight" in arrays, itertools.count()):
        f = np.where(features > 0, features, np.expm1(np.minimum(features, 0))) if number else features
        terms = [f, m @ f]
        weight = arrays[f"conv{number}.weight"].astype(np.float64)
        while len(terms) < len(weight):
            terms.append(2 * m @ terms[-1] - terms[-2])
        features = sum((t @ w for t, w in zip(terms, weight, strict=False)), np.zeros(1))
        features = features + arrays.get(f"conv{number}.bias", np.zeros(1))
    return features
