"""What a table of measurements says about two codecs: BD-rates for each shape, their mean, and bytes at given errors.

Each codec counts as the lower envelope of all its rate points on a shape, for each metric its own.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .envelope import BdRate, Curve, Refusal, bd_rate, bytes_at, lower_envelope
from .peers import BUILDS_ON
from .rows import OK, Row

# Errors between which rates are compared, fractions of the diagonal. Around CD 1e-3..1e-4 the RMS error of decimated
# and quantized meshes is 1.26 times their CD and their HD 8 times (medians over the points of seven shapes), so the
# three ranges are about the same files.
RANGES: dict[str, tuple[float, float]] = {"cd": (1e-4, 1e-3), "rms": (1.25e-4, 1.25e-3), "hd": (8e-4, 8e-3)}
METRICS = tuple(RANGES)

# Errors at which bytes are listed; those of another metric than CD are scaled as their ranges are.
CD_ERRORS = (1e-3, 5e-4, 2e-4, 1e-4, 5e-5)

Curves = dict[tuple[str, str], Curve]


@dataclass(frozen=True)
class Comparison:
    """A codec against a reference in one metric.

    Attributes
    ----------
    codec, reference, metric : str
    lo, hi : float
        Errors between which they were to be compared.
    shapes : mapping of str to BdRate or Refusal
        By name.
    """

    codec: str
    reference: str
    metric: str
    lo: float
    hi: float
    shapes: Mapping[str, BdRate | Refusal]

    @property
    def n_compared(self) -> int:
        """Shapes that have a figure."""
        return len(self._log_ratios)

    @property
    def mean_percent(self) -> float | None:
        """Mean difference in bytes in per cent, from the mean of the log ratios; None if no shape has a figure."""
        ratios = self._log_ratios
        return 100 * math.expm1(sum(ratios) / len(ratios)) if ratios else None

    @property
    def _log_ratios(self) -> list[float]:
        return [found.log_ratio for found in self.shapes.values() if isinstance(found, BdRate)]


@dataclass(frozen=True)
class BytesAt:
    """Bytes with which a codec reaches an error on a shape.

    Attributes
    ----------
    error : float
    bytes : float or None
        Interpolated; None where the error is outside what was measured.
    at_most : float or None
        The smallest file measured, where even that has a smaller error.
    """

    error: float
    bytes: float | None
    at_most: float | None = None

    def __str__(self) -> str:
        if self.bytes is not None:
            return f"{self.bytes:,.0f}"
        return "-" if self.at_most is None else f"<{self.at_most:,.0f}"


def curves(rows: Iterable[Row], metric: str = "cd") -> Curves:
    """Lower envelopes by shape and codec, of the rows that are ok and of those of the codec that it builds on."""
    points: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        error = getattr(row, metric)
        if row.status == OK and row.bytes is not None and error is not None:
            points[row.shape, row.codec].append((row.bytes, error))
    for (shape, codec), own in points.items():
        own.extend(points.get((shape, BUILDS_ON.get(codec, "")), ()))
    return {key: lower_envelope(found) for key, found in points.items()}


def compare_codecs(
    rows: Iterable[Row], codec: str = "sdfz", reference: str = "opponent", metric: str = "cd"
) -> Comparison:
    """BD-rates of a codec against a reference, on all shapes that either has a row for.

    Parameters
    ----------
    rows : iterable of Row
    codec, reference : str
        Names of codecs.
    metric : str
        ``"cd"``, ``"rms"`` or ``"hd"``.
    """
    rows = list(rows)
    lo, hi = RANGES[metric]
    found = curves(rows, metric)
    shapes = sorted({row.shape for row in rows if row.codec in (codec, reference)})
    return Comparison(
        codec, reference, metric, lo, hi, {s: _compare(found, s, codec, reference, lo, hi) for s in shapes}
    )


def _compare(found: Curves, shape: str, codec: str, reference: str, lo: float, hi: float) -> BdRate | Refusal:
    for name in (codec, reference):
        if (shape, name) not in found:
            return Refusal(f"nothing measured for {name}")
    return bd_rate(found[shape, codec], found[shape, reference], lo, hi)


def listed_errors(metric: str = "cd") -> tuple[float, ...]:
    """Errors at which bytes are listed for a metric."""
    scale = RANGES[metric][1] / RANGES["cd"][1]
    return tuple(error * scale for error in CD_ERRORS)


def bytes_at_errors(
    rows: Iterable[Row], metric: str = "cd", errors: Sequence[float] | None = None
) -> dict[tuple[str, str], list[BytesAt]]:
    """Bytes with which each codec reaches errors on each shape.

    Parameters
    ----------
    rows : iterable of Row
    metric : str
        ``"cd"``, ``"rms"`` or ``"hd"``.
    errors : sequence of float, optional
        Fractions of the diagonal; by default `listed_errors`.

    Returns
    -------
    table : dict of (shape, codec) to list of BytesAt
        One for each error, in their order; sorted by shape and codec.
    """
    wanted = listed_errors(metric) if errors is None else errors
    return {key: [_bytes_at(curve, error) for error in wanted] for key, curve in sorted(curves(rows, metric).items())}


def _bytes_at(curve: Curve, error: float) -> BytesAt:
    at_most = curve[0][0] if curve and curve[0][1] < error else None
    return BytesAt(error, bytes_at(curve, error), at_most)
