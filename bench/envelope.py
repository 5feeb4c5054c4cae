"""Rate-distortion curves: the lower envelope of many rate points, bytes at an error, and the mean difference in rate.

Everything is in logarithms of bytes and of errors, and nothing is extrapolated: where a curve ends, so does the answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

Curve = list[tuple[float, float]]

# Between two rate points at most so far apart in bytes, whoever tunes a codec finds another one near the straight line.
CHORD = 1.5

# A mean over less says more about where the curves happen to overlap than about the codecs.
MIN_DECADES = 0.5


@dataclass(frozen=True)
class BdRate:
    """How the rates of two curves compare at equal error.

    Attributes
    ----------
    log_ratio : float
        Mean over the logarithm of the error of ln(bytes / bytes of the reference).
    lo, hi : float
        The errors between which both curves have points, within those asked for: where the mean was taken.
    """

    log_ratio: float
    lo: float
    hi: float

    @property
    def percent(self) -> float:
        """Mean difference in bytes, in per cent of the reference's: -50 is half the bytes."""
        return 100 * math.expm1(self.log_ratio)


@dataclass(frozen=True)
class Refusal:
    """Why there is no figure, in a few words."""

    reason: str


def lower_envelope(points: Iterable[tuple[float, float]]) -> Curve:
    """The points that no other point beats, nor the straight line between two others that are close to each other.

    A dense ladder of rate points has more and more of them that are beaten by no single one and still lie well above
    the curve: interpolated through, they would make a codec that was measured at more points look worse. So a point
    also goes if it is above the chord, in logarithms, between two points at most a factor of 1.5 apart in bytes. The
    same for every codec.

    Parameters
    ----------
    points : iterable of (bytes, error)
        Any order. Points that have no logarithm, among them an error of 0 or of infinity, are left out.

    Returns
    -------
    curve : list of (bytes, error)
        Sorted by bytes, with strictly rising bytes and strictly falling errors.

    Examples
    --------
    >>> lower_envelope([(300, 2e-4), (100, 1e-3), (200, 2e-3)])
    [(100, 0.001), (300, 0.0002)]
    """
    curve: Curve = []
    for n_bytes, error in sorted(points):
        drawable = 0 < n_bytes < math.inf and 0 < error < math.inf
        if drawable and (not curve or error < curve[-1][1]):
            curve.append((n_bytes, error))
    return _under_chords(curve)


def _under_chords(curve: Curve) -> Curve:
    """Without the points above a chord between two points close to each other; chords of what is left, to the end."""
    kept: Curve = []
    for point in curve:
        while len(kept) > 1 and point[0] <= CHORD * kept[-2][0] and _above(kept[-1], kept[-2], point):
            kept.pop()
        kept.append(point)
    return kept


def _above(point: tuple[float, float], left: tuple[float, float], right: tuple[float, float]) -> bool:
    (x, y), (x0, y0), (x1, y1) = ((math.log(n_bytes), math.log(error)) for n_bytes, error in (point, left, right))
    return (y - y0) * (x1 - x0) > (y1 - y0) * (x - x0)


def bytes_at(curve: Sequence[tuple[float, float]], error: float) -> float | None:
    """Bytes at which a lower envelope reaches an error, on straight lines between logarithms.

    Parameters
    ----------
    curve : sequence of (bytes, error)
        As `lower_envelope` gives it.
    error : float

    Returns
    -------
    n_bytes : float or None
        None where the error is outside what the curve covers.

    Examples
    --------
    >>> round(bytes_at([(100, 1e-3), (400, 1e-5)], 1e-4))
    200
    """
    if not curve or not curve[-1][1] <= error <= curve[0][1]:
        return None
    log_error, log_bytes = _logarithms(curve)
    return float(np.exp(np.interp(math.log(error), log_error, log_bytes)))


def bd_rate(
    curve: Sequence[tuple[float, float]], reference: Sequence[tuple[float, float]], lo: float, hi: float
) -> BdRate | Refusal:
    """Mean difference in rate between two lower envelopes at equal error (Bjøntegaard's delta rate).

    Parameters
    ----------
    curve, reference : sequence of (bytes, error)
        As `lower_envelope` gives them.
    lo, hi : float
        Errors to compare between, lo < hi; the mean is over that part of it which both curves cover.

    Returns
    -------
    BdRate or Refusal
        A refusal where a curve has fewer than two points, or where they overlap by less than half a decade.

    Notes
    -----
    The curves are interpolated by piecewise cubic Hermite polynomials (PCHIP) of ln(bytes) over ln(error), as in the
    standard bodies' spreadsheets [1]_: they go through every point and stay monotone between neighbours, so neither
    the bend of a sparse curve nor the stairs of a dense one overshoot, and their integral is exact.

    References
    ----------
    .. [1] G. Bjøntegaard, Calculation of average PSNR differences between RD-curves, ITU-T VCEG-M33, 2001; with
       piecewise cubics: Improvements of the BD-PSNR model, ITU-T VCEG-AI11, 2008.
    """
    for name, each in (("the curve", curve), ("the reference", reference)):
        if len(each) < 2:
            return Refusal(f"{name} has {len(each)} usable points, 2 are needed")
    start = max(lo, curve[-1][1], reference[-1][1])
    end = min(hi, curve[0][1], reference[0][1])
    decades = math.log10(end / start)
    if decades < MIN_DECADES:
        if decades <= 0:
            return Refusal(f"the curves do not meet within {lo:g}..{hi:g}")
        return Refusal(f"the curves meet only over {start:.3g}..{end:.3g}, {decades:.2f} decades")
    span = math.log(end / start)
    log_ratio = (_integral(curve, start, end) - _integral(reference, start, end)) / span
    return BdRate(log_ratio, start, end)


def _integral(curve: Sequence[tuple[float, float]], lo: float, hi: float) -> float:
    """Integral of ln(bytes) over ln(error)."""
    from scipy.interpolate import PchipInterpolator

    return float(PchipInterpolator(*_logarithms(curve)).integrate(math.log(lo), math.log(hi)))


def _logarithms(curve: Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Of errors, rising, and of bytes."""
    n_bytes, errors = np.log(np.asarray(curve, np.float64)[::-1]).T
    return errors, n_bytes
