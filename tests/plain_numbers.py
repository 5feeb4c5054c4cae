"""A decoder of coded numbers written from SPEC.md alone, with the decisions of plain_scaffold.py."""

from __future__ import annotations

from types import SimpleNamespace

from plain_scaffold import Coder, length_of


class Numbers:
    """Numbers out of coded bytes."""

    def __init__(self, data: bytes) -> None:
        weights = [[[11234] * 6] * 7 + [[0] * 6] * 6 for _ in range(53)]
        self._coder = Coder(data, SimpleNamespace(slots={}, weights=weights))  # type: ignore[arg-type]
        self.known: list[int] = []

    def take(self, kind: int, place: int, near: list[int]) -> int:
        """The next number; `near` are positions among those before, -1 where there is none."""
        contexts = self._contexts(kind, place, [self.known[i] if i >= 0 else None for i in near])

        def decide(node: int) -> int:
            return self._coder.decide([52 * (4096 * i + v) + node for i, v in enumerate(contexts)], node)

        found = 0
        if decide(0):
            sign, length, found = (-1 if decide(1) else 1), 0, 1
            while length < 24 and decide(2 + length):
                length += 1
            assert length < 24
            for p in range(length - 1, -1, -1):
                if p >= length - 2:
                    node = (26 if p == length - 1 else 35) + min(length, 8)
                else:
                    node = 44 + min(length - p, 7)
                found = 2 * found + decide(node)
            found *= sign
        self.known.append(found)
        return found

    def take_bits(self, n_bits: int) -> int:
        """The next number of raw bits."""
        found = 0
        for _ in range(n_bits):
            found = 2 * found + self._coder.decide([], 52)
        return found

    def check_end(self) -> None:
        self._coder.check_end()

    @staticmethod
    def _contexts(kind: int, place: int, near: list[int | None]) -> list[int]:
        shares = [(x, 2 if i == 0 else 1) for i, x in enumerate(near) if x is not None]
        n, total = sum(share for _, share in shares), sum(abs(x) * share for x, share in shares)
        mean = class_of((2 * total + n // 2) // n) if n else 15
        a, b = ((near[i] if i < len(near) else None) or 0 for i in (0, 1))
        last = 16 * (16 * signed(a) + signed(b)) + mean
        return [kind, 64 * kind + place, 16 * kind + mean, 16 * place + mean, 16 * kind + signed(a), last, mean]


def class_of(m: int) -> int:
    return m if m < 5 else min(2 * length_of(m) + (m >> (length_of(m) - 2)) % 2 - 1, 15)


def signed(x: int) -> int:
    size = min(class_of(abs(x)), 7)
    return 8 + size if x > 0 else 8 - size
