"""A decoder of the mixed decisions of `grid` payloads written from SPEC.md alone, with those of plain_scaffold.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from plain_scaffold import TABLES, Coder, length_of, within

FACES, EDGES, CORNERS = 1, 2, 3


class Priors:
    """The arrays of priors.npz."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as arrays:
            numbers = np.cumsum(arrays["gaps"].astype(np.int64)).tolist()
            known = zip(arrays["odds"].tolist(), arrays["counts"].tolist(), strict=True)
            self.slots = {n: (64 * TABLES.squash[96 * o], c) for n, (o, c) in zip(numbers, known, strict=True)}
            self.weights = (arrays["weights"].astype(np.int64) * 256).tolist()


def streams_of(payloads: Sequence[bytes], priors: Priors) -> list[Coder]:
    """A coder for each stream; all share what they learn."""
    model = SimpleNamespace(slots=priors.slots, weights=priors.weights)
    coders = [Coder(payload, model) for payload in payloads]  # type: ignore[arg-type]
    for coder in coders[1:]:
        coder._slots, coder._weights = coders[0]._slots, coders[0]._weights
    return coders


def octaves(m: int) -> int:
    if m <= 0:
        return 0
    e = length_of(m) - 1
    return min(1 + 2 * e + ((m >> (e - 1)) % 2 if e > 0 else 0), 15)


