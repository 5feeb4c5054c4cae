"""Shapes with exact distances, away from the origin and in units of their own, and their .sdfz files.

Each file is made once in a test run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import pytest
import shapes
import trimesh
from numpy.typing import NDArray
from sdfz.codec.decode import decode_bytes
from sdfz.codec.encode import Encoded, EncodeSettings, encode_mesh
from sdfz.codec.shape import Shape

FloatArray = NDArray[np.float64]

RESOLUTION = 96  # of the meshes that a light encoder measures
RADIUS = 40.0


@contextmanager
def light_encoder(n_steps: int = 20, n_samples: int = 1 << 15) -> Iterator[None]:
    """The encoder of any effort with fewer steps and samples, and meshes of `RESOLUTION` where 256 is the default."""
    import_module("sdfz.api")  # what it takes for defaults is not to be what is patched here
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sdfz.codec.grid.trials._ITERATIONS", (n_steps,) * 9)
        patch.setattr("sdfz.codec.encode._MEASURE_SAMPLES", (20_000,) * 9)
        patch.setattr("sdfz.codec.job.DEFAULT_RESOLUTION", RESOLUTION)
        patch.setattr("sdfz.codec.sizing.DEFAULT_QUALITY", 20.0)  # where a search begins
        patch.setattr("sdfz.codec.shape.DEFAULT_RESOLUTION", RESOLUTION)
        patch.setattr("sdfz.codec.grid.encode._MAX_SAMPLES", n_samples)
        patch.setattr("sdfz.codec.target._SAMPLES_AT_ONCE", 50_000)
        yield


@dataclass(frozen=True, eq=False)
class Example:
    """A shape that is known exactly.

    Attributes
    ----------
    vertices, faces : array
        A fine mesh of it.
    distance : callable
        (N, 3) points to (N,) exact signed distances; of an open shape without signs.
    volume : float or None
        None of an open shape.
    quality : float
        That its file is made with.
    """

    vertices: FloatArray
    faces: NDArray[np.int64]
    distance: Callable[[FloatArray], FloatArray]
    volume: float | None
    quality: float

    @property
    def diagonal(self) -> float:
        return float(np.linalg.norm(np.ptp(self.vertices, axis=0)))

    def points_around(self, n: int, seed: int = 0) -> FloatArray:
        """Points in a box half as large again."""
        lower, upper = self.vertices.min(axis=0), self.vertices.max(axis=0)
        margin = (upper - lower) / 4
        return np.random.default_rng(seed).uniform(lower - margin, upper + margin, (n, 3))


def placed(
    mesh: shapes.Mesh, distance: Callable[[FloatArray], FloatArray], volume: float | None, quality: float,
    centre: tuple[float, float, float],
) -> Example:  # fmt: skip
    """An example from a mesh around the origin."""
    vertices, faces = mesh
    return Example(vertices + centre, faces, lambda points: distance(points - centre), volume, quality)


def bowl(radius: float = RADIUS, subdivisions: int = 5) -> shapes.Mesh:
    """The upper half of a sphere; open, its rim a circle at z = 0."""
    vertices, faces = shapes.sphere(radius, subdivisions)
    vertices, faces = trimesh.intersections.slice_faces_plane(vertices, faces, [0, 0, 1], [0, 0, 0])[:2]
    return vertices, faces


def bowl_distance(points: FloatArray, radius: float = RADIUS) -> FloatArray:
    """Distance to the bowl, without sign."""
    beyond_rim = np.hypot(points[:, 0], points[:, 1]) - radius
    above = np.abs(np.linalg.norm(points, axis=1) - radius)
    return np.where(points[:, 2] >= 0, above, np.hypot(beyond_rim, points[:, 2]))


EXAMPLES = {
    "torus": placed(
        shapes.torus(0.6, 0.25, 192, 96),
        lambda points: shapes.torus_distance(points, 0.6, 0.25),
        2 * np.pi**2 * 0.6 * 0.25**2,
        30,
        (5.0, -3.0, 0.5),
    ),
    "box": placed(
        shapes.box((7.0, 5.0, 3.0)),
        lambda points: shapes.box_distance(points, (7.0, 5.0, 3.0)),
        8 * 7.0 * 5.0 * 3.0,
        50,
        (100.0, 0.0, -20.0),
    ),
    "bowl": placed(bowl(), bowl_distance, None, 40, (0.0, 1000.0, 0.0)),
}
CLOSED = [name for name, example in EXAMPLES.items() if example.volume is not None]


class ExampleFiles:
    """The .sdfz files of the examples and what they decode to, each made once."""

    def __init__(self) -> None:
        self._encoded: dict[str, Encoded] = {}
        self._shapes: dict[str, Shape] = {}
        self._meshes: dict[str, trimesh.Trimesh] = {}

    def encoded(self, name: str) -> Encoded:
        """The file, and what the encoder says of it."""
        if name not in self._encoded:
            example = EXAMPLES[name]
            with light_encoder(n_steps=120, n_samples=1 << 16):
                settings = EncodeSettings("grid", quality=example.quality, effort=1, device="cpu")
                self._encoded[name] = encode_mesh(example.vertices, example.faces, settings)
        return self._encoded[name]

    def shape(self, name: str) -> Shape:
        """The decoded shape, ready for `distance`."""
        if name not in self._shapes:
            shape = decode_bytes(self.encoded(name).data, device="cpu")
            with light_encoder():
                shape.distance([[0.0, 0.0, 0.0]])
            self._shapes[name] = shape
        return self._shapes[name]

    def mesh(self, name: str) -> trimesh.Trimesh:
        """The decoded mesh that the header's errors are of."""
        if name not in self._meshes:
            self._meshes[name] = self.shape(name).mesh(RESOLUTION)
        return self._meshes[name]
