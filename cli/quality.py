"""What the quality options mean: error bounds, sizes in bytes, units of length."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import click

METRES_PER_UNIT = {"um": 1e-6, "mm": 1e-3, "cm": 1e-2, "m": 1.0, "in": 0.0254, "ft": 0.3048}
UNITS = tuple(METRES_PER_UNIT)
BYTES_PER_SUFFIX = {"b": 1, "kb": 1000, "kib": 1024, "mb": 1000**2, "mib": 1024**2, "gb": 1000**3, "gib": 1024**3}

_NUMBER = r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_ERROR = re.compile(_NUMBER + r"\s*(%|[a-zA-Zµμ]*)")
_SIZE = re.compile(_NUMBER + r"\s*([a-zA-Z]*)")


@dataclass(frozen=True)
class ErrorTarget:
    """An error bound as it was typed.

    Attributes
    ----------
    value : float
        A fraction of the bounding box's diagonal if `relative`, else a length > 0 in `unit`.
    relative : bool
        Whether `value` is a fraction of the diagonal.
    unit : str or None
        The suffix of a length, a key of `METRES_PER_UNIT`; None means the unit of the input's coordinates.
    """

    value: float
    relative: bool
    unit: str | None = None

    def __str__(self) -> str:
        return f"{100 * self.value:g}%" if self.relative else f"{self.value:g}{self.unit or ''}"

    def in_unit(self, unit: str | None) -> float:
        """The bound's value for an input whose coordinates are in `unit`: a fraction, or a length in that unit.

        A length with a suffix is converted when `unit` is known and taken as it stands when it is not.

        >>> ErrorTarget(0.2, relative=False, unit="mm").in_unit("m")
        0.0002
        """
        if self.relative or self.unit is None or unit is None or self.unit == unit:
            return self.value
        return self.value * (METRES_PER_UNIT[self.unit] / METRES_PER_UNIT[unit])


def parse_error(text: str) -> ErrorTarget:
    """The error bound that `text` names: ``0.1%``, ``0.2mm`` or ``0.2``.

    Raises
    ------
    ValueError
        Not a number with a known suffix, or not a bound: zero, negative, more than 100%.
    """
    match = _ERROR.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an error bound; write 0.1% (of the diagonal), 0.2mm or 0.2 (input units)")
    value, suffix = float(match[1]), match[2]
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{text!r}: an error bound must be greater than zero")
    if suffix == "%":
        if value > 100:
            raise ValueError(f"{text!r}: an error bound is at most 100% of the diagonal")
        return ErrorTarget(value / 100, relative=True)
    unit = suffix.lower().replace("µ", "u").replace("μ", "u") or None
    if unit is not None and unit not in METRES_PER_UNIT:
        raise ValueError(f"{text!r}: unknown unit {suffix!r}; use %, {', '.join(UNITS)} or none")
    return ErrorTarget(value, relative=False, unit=unit)


def parse_size(text: str) -> int:
    """The number of bytes that `text` names: ``8kB`` is 8000, ``8KiB`` 8192, ``8000`` and ``8000B`` are bytes.

    Raises
    ------
    ValueError
        Not a number with a known suffix, or less than one byte.
    """
    match = _SIZE.fullmatch(text.strip())
    factor = BYTES_PER_SUFFIX.get(match[2].lower() or "b") if match else None
    if match is None or factor is None:
        raise ValueError(f"{text!r} is not a size; write 8000, 8kB, 8KiB or 1.5MB")
    value = float(match[1]) * factor
    if not (1 <= value < 2**63):
        raise ValueError(f"{text!r}: a size must be at least one byte and less than 2**63")
    return int(value)


class ErrorTargetType(click.ParamType):
    """click parameter type of `--max-error`."""

    name = "error"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ErrorTarget:
        """`value` parsed by `parse_error`; a usage error if it is not a bound."""
        if isinstance(value, ErrorTarget):
            return value
        try:
            return parse_error(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class SizeType(click.ParamType):
    """click parameter type of a size in bytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """`value` parsed by `parse_size`; a usage error if it is not a size."""
        if isinstance(value, int):
            return value
        try:
            return parse_size(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
