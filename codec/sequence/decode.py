"""From the motion section of a file to surfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...formats.limits import DEFAULT, Limits
from .stream import unpack_motion

if TYPE_CHECKING:
    from ..shape import Surface


def decode_motion(data: bytes, base: Surface, *, limits: Limits = DEFAULT) -> list[Surface]:
    """The surface of each frame.

    Parameters
    ----------
    data : bytes
        Payload of the motion.
    base : Surface
        Of the shape that moves.
    limits : Limits

    Raises
    ------
    FormatError, LimitError
        As `unpack_motion`.
    """
    from .surface import FrameSurface, MovingSurface

    moving = MovingSurface(base, unpack_motion(data, limits=limits))
    return [FrameSurface(moving, number) for number in range(moving.n_frames)]


def check_motion(data: bytes, limits: Limits = DEFAULT) -> dict[str, object]:
    """Decode the symbols only and say what there is, for ``sdfz verify`` and ``sdfz info``."""
    symbols = unpack_motion(data, limits=limits)
    return {"frames": len(symbols.residuals), "nodes": len(symbols.cells)}
