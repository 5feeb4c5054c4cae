"""The surfaces of the frames that a base shape and a motion describe."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..shape import Surface
from .carry import Carrier, NodeFrames, carrying_nodes
from .motion import positions_of
from .nodes import candidates_of, middles_of, order_of
from .symbols import MotionSymbols, step_of_code

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]


class Motion:
    """Nodes and where they are, frame by frame.

    Attributes
    ----------
    nodes : (K, 3) float64
        In the base shape, normalized units, coarse to fine.
    positions : (T, K, 3) float64
        In the frames.

    Parameters
    ----------
    symbols : MotionSymbols
    """

    def __init__(self, symbols: MotionSymbols) -> None:
        cells = symbols.cells[order_of(symbols.cells)]
        self.nodes = middles_of(cells, symbols.depth)
        known = np.where(symbols.joined, candidates_of(cells, symbols.joined.shape[1]), -1)
        step = step_of_code(symbols.step_code)
        back = symbols.back.astype(np.int64)
        self.positions = positions_of(self.nodes, known, back, symbols.residuals, step)
        self._frames = NodeFrames(self.nodes, edges_of(known))
        self._turned: list[FloatArray] = []

    def turned(self, frame: int) -> FloatArray:
        """(K, 3, 3) what `NodeFrames.of` gives for a frame."""
        while len(self._turned) <= frame:
            before = self._turned[-1] if self._turned else None
            self._turned.append(self._frames.of(self.positions[len(self._turned)], before))
        return self._turned[frame]


class MovingSurface:
    """A surface in many frames.

    Parameters
    ----------
    base : Surface
        In normalized units.
    symbols : MotionSymbols
    """

    def __init__(self, base: Surface, symbols: MotionSymbols) -> None:
        self._base, self.motion = base, Motion(symbols)
        self._meshed: tuple[int, bool, Carrier, IntArray] | None = None

    @property
    def n_frames(self) -> int:
        """Frames that there are."""
        return len(self.motion.positions)

    def mesh(
        self, frame: int, resolution: int, progress: Progress | None = None, *, uniform: bool = False
    ) -> tuple[FloatArray, IntArray]:
        """Vertices (V, 3) float64, normalized units, and faces (F, 3) int64 of a frame; the faces are those of all."""
        if self._meshed is None or self._meshed[:2] != (resolution, uniform):
            vertices, faces = self._base.mesh(resolution, progress, uniform=uniform)
            if not len(faces):
                return vertices, faces
            carrying = carrying_nodes(vertices, faces, self.motion.nodes)
            self._meshed = (resolution, uniform, Carrier(vertices, self.motion.nodes, *carrying), faces)
        carrier, faces = self._meshed[2:]
        return carrier.carried(self.motion.positions[frame], self.motion.turned(frame)), faces


class FrameSurface:
    """A surface in one of its frames.

    Parameters
    ----------
    moving : MovingSurface
    number : int
    """

    def __init__(self, moving: MovingSurface, number: int) -> None:
        self.moving, self._number = moving, number

    def mesh(
        self, resolution: int, progress: Progress | None = None, *, uniform: bool = False
    ) -> tuple[FloatArray, IntArray]:
        """Vertices (V, 3) float64, normalized units, and faces (F, 3) int64."""
        return self.moving.mesh(self._number, resolution, progress, uniform=uniform)


def edges_of(known: IntArray) -> IntArray:
    """(E, 2) pairs of a node and one that it is joined to, from (K, N) of these, -1 for none."""
    node, which = np.nonzero(known >= 0)
    return np.stack([node, known[node, which]], 1)
