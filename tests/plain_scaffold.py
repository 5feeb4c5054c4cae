"""A decoder of `scaffold` payloads written from SPEC.md alone: plain Python integers, one decision after the other.

Like plain_decoder.py, which does the same for `grid`, it shares no code with the package, and has not the checks of a
real decoder.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

Vector = tuple[int, int, int]

ALONG, ACROSS, UP, SEED, PLACE = range(5)
PREVIOUS, NEW, NEXT, BOUNDARY, JOIN = range(5)
TANGENTIAL = (8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512, 724, 1024, 1448)


def within(x: int, most: int) -> int:
    return min(max(x, -most), most)


def length_of(x: int) -> int:
    return max(x, 0).bit_length()


# -- decisions --------------------------------------------------------------------------------------------------------


class Tables:
    """Squash, stretch and the logistic function, from integers."""

    def __init__(self) -> None:
        one = 1 << 80
        term, total, k = one, one, 0
        while term:
            k += 1
            term //= 256 * k
            total += term
        powers = [one]
        for _ in range(5632):
            powers.append(powers[-1] * total >> 80)
        half = [min(max(65536 * e // (one + e), 1), 65535) for e in powers[:2816]]
        self.squash = {j: half[j] if j >= 0 else 65536 - half[-j] for j in range(-2815, 2816)}
        upper = [(e << 46) // (one + e) for e in powers]
        self.steps = {j: upper[j] if j >= 0 else (1 << 46) - upper[-j] for j in range(-5632, 5633)}
        self.stretch, j = [], -2815
        for q in range(4096):
            while self.squash[j] < 16 * q + 8:
                j += 1
            self.stretch.append(j)

    def logistic(self, z: int) -> int:
        i, rest = divmod(min(max(z, -1441792), 1441791), 256)
        return self.steps[i] + ((self.steps[i + 1] - self.steps[i]) * rest >> 8)

    def share(self, a: int, b: int) -> int:
        return self.stretch[min(max(4096 * a // b, 0), 4095)] if b > 0 else 0


TABLES = Tables()
WIDTHS = [round(65536 * 2 ** Fraction(-f, 256)) for f in range(256)]
LOGARITHMS = [round(256 * math.log2(1 + (i + 0.5) / 256)) for i in range(256)]


class Model:
    """The arrays of priors.npz and network.npz."""

    def __init__(self, priors: Path, network: Path) -> None:
        with np.load(priors) as arrays:
            numbers = np.cumsum(arrays["gaps"].astype(np.int64)).tolist()
            known = zip(arrays["odds"].tolist(), arrays["counts"].tolist(), strict=True)
            self.slots = {n: (64 * TABLES.squash[96 * o], c) for n, (o, c) in zip(numbers, known, strict=True)}
            self.weights = (arrays["weights"].astype(np.int64) * 256).tolist()
        with np.load(network) as arrays:
            self.network = {name: arrays[name].tolist() for name in arrays}


class Coder:
    """Decisions out of coded bytes."""

    def __init__(self, data: bytes, model: Model) -> None:
        self._data, self._read = data, 4
        self._range, self._code = (1 << 32) - 1, int.from_bytes(data[:4].ljust(4, b"\0"), "big")
        self._model = model
        self._slots: dict[int, list[int]] = {}
        self._weights: dict[int, list[list[int]]] = {}

    def _slot(self, number: int) -> list[int]:
        if number not in self._slots:
            self._slots[number] = list(self._model.slots.get(number, (1 << 21, 0)))
        return self._slots[number]

    def decide(self, numbers: list[int], weight_set: int, opinion: int | None = None) -> int:
        slots = [self._slot(number) for number in numbers]
        weights = self._weights.setdefault(weight_set, [list(row) for row in self._model.weights[weight_set]])
        inputs = [
            (i, TABLES.stretch[p >> 10], sum(c >= n for n in (1, 2, 4, 10, 24))) for i, (p, c) in enumerate(slots)
        ]
        if opinion is not None:
            inputs.append((len(slots), opinion, 0))
        inputs.append((12, 256, 0))
        total = sum(x * weights[i][k] for i, x, k in inputs)
        chance = TABLES.squash[within(total >> 16, 2815)]
        bit = self._bit(chance)
        error = 65536 * bit - chance
        for i, x, k in inputs:
            weights[i][k] += (6 * x * error + (1 << 19)) >> 20
        for slot in slots:
            goal = (1 << 22) - 1 if bit else 0
            slot[0] += (goal - slot[0]) * (131072 // (2 * min(slot[1], 255) + 3)) >> 16
            slot[1] = min(slot[1] + 1, 255)
        return bit

    def _bit(self, chance: int) -> int:
        split = (self._range >> 16) * chance
        bit = int(self._code < split)
        if bit:
            self._range = split
        else:
            self._code -= split
            self._range -= split
        while self._range < 1 << 24:
            self._range <<= 8
            byte = self._data[self._read] if self._read < len(self._data) else 0
            self._code = (self._code << 8 | byte) % (1 << 32)
            self._read += 1
        return bit

    def check_end(self) -> None:
        assert len(self._data) <= self._read
        assert not self._data or self._data[-1]
        padded = self._data.ljust(self._read, b"\0")
        window = int.from_bytes(padded[self._read - 4 : self._read], "big")
        low = (window - self._code) % (1 << 32)
        for zeros in range(32, -1, -1):
            number = -(-low >> zeros) << zeros
            if number < low + self._range:
                assert window == number % (1 << 32)
                return

    def number_node(self, source: int, group: int, node: int, contexts: list[int], opinion: int | None = None) -> int:
        numbers = [327680 + 40 * (512 * (11 * source + i) + v) + node for i, v in enumerate(contexts)]
        return self.decide(numbers, 16 + 40 * (4 * source + group) + node, opinion)

    def size(self, source: int, contexts: list[int]) -> int:
        count = 0
        while count < 30 and self.number_node(source, 0, 2 + min(count, 12), contexts):
            count += 1
        number = 1
        for place in reversed(range(count)):
            number = 2 * number + self.number_node(source, 0, place_node(place, count), contexts)
        return number

    def number(
        self, source: int, group: int, contexts: list[int], signs: list[int], kept: int, parts: list[Vector]
    ) -> int:
        def beyond(sign: int, size: int) -> int:
            total = 0
            for place, width, share in parts:
                distance = sign * place - 256 * size + 128
                total += share * TABLES.logistic(distance * WIDTHS[width % 256] >> (8 + (width >> 8)))
            return total >> 16

        both = beyond(1, 1) + beyond(-1, 1)
        if not self.number_node(source, group, 0, contexts, TABLES.share((both >> 16) * kept, 1 << 46)):
            return 0
        sign = -1 if self.number_node(source, group, 1, signs, TABLES.share(beyond(-1, 1), both)) else 1
        count = 0
        while count < 30:
            opinion = TABLES.share(beyond(sign, 2 << count), beyond(sign, 1 << count))
            if not self.number_node(source, group, 2 + min(count, 12), contexts, opinion):
                break
            count += 1
        number, low, high = 1, beyond(sign, 1 << count), beyond(sign, 2 << count)
        for place_ in reversed(range(count)):
            middle = beyond(sign, (2 * number + 1) << place_)
            opinion = TABLES.share(middle - high, low - high)
            bit = self.number_node(source, group, place_node(place_, count), contexts, opinion)
            low, high = (middle, high) if bit else (low, middle)
            number = 2 * number + bit
        return sign * number

    def crease(self, node: int, contexts: list[int]) -> int:
        return self.decide([1454080 + 6 * (1024 * i + v) + node for i, v in enumerate(contexts)], 816 + node)


def place_node(place: int, count: int) -> int:
    if place == count - 1:
        return 15 + min(count, 8)
    if place == count - 2:
        return 24 + min(count, 8)
    return 33 + min(count - place, 6)


# -- geometry ---------------------------------------------------------------------------------------------------------


def minus(p: Vector, q: Vector) -> Vector:
    return p[0] - q[0], p[1] - q[1], p[2] - q[2]


def dot(p: Vector, q: Vector) -> int:
    return p[0] * q[0] + p[1] * q[1] + p[2] * q[2]


def cross(p: Vector, q: Vector) -> Vector:
    return p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]


def shifted(vectors: list[Vector], n_bits: int) -> list[Vector]:
    """Shifted right until all coordinates are below 2^n_bits in size."""
    shift = max(max(abs(x) for vector in vectors for x in vector).bit_length() - n_bits, 0)
    return [(x >> shift, y >> shift, z >> shift) for x, y, z in vectors]


def angle(corner: Vector, first: Vector, second: Vector) -> int:
    [u], [v] = shifted([minus(first, corner)], 12), shifted([minus(second, corner)], 12)
    lengths = dot(u, u) * dot(v, v)
    if not lengths:
        return 43
    square = min(4 * (dot(u, v) ** 2 * 256 // lengths), 1024)
    return round(math.acos(math.copysign(math.sqrt(square / 1024), dot(u, v))) * 256 / (2 * math.pi))


def frame_of(a: Vector, b: Vector, c: Vector) -> list[Vector]:
    u, v = shifted([minus(b, a), minus(c, a)], 14)
    [n] = shifted([cross(u, v)], 26)
    size = math.isqrt(dot(n, n))
    if not any(u) or size < 16:
        return [(1 << 14, 0, 0), (0, 1 << 14, 0), (0, 0, 1 << 14)]
    width = math.isqrt(dot(u, u) << 16)
    along = ((u[0] << 22) // width, (u[1] << 22) // width, (u[2] << 22) // width)
    up = ((n[0] << 14) // size, (n[1] << 14) // size, (n[2] << 14) // size)
    x, y, z = cross(along, up)
    return [along, (x >> 14, y >> 14, z >> 14), up]


def log(x: int) -> int:
    k = x.bit_length() - 1
    return 256 * k + LOGARITHMS[(x >> k - 8 if k >= 8 else x << 8 - k) & 255]


def chance(output: int) -> int:
    return TABLES.logistic(128 * within(output, 16384)) >> 30


def signed_log(x: int, unit: int) -> int:
    size = log(unit + abs(x)) - log(unit)
    return size if x > 0 else -size


# -- the walk ---------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Gate:
    origin: int
    apex: int
    known: int
    turn: int
    is_closed: bool = False
    before: Gate = field(init=False)
    after: Gate = field(init=False)


def link(*gates: Gate) -> None:
    for before, after in itertools.pairwise(gates):
        before.after, after.before = after, before


@dataclass
class View:
    """What is seen at a gate."""

    a: int
    b: int
    c: int
    back: int
    ahead: int
    place: Vector
    gaps: tuple[int, int]
    bends: tuple[int, int]
    square: int
    far: tuple[int, int]
    known: tuple[int, int, int, int]  # of this gate, after, before, after the one after
    ends: int
    three: int
    frame: list[Vector]

    @property
    def length(self) -> int:
        return min(length_of(self.square), 31)


class Walk:
    """The mesh as far as it is known."""

    def __init__(self, coder: Coder, model: Model, n_vertices: int, n_faces: int, tangential: int) -> None:
        self.coder, self.n_vertices, self.n_faces = coder, n_vertices, n_faces
        self.steps = (tangential, tangential, 8)
        self.network = model.network
        self.points: list[Vector] = []
        self.residuals: list[list[int]] = []
        self.faces: list[tuple[int, ...]] = []
        self.listed: list[Gate] = []
        self.queues: list[list[Gate]] = [[] for _ in range(32)]
        self.last, self.last_but_one = 0, 0
        self.recent = [[512, 512, 512, 0], [512, 512, 512, 0]]
        self.normals: dict[int, Vector] = {}
        self.lengths, self.n_lengths, self.start = 0, 0, 0
        while len(self.faces) < n_faces:
            self._seed()
            while len(self.faces) < n_faces and (gate := self._next()):
                self._process(gate)
        assert len(self.points) == n_vertices

    # - border

    def _queue(self, *gates: Gate) -> None:
        for gate in gates:
            if not gate.is_closed:
                self.queues[min(gate.known, 31)].append(gate)

    def _next(self) -> Gate | None:
        for number in reversed(range(32)):
            while self.queues[number]:
                gate = self.queues[number].pop(0)
                if gate in self.listed and not gate.is_closed and min(gate.known, 31) == number:
                    return gate
        return None

    def _remove(self, gate: Gate) -> None:
        i, last = self.listed.index(gate), self.listed.pop()
        if last is not gate:
            self.listed[i] = last

    def _make(self, origin: int, apex: int, known: int, turn: int) -> Gate:
        self.listed.append(Gate(origin, apex, known, turn))
        return self.listed[-1]

    def _angles(self, a: int, b: int, w: int) -> tuple[int, int, int]:
        p, q, r = self.points[a], self.points[b], self.points[w]
        return angle(p, q, r), angle(q, p, r), angle(r, p, q)

    def _seed(self) -> None:
        first = len(self.points)
        self._seed_positions(first)
        turns = self._angles(first, first + 1, first + 2)
        gates = [self._make(first + k, first + (k + 2) % 3, 1, turns[k]) for k in range(3)]
        link(*gates, gates[0])
        self._queue(*gates)
        self._know(first, first + 1, first + 2)

    def _know(self, *face: int) -> None:
        self.faces.append(face)
        normal = frame_of(*(self.points[vertex] for vertex in face))[UP]
        for vertex in face:
            x, y, z = self.normals.get(vertex, (0, 0, 0))
            self.normals[vertex] = (x + normal[0], y + normal[1], z + normal[2])

    def _process(self, gate: Gate) -> None:
        before, after = gate.before, gate.after
        view = self._view(gate)
        step = self._operation(view, self._inputs(gate, view))
        if step == BOUNDARY:
            gate.is_closed = True
            return
        a, b = view.a, view.b
        if step == NEW:
            w = self._new_vertex(gate, view)
        elif step == PREVIOUS:
            w = view.back
        elif step == NEXT:
            w = view.ahead
        else:
            place = self._place(view)
            w = place.origin
        at_a, at_b, at_w = self._angles(a, b, w)
        self._know(b, a, w)
        self._remove(gate)
        if step == PREVIOUS:
            self._remove(before)
            self._fill_previous(gate, before, after, at_b, at_w)
        elif step == NEXT:
            self._remove(after)
            made, last = self._make(a, b, gate.known + 1, gate.turn + at_a), after.after
            link(before, made, last)
            self._learn(last, at_w)
            self._queue(made, last)
        else:
            left = self._make(a, b, gate.known + 1, gate.turn + at_a)
            if step == NEW:
                right = self._make(w, a, 1, at_w)
                link(before, left, right, after)
                self._learn(after, at_b)
                self._queue(right, left, after)
                return
            right = self._make(w, a, place.known // 2 + 1, place.turn // 2 + at_w)
            place.known, place.turn = place.known // 2, place.turn // 2
            before_place = place.before
            link(before, left, place)
            link(before_place, right, after)
            # The place is queued before the gate after, which it may be, learns of the face.
            self._queue(right, place, left)
            self._learn(after, at_b)
            self._queue(after)

    def _fill_previous(self, gate: Gate, before: Gate, after: Gate, at_b: int, at_w: int) -> None:
        known, turn, first, last = before.known + 1, before.turn + at_w, before.before, after.after
        if not after.is_closed and last.origin == before.origin:
            self._remove(after)
            if first is not after:
                link(first, last)
                last.known += known
                last.turn += turn
                self._queue(last)
            return
        made = self._make(before.origin, gate.origin, known, turn)
        link(first, made, after)
        self._learn(after, at_b)
        self._queue(made, after)

    @staticmethod
    def _learn(gate: Gate, turn: int) -> None:
        gate.known += 1
        gate.turn += turn

    # - operations

    def _view(self, gate: Gate) -> View:
        points, before, after = self.points, gate.before, gate.after
        a, b, c, back, ahead = gate.origin, after.origin, gate.apex, before.origin, after.after.origin
        p, q, r = points[a], points[b], points[c]
        place = (p[0] + q[0] - r[0], p[1] + q[1] - r[1], p[2] + q[2] - r[2])
        square = dot(minus(q, p), minus(q, p)) + 1

        def far(vertex: int) -> int:
            way = minus(points[vertex], place)
            return min(length_of(16 * dot(way, way) // square), 11)

        return View(
            a, b, c, back, ahead, place,
            gaps=(min(max(256 - gate.turn, 0) >> 3, 24), min(max(256 - after.turn, 0) >> 3, 24)),
            bends=(
                angle(p, q, points[back]) >> 3 if back != b else 0,
                angle(q, p, points[ahead]) >> 3 if ahead != a else 0,
            ),
            square=square,
            far=(far(back), far(ahead)),
            known=(min(gate.known, 9), min(after.known, 9), min(before.known, 9), min(after.after.known, 9)),
            ends=2 * before.is_closed + after.is_closed,
            three=int(after.after is before),
            frame=frame_of(p, q, r),
        )  # fmt: skip

    def _operation(self, view: View, inputs: list[int]) -> int:
        gap, gap_ = view.gaps
        bend, bend_ = view.bends
        far, far_ = view.far
        known, known_, known_back, _ = view.known
        ends = view.ends
        contexts = [
            4 * (17 * gap + bend) + ends,
            4 * (12 * far + far_) + ends,
            4 * (25 * gap + gap_) + ends,
            25 * (5 * self.last + self.last_but_one) + gap,
            4 * (17 * bend + bend_) + ends + 1200 * view.three,
            4 * (17 * far + bend) + ends,
            4 * (25 * known + gap) + ends,
            4 * (10 * (10 * known + known_back) + known_) + ends,
            12 * (25 * known_ + gap_) + far_,
            25 * (12 * known + far) + gap,
        ]
        names = ("gate_first", "gate_second", "gate_last")
        outputs = self._network(inputs, *(self.network[name] for name in names))

        def asked(node: int) -> int:
            numbers = [4 * (8192 * i + v) + node for i, v in enumerate(contexts)]
            return self.coder.decide(numbers, 4 * ends + node, within(outputs[node] >> 2, 2815))

        if not ends & 2 and asked(0):
            step = PREVIOUS
        elif len(self.points) < self.n_vertices and asked(1):
            step = NEW
        elif not ends & 1 and asked(2):
            step = NEXT
        else:
            step = BOUNDARY if asked(3) else JOIN
        self.last, self.last_but_one = step, self.last
        return step

    def _place(self, view: View) -> Gate:
        found = [gate for gate in self.listed if gate.origin not in (view.a, view.b)]

        def distance(gate: Gate) -> int:
            way = minus(self.points[gate.origin], view.place)
            return dot(way, way)

        rank = self.coder.size(PLACE, [0, min(length_of(len(found)), 31)]) - 1
        return sorted(found, key=distance)[rank]

    # - networks

    @staticmethod
    def _network(inputs: list[int], *layers: list[list[int]]) -> list[int]:
        for layer in layers:
            sums = [1024 * w for w in layer[-1]]
            for x, row in zip(inputs, layer, strict=False):
                if x:
                    sums = [total + x * w for total, w in zip(sums, row, strict=True)]
            outputs = [total >> 12 for total in sums]
            inputs = [min(max(x, 0), 1 << 20) for x in outputs]
        return outputs

    def _inputs(self, gate: Gate, view: View) -> list[int]:
        length = self._length(view)
        inputs: list[int] = []
        for i, vertex in enumerate((view.c, view.back, view.ahead, gate.before.apex, gate.after.apex)):
            offsets = [self._offset(view, axis, vertex) for axis in range(3)]
            inputs += [within(1024 * offset // length, 4096) for offset in offsets]
            if i:
                inputs.append(signed_log(offsets[UP], 8))
        inputs += [log(length) - 768, log(self.steps[0]) - 768]
        inputs += [min(max(8 * (256 - turn), -1024), 2048) for turn in (gate.turn, gate.after.turn)]
        inputs += [1024 * (view.ends >> 1), 1024 * (view.ends & 1)]
        inputs += [205 * known for known in view.known]
        for vertex in (view.a, view.b, view.c, view.back, view.ahead):
            for axis in range(3):
                inputs += self._of_residual(self.residuals[vertex][axis], axis, length)
            normal = self.normals[vertex]
            size = math.isqrt(dot(normal, normal)) + 1
            inputs += [1024 * (dot(view.frame[axis], normal) >> 14) // size for axis in range(3)]
        for vertex in (gate.before.before.origin, gate.after.after.after.origin):
            inputs += [within(1024 * self._offset(view, axis, vertex) // length, 4096) for axis in range(3)]
        for means in self.recent:
            inputs += [*(log(mean + 256) - 2048 for mean in means[:3]), 4 * log(length) - means[3]]
        inputs += [1024 * (self.last == i) for i in range(5)] + [1024 * (self.last_but_one == i) for i in range(5)]
        return [*inputs, 64 * view.bends[0], 64 * view.bends[1], 1024 * view.three]

    def _of_residual(self, number: int, axis: int, length: int) -> list[int]:
        return [signed_log(number, 1), within(1024 * number * self.steps[axis] // length, 2048)]

    def _length(self, view: View) -> int:
        return math.isqrt(view.square - 1) + 1

    def _offset(self, view: View, axis: int, vertex: int) -> int:
        return dot(view.frame[axis], minus(self.points[vertex], view.place)) >> 14

    # - positions

    def _seed_positions(self, first: int) -> None:
        usual = min(length_of(self.lengths // max(self.n_lengths, 1)), 29)
        for k in range(3):
            size, point = 0, []
            for i in range(3):
                if k == 0:
                    guess = self.points[self.start][i] if first else 0
                elif k == 1:
                    guess = self.points[first][i]
                else:
                    guess = (self.points[first][i] + self.points[first + 1][i]) >> 1
                contexts = [
                    k if first else 3 + k,
                    3 * (30 * k + usual) + i if first else 300 + k,
                    31 * k + min(length_of(size), 30) + 100 + 100 * (i > 0),
                ]
                number = self.coder.number(SEED, 0, contexts, contexts, 65536, [(0, 0, 65536)])
                point.append(guess + 8 * number)
                size = max(size, abs(number))
            self.points.append((point[0], point[1], point[2]))
            self.residuals.append([0, 0, 0])
            if k:
                self.lengths += 8 * size
                self.n_lengths += 1
        self.start = first

    def _new_vertex(self, gate: Gate, view: View) -> int:
        inputs, residual = self._inputs(gate, view)[:88], [0, 0, 0]
        length, known = self._length(view), [0] * 4
        for axis in (UP, ACROSS, ALONG):
            names = ("first", "second", "last")
            out = self._network(inputs + known, *(self.network[name][axis] for name in names))
            parts, left = [], 65536
            for i in range(3):
                place = within(out[i], 65536) * length // (16 * self.steps[axis])
                share = left * chance(out[6 + i]) >> 16 if i < 2 else left
                left -= share
                parts.append((place, min(max(out[3 + i], -768), 3072), share))
            place, width = (sum(part[i] * part[2] for part in parts) >> 16 for i in (0, 1))
            contexts, signs = self._contexts(view, axis, residual, place, width)
            group = min(max(((width >> 6) - 4) >> 3, 0), 3)
            residual[axis] = self.coder.number(axis, group, contexts, signs, chance(out[8]), parts)
            if axis != ALONG:
                where = 0 if axis == UP else 2
                known[where : where + 2] = self._of_residual(residual[axis], axis, length)
        moved = [
            (sum(view.frame[axis][i] * residual[axis] * self.steps[axis] for axis in range(3)) + 8192) >> 14
            for i in range(3)
        ]
        self.points.append((view.place[0] + moved[0], view.place[1] + moved[1], view.place[2] + moved[2]))
        self.residuals.append(residual)
        number = len(self.points) - 1
        for axis, part in enumerate(residual):
            size = 256 * abs(part)
            self.recent[0][axis] += (size - self.recent[0][axis]) >> 3
            self.recent[1][axis] += (size - self.recent[1][axis]) // min(number + 2, 64)
        long = 4 * log(length)
        self.recent[0][3] += (long - self.recent[0][3]) >> 3
        self.recent[1][3] += (long - self.recent[1][3]) // min(number + 2, 64)
        self.lengths += 1 << (view.length // 2)
        self.n_lengths += 1
        return number

    def _classes(self, view: View, axis: int) -> tuple[int, int, int]:
        def class_of(x: int, unit: int) -> int:
            size = min(length_of(4 * abs(x) // unit), 4)
            return 4 + size if x > 0 else 4 - size

        y, z = self._offset(view, axis, view.back), self._offset(view, axis, view.ahead)
        long = 1 << (view.length // 2)
        unit, wide = (64, 32) if axis == UP else (long, long)
        return class_of(y, unit), class_of(z, unit), class_of(y + z, wide)

    def _contexts(
        self, view: View, axis: int, residual: list[int], place: int, width: int
    ) -> tuple[list[int], list[int]]:
        k0, k1, k2 = self._classes(view, axis)
        around_ = [self.residuals[vertex] for vertex in (view.a, view.b, view.c)]
        ra, rb, rc = (parts[axis] for parts in around_)
        energy = sum(2 * abs(around_[0][i]) + 2 * abs(around_[1][i]) + abs(around_[2][i]) for i in range(3))
        na, nb, nc, n_up, n_across = (min(length_of(abs(x)), 7) for x in (ra, rb, rc, residual[UP], residual[ACROSS]))
        sa, sb, sc, s_up, s_across = (
            (x > 0) + 2 * (x < 0) for x in (ra, rb, rc, residual[UP], residual[ACROSS])
        )  # fmt: skip
        around = min(length_of(2 * abs(ra) + 2 * abs(rb) + abs(rc)), 9)
        at = 2 * place >> (8 + max(width >> 8, 0))
        gap, gap_ = view.gaps
        bend, bend_ = view.bends
        length, total = view.length, na + nb + nc
        contexts = [
            min(total, 21),
            8 * length + min(gap >> 2, 7),
            8 * nb + na,
            [8 * n_up + n_across, 8 * n_up + (bend_ >> 1), 8 * (bend >> 1) + (bend_ >> 1)][axis],
            8 * length + min(total // 3, 7),
            9 * k0 + k1,
            12 * length + min(length_of(energy), 11),
            9 * around + k2,
            32 * [n_across, n_up, k2][axis] + length,
            12 * min(max(width >> 6, 0), 30) + min(abs(at), 11),
            8 * min(max(width >> 5, 0), 60) + min(length_of(abs(place) >> 6), 7),
        ]
        signs = [
            9 * sa + 3 * sb + sc,
            gap,
            gap_ + 32 * sb,
            8 * bend + (bend_ >> 1),
            12 * view.far[0] + view.far[1],
            9 * k0 + k1,
            9 * k2 + 3 * sa + sb,
            12 * k2 + min(gap >> 1, 11) if axis == UP else 27 * k2 + 9 * s_up + 3 * s_across,
            32 * k2 + length if axis == UP else 9 * self._classes(view, ALONG)[2] + self._classes(view, ACROSS)[2],
            within(at, 12) + 12,
            9 * (within(at, 4) + 4) + k2,
        ]
        return contexts, signs


# -- creases ----------------------------------------------------------------------------------------------------------


class Creases:
    """Which edges of a mesh are sharp, and which vertices are corners."""

    def __init__(self, walk: Walk) -> None:
        self.walk, self.coder = walk, walk.coder
        faces_at: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
        for face in walk.faces:
            for k in range(3):
                u, v = face[k], face[(k + 1) % 3]
                faces_at.setdefault((min(u, v), max(u, v)), []).append(face)
        self.edges = sorted(faces_at)
        self.faces_at = faces_at
        self.sharpness = dict.fromkeys(self.edges, 0)
        self.corners = [False] * len(walk.points)
        inner = [edge for edge in self.edges if len(faces_at[edge]) == 2]
        if not self.coder.crease(0, [0] * 8):
            return
        if self.coder.crease(1, [0] * 8):
            self.sharpness |= dict.fromkeys(inner, 255)
            return
        self.raised = {edge: self._raised(edge) if edge in set(inner) else 0 for edge in self.edges}
        self.memories: list[list[int]] = [[] for _ in walk.points]
        for edge in self.edges:
            if len(faces_at[edge]) == 1:
                self._remember(edge)
        last = 0
        for edge in inner:
            last = self.sharpness[edge] = self._sharpness(edge, last)
            if last:
                self._remember(edge)
        for vertex, memory in enumerate(self.memories):
            if len(memory) == 2 and sum(vertex in edge for edge in self.edges) > 2:
                bend = angle(*(walk.points[v] for v in (vertex, *memory))) >> 3
                self.corners[vertex] = bool(self.coder.crease(5, [bend, *[0] * 7]))

    def _remember(self, edge: tuple[int, int]) -> None:
        self.memories[edge[0]].append(edge[1])
        self.memories[edge[1]].append(edge[0])

    def _raised(self, edge: tuple[int, int]) -> int:
        u, v = edge
        s, t = ((set(face) - set(edge)).pop() for face in self.faces_at[edge])
        points = self.walk.points
        n, m = (frame_of(points[x], points[y], points[z])[2] for x, y, z in ((u, v, s), (v, u, t)))
        q = min(max((1 << 14) - (dot(n, m) >> 14), 0), 1 << 15)
        return math.isqrt(q // 128) + 17 * (dot(n, minus(points[t], points[u])) > 0)

    def _fold(self, edge: tuple[int, int]) -> int:
        return self.raised[edge] % 17

    def _end(self, edge: tuple[int, int], vertex: int) -> int:
        later = [e for e in self.edges if vertex in e and e > edge and len(self.faces_at[e]) == 2]
        folds_most = all(self._fold(e) <= self._fold(edge) for e in later)
        return 3 * (min(len(later), 3) + 4 * folds_most) + min(len(self.memories[vertex]), 2)

    def _straight(self, here: int, there: int) -> int:
        points = self.walk.points
        known = [w for w in self.memories[here][-2:] if w != there]
        return max((1 + min(angle(points[here], points[w], points[there]) >> 4, 7) for w in known), default=0)

    def _sharpness(self, edge: tuple[int, int], last: int) -> int:
        u, v = edge
        around = []
        for face in self.faces_at[edge]:
            sides = [tuple(sorted((face[k], face[(k + 1) % 3]))) for k in range(3)]
            around += [(x, y) for x, y in sides if (x, y) != edge]
        most = max(self._fold(e) for e in around)
        beside = sum(len(self.faces_at[e]) == 1 or (e < edge and self.sharpness[e] > 0) for e in around)
        raised, fold = self.raised[edge], self._fold(edge)
        low, high = min(len(self.memories[u]), 3), min(len(self.memories[v]), 3)
        straight = max(self._straight(u, v), self._straight(v, u))
        contexts = [
            16 * raised + 4 * low + high,
            16 * straight + 4 * low + high,
            9 * raised + straight,
            2 * raised + (last > 0),
            24 * self._end(edge, u) + self._end(edge, v),
            3 * (17 * fold + most) + min(low + high, 2),
            4 * (9 * self._end(edge, u) + (fold >> 1)) + high,
            5 * (5 * raised + beside) + min(low + high, 4),
        ]
        if not self.coder.crease(2, contexts):
            return 0
        contexts[3] = min(last, 4)
        if self.coder.crease(3, contexts):
            return 255
        if not self.coder.crease(4, contexts):
            return 1
        contexts[0] = 1023
        return 2 + self.coder.crease(4, contexts)


# -- files ------------------------------------------------------------------------------------------------------------


@dataclass
class Scaffold:
    """What a file says."""

    step: int
    tangential: int
    n_levels: int
    is_plain: bool
    positions: list[Vector]
    faces: list[tuple[int, int, int]]
    sharpness: list[int]  # of the edges in their order
    corners: list[bool]


def decode_payload(data: bytes, model: Model) -> Scaffold:
    """What the payload of a file's section says."""
    n_vertices, offset = varint(data, 0)
    step, refinement = data[offset], data[offset + 1]
    offset += 2
    excess = -4
    if not refinement & 128:
        code, offset = varint(data, offset)
        excess = code // 2 if code % 2 == 0 else -(code + 1) // 2
    coder = Coder(data[offset:], model)
    tangential, levels = refinement & 15, refinement >> 4 & 7
    walk = Walk(coder, model, n_vertices, 2 * n_vertices + excess, TANGENTIAL[tangential])
    creases = Creases(walk)
    coder.check_end()
    sharpness = [creases.sharpness[edge] for edge in creases.edges]
    is_plain = levels == 7
    return Scaffold(
        step, tangential, 0 if is_plain else levels, is_plain, walk.points, walk.faces, sharpness, creases.corners
    )


def varint(data: bytes, offset: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[offset]
        number, shift, offset = number | (byte & 127) << shift, shift + 7, offset + 1
        if byte < 128:
            return number, offset
