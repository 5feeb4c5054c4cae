"""What an encoder asks of the shape that it encodes: samples, cells and distances in any frame."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..formats.clean import check_mesh
from ..formats.frame import Frame
from .distance import DistanceOracle
from .distortion import Reference
from .occupancy import Cells, cells_of_points, sorted_cells
from .sample import Samples, near_surface, surface_points

# Surface samples that decide which cells are occupied: so many at once (memory), at least once, and so many a cell.
_SAMPLES_AT_ONCE = 400_000
_SAMPLES_A_CELL = 60
# A cell counts as occupied when the surface comes this close to it, in cells: the coded surface moves a little.
_REACH = 0.03


class Target:
    """A mesh to encode, in input units.

    Parameters
    ----------
    vertices : (V, 3) array_like of float
        Input units, any offset.
    faces : (F, 3) array_like of int
    seed : int
        Of all sampling.

    Raises
    ------
    MeshError
        The mesh is empty, not finite, out of range or without area.
    """

    def __init__(self, vertices: npt.ArrayLike, faces: npt.ArrayLike, seed: int = 0) -> None:
        vertices, faces = np.asarray(vertices, np.float64), np.asarray(faces, np.int64)
        check_mesh(vertices, faces)
        used = vertices[np.unique(faces)]
        self._lower, self._upper = used.min(0), used.max(0)
        self._home = Frame.enclosing(self._lower, self._upper, 1.0)
        self.vertices, self.faces = self._home.to_normalized(vertices), faces
        self.seed = seed

    @cached_property
    def oracle(self) -> DistanceOracle:
        """Distances to the surface, in the home frame (the one whose cube the shape fills)."""
        return DistanceOracle(self.vertices, self.faces)

    @property
    def diagonal(self) -> float:
        """Of the bounding box, input units."""
        return float(np.linalg.norm(self._upper - self._lower))

    def frame(self, fill: float) -> Frame:
        """A frame of whose cube the shape's longest side fills this share."""
        return Frame.enclosing(self._lower, self._upper, fill)

    def cells(self, frame: Frame, depth: int, reach: float = _REACH) -> Cells:
        """Cells of the 2**depth grid of a frame that the surface meets or nearly meets, sorted, (M, 3) int32.

        `reach` is how near, in cells, along the surface's normal.
        """
        rng = np.random.default_rng(self.seed)
        step = reach * (2 / (1 << depth)) * self.to_home_ratio(frame)
        normals = self._normals()
        cells = cells_of_points(self.from_home(self.vertices[np.unique(self.faces)], frame), depth)
        n_samples = 0
        while n_samples < max(_SAMPLES_AT_ONCE, _SAMPLES_A_CELL * len(cells)):
            points, faces = surface_points(self.vertices, self.faces, _SAMPLES_AT_ONCE, rng)
            offset = normals[faces] * step
            probes = np.concatenate([points, points + offset, points - offset])
            found = cells_of_points(self.from_home(probes, frame), depth)
            cells = sorted_cells(np.concatenate([cells, found]), depth)
            n_samples += _SAMPLES_AT_ONCE
        return cells

    def samples(
        self,
        frame: Frame,
        cells: Cells,
        depth: int,
        n_samples: int,
        *,
        spread_share: float = 0.1,
        scales: tuple[float, float] = (0.06, 0.4),
        beyond: float = 0.0,
    ) -> Samples:
        """Distance samples for fitting a field on occupied cells, in random order, in the frame's normalized units.

        Most lie close to the surface, at distances with two standard deviations, `scales` in cells, half of them each.
        A share is spread over the cells and what lies within `beyond` cells around them, so that their far corners are
        not left to chance: an unseen corner may cross zero and leave a crumb.
        """
        rng = np.random.default_rng(self.seed + 1)
        ratio = self.to_home_ratio(frame)
        cell = 2 / (1 << depth)
        n_spread = int(spread_share * n_samples)
        lengths = [scale * cell * ratio for scale in scales]
        near = near_surface(self.oracle, self.vertices, self.faces, n_samples - n_spread, lengths, rng)
        corners = cells[rng.integers(0, len(cells), n_spread)]
        within = (1 + 2 * beyond) * rng.random((n_spread, 3)) - beyond
        spread = np.clip((corners + within) * cell - 1, -1, 1)
        distances = self.oracle.signed(self._home.to_normalized(frame.from_normalized(spread)))
        points = np.concatenate([self.from_home(near.points, frame), spread]).astype(np.float32)
        values = np.concatenate([near.distances, distances]).astype(np.float32) / np.float32(ratio)
        order = rng.permutation(len(points))
        return Samples(points[order], values[order])

    def reference(self, n_samples: int) -> Reference:
        """The surface to measure decoded meshes against, in input units relative to the home frame."""
        return Reference(self.vertices, self.faces, n_samples, self.seed)

    def to_home(self, vertices: npt.NDArray[np.float64], frame: Frame) -> npt.NDArray[np.float64]:
        """Normalized coordinates of a frame in the home frame."""
        return self._home.to_normalized(frame.from_normalized(vertices))

    def from_home(self, points: npt.NDArray[np.floating], frame: Frame) -> npt.NDArray[np.float64]:
        """Coordinates of the home frame, normalized in another one."""
        return frame.to_normalized(self._home.from_normalized(points))

    def to_home_ratio(self, frame: Frame) -> float:
        """Length in the home frame of a normalized unit of a frame."""
        return frame.scale / self._home.scale

    def _normals(self) -> npt.NDArray[np.float64]:
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        normals = np.cross(b - a, c - a)
        return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