def mean(total: int, n: int) -> int:
    return octaves(8 * total // n) if n else 15


def signed(x: int) -> int:
    step = abs(x) if abs(x) < 4 else min(length_of(abs(x)) + 1, 7)
    return 8 + step if x > 0 else 8 - step


def number(coder: Coder, first: int, room: int, first_set: int, v: list[int], u: list[int]) -> int:
    """A signed number with contexts v of its size and u of its sign."""

    def decide(node: int, contexts: list[int]) -> int:
        return coder.decide([first + 24 * (room * i + c) + node for i, c in enumerate(contexts)], first_set + node)

    if not decide(0, v):
        return 0
    sign, length, size = (-1 if decide(1, u) else 1), 0, 1
    while length < 24 and decide(2 + min(length, 9), v):
        length += 1
    for p in reversed(range(length)):
        if p == length - 1:
            node = 11 + min(length, 5)
        elif p == length - 2:
            node = 15 + min(length, 5)
        else:
            node = 18 + min(length - p, 5)
        size = 2 * size + decide(node, v)
    return sign * size


def gain_codes(coder: Coder, n_levels: int, depth: int) -> list[int]:
    codes: list[int] = []
    for level in range(n_levels):
        expected = codes[-1] if codes else 8 * (depth + 4)
        codes.append(expected + number(coder, 2129920, 8, 147, [level], [level]))
    return codes


def weights(coder: Coder, layer: int, n_rows: int, n_columns: int) -> list[int]:
    found: list[list[int]] = []
    for i in range(n_rows):
        row: list[int] = []
        for j in range(n_columns):
            c = 32 * layer + min(n_columns - 1 - j, 31)
            above = mean(sum(abs(other[j]) for other in found) // 2, i)
            before = mean(sum(map(abs, row)) // 2, j)
            left, up = signed(row[-1] if row else 0), signed(found[-1][j] if found else 0)
            v = [c, 16 * c + above, 16 * above + before, layer]
            u = [c, 16 * (16 * layer + left) + up, 64 * up + c]
            row.append(number(coder, 2031616, 1024, 99 + 24 * layer, v, u))
        found.append(row)
    return [weight for row in found for weight in row]


def cell(
    coder: Coder, value: int | None, depth: int, octant: int, states: dict[tuple[int, ...], int], siblings: int,
    row: int, is_part: bool,
) -> int:  # fmt: skip
    """Whether a child is occupied; `states` of its neighbours by step: 1 occupied, 2 not known yet, else 0."""
    near = 31 if value is None else min(abs(value) >> (18 - depth), 30)
    axes = {step: sum(map(abs, step)) for step in states}
    a = sum(state == 1 for state in states.values())
    f, g = (sum(state == 1 and axes[step] == n for step, state in states.items()) for n in (FACES, EDGES))
    h = sum(state == 2 and axes[step] == FACES for step, state in states.items())
    outer = 0
    for axis in range(3):
        step = [0, 0, 0]
        step[axis] = 1 if octant >> (2 - axis) & 1 else -1
        outer = 3 * outer + states[tuple(step)]
    q, siblings = int(is_part), 2**octant + siblings
    v = [
        2 * (16 * near + depth) + q, 2 * (7 * (7 * near + f) + h) + q, 32 * near + a,
        8 * (16 * (7 * f + h) + g) + min(depth, 7), 32 * siblings + near, 64 * outer + row, 2 * (32 * row + near) + q,
        32 * siblings + outer,
    ]  # fmt: skip
    return coder.decide([1966080 + 8192 * i + c for i, c in enumerate(v)],
                        98 if is_part else 96 if value is None else 97)  # fmt: skip


def latent(
    coder: Coder, done: dict[tuple[int, ...], int], bases: dict[tuple[int, ...], int], own: int, coarse: int, mask: int,
    row: int, run: int, depth: int, from_finest: int, level: int,
) -> int:  # fmt: skip
    """A latent; `done` are the decoded neighbours and `bases` V0 of all that are nodes, by step."""
    k = min(from_finest, 3)
    by_type = {n: [q for step, q in done.items() if sum(map(abs, step)) == n] for n in (FACES, EDGES, CORNERS)}
    n1, n2, n3 = (len(by_type[n]) for n in (FACES, EDGES, CORNERS))
    s1, s2, s3 = (sum(min(abs(q), 63) for q in by_type[n]) for n in (FACES, EDGES, CORNERS))
    p = sum(within(q, 20) * 2 ** (3 - n) for n, qs in by_type.items() for q in qs)
    pairs = [[tuple(sign * (i == axis) for i in range(3)) for sign in (-1, 1)] for axis in range(3)]
    slopes = [abs(bases[low] - bases[high]) if low in bases and high in bases else -1 for low, high in pairs]
    steepest = slopes.index(max(slopes))
    sums = [sum(within(done.get(step, 0), 20) for step in pair) for pair in pairs]
    along, across, pull = (
        signed(x) for x in (sums[steepest], sum(sums) - sums[steepest], abs(p) // 2 * (1 if p > 0 else -1))
    )
    cells, nodes = bin(mask).count("1") - 1, len(bases)
    face, edge, corner = mean(s1, n1), mean(s2, n2), mean(s3, n3)
    t = 2 * n1 + n2 + (n3 + 1) // 2
    every = octaves((16 * s1 + 8 * s2 + 4 * s3) // t) if t else 15
    coarse, near = octaves(coarse >> 3), min(abs(own) >> (18 - depth), 15)
    side = 0 if 10 * abs(own) < 2 ** (21 - depth) else 1 if own > 0 else 2
    v = [
        8 * (4 * row + k) + run, 16 * (16 * face + edge) + near, 8 * (16 * every + near) + cells,
        8 * (16 * every + coarse) + level, 8 * (16 * row + near) + cells, 16 * (16 * face + corner) + coarse,
        4 * (4 * (16 * coarse + near) + k) + min(n1, 3),
        8 * (8 * (8 * face + abs(along - 8)) + abs(across - 8)) + abs(pull - 8), 8 * (32 * level + nodes) + cells,
        4 * mask + k,
    ]  # fmt: skip
    u = [
        16 * along + across, 2 * mask + (own > 0), 16 * (16 * pull + across) + along, 8 * (3 * near + side) + cells,
        32 * level + 3 * run + side, 4 * run + k,
    ]  # fmt: skip
    return number(coder, 0, 8192, 24 * k, v, u)


def trim(coder: Coder, n_trimmed: int, n_known: int, n_around: int) -> int:
    """Whether a cell is trimmed."""
    v = [32 * min(n_trimmed, 15) + n_known, 32 * min(n_trimmed, 7) + n_around, n_trimmed]
    return coder.decide([2130112 + 512 * i + c for i, c in enumerate(v)], 171)
