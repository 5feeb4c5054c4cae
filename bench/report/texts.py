"""Figures as a report writes them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

NONE = "-"


def scientific(value: float) -> str:
    """A small number with at most three digits.

    Examples
    --------
    >>> scientific(0.0005), scientific(0.00125)
    ('5e-4', '1.25e-3')
    """
    digits, _, exponent = f"{value:.2e}".partition("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}"


def signed_percent(value: float) -> str:
    """Per cent with one digit and a sign that is as wide as a plus.

    Examples
    --------
    >>> signed_percent(-33.333)
    '−33.3 %'
    """
    return f"{value:+.1f} %".replace("-", "−")


def quantity(value: float | None) -> str:
    """Three digits, or all before the decimal point."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def middle(values: Sequence[float | None]) -> str:
    """The median of the values that are known."""
    known = [value for value in values if value is not None]
    return quantity(median(known)) if known else NONE
