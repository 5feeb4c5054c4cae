"""G-PCC through its reference software tmc3: octree and trisoup. It codes points, so points come back."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...codec.sample import surface_points
from .contract import FloatArray, IntArray, Mesh, RatePoint
from .programs import Cube, ProgramError, convert, find, help_of, options

_PROGRAM = "tmc3"
_SAMPLES_A_VOXEL = 10.0  # of the surface's area: a voxel that is missed makes its neighbours harder to predict
_CHUNK = 2_000_000
_LOW = (1 << 21) - 1
_SEED = 0
# Geometry as in the common test conditions for solid surfaces, in one slice.
_COMMON = {
    "mode": 0,
    "positionQuantizationScale": 1,
    "mergeDuplicatedPoints": 1,
    "disableAttributeCoding": 1,
    "neighbourAvailBoundaryLog2": 8,
    "intra_pred_max_node_size_log2": 6,
    "inferredDirectCodingMode": 0,
    "planarEnabled": 0,
    "sliceMaxPoints": 50_000_000,
    "sliceMaxPointsTrisoup": 50_000_000,
}
_TRISOUP = {"trisoupQuantizationBits": 2, "trisoupImprovedEncoderEnabled": 1, "trisoupFineRayTracingEnabled": 0}
_FLAT_NODE = 2  # nodes so small need neither a centroid residual nor face vertices: the test conditions switch both off
_PLY_TYPES = {"float": "<f4", "float32": "<f4", "double": "<f8", "float64": "<f8", "int": "<i4", "uchar": "u1"}


@dataclass(frozen=True, eq=False)
class Voxels:
    """Voxels (N, 3) that a surface passes, and where their cube lies."""

    points: FloatArray
    cube: Cube


class Tmc3:
    """What octree and trisoup share."""

    caveat = "Codes points, not a surface: distances from the shape are to the nearest point. Voxelizing is timed too."

    def version(self) -> str:
        find(_PROGRAM)
        found = re.search(r"version\s+(\S+)", help_of(_PROGRAM, "--help"))
        return f"{_PROGRAM} {found[1] if found else 'unknown'}"

    def prepare(self, mesh: Mesh, group: str) -> Voxels:
        depth = int(group[1:])
        cube = Cube.around(mesh, 2**depth - 1)
        return Voxels(_voxels(cube.inside(mesh.vertices), mesh.faces), cube)

    def encode(self, prepared: Voxels, point: RatePoint) -> bytes:
        arguments = options({**_COMMON, **self.options(point)})
        files = ["--uncompressedDataPath={source}", "--compressedStreamPath={target}"]
        stream = convert(_PROGRAM, _point_ply(prepared.points), ("points.ply", "points.bin"), [*arguments, *files])
        return prepared.cube.pack() + stream

    def decode(self, data: bytes) -> Mesh:
        cube, stream = Cube.unpack(data)
        arguments = options({"mode": 1, "outputBinaryPly": 1})
        files = ["--compressedStreamPath={source}", "--reconstructedDataPath={target}"]
        points = _points_of_ply(convert(_PROGRAM, stream, ("points.bin", "points.ply"), [*arguments, *files]))
        return Mesh(cube.outside(points), np.zeros((0, 3), np.int64))

    def options(self, point: RatePoint) -> dict[str, Any]:
        """The encoder's options that depend on the point."""
        raise NotImplementedError


class Octree(Tmc3):
    """Voxels of the surface, without loss."""

    name = "tmc3-octree"
    title = "G-PCC octree"
    how = "tmc3: the surface's voxels at 6 to 10 bits, coded without loss; 16 bytes for the frame."

    def points(self, mesh: Mesh, quick: bool) -> Sequence[RatePoint]:
        depths = (6, 8, 9) if quick else (6, 7, 8, 9, 10)
        return [RatePoint(f"d{depth}", f"d{depth}", {"depth": depth}) for depth in depths]

    def options(self, point: RatePoint) -> dict[str, Any]:
        return {"trisoupNodeSizeLog2": 0}


class Trisoup(Tmc3):
    """Triangles in octree nodes, turned into voxels again by the decoder."""

    name = "tmc3-trisoup"
    title = "G-PCC trisoup"
    how = "tmc3: the surface's voxels at 8 to 10 bits as triangles in nodes of 4 to 64 voxels; 16 bytes for the frame."

    def points(self, mesh: Mesh, quick: bool) -> Sequence[RatePoint]:
        nodes = {9: (5, 4, 3)} if quick else {8: (5, 4, 3, 2), 9: (5, 4, 3, 2), 10: (6, 5, 4, 3)}
        return [
            RatePoint(f"d{depth}n{node}", f"d{depth}", {"depth": depth, "node": node})
            for depth, sizes in nodes.items()
            for node in sizes
        ]

    def options(self, point: RatePoint) -> dict[str, Any]:
        node = point.settings["node"]
        detail = int(node > _FLAT_NODE)
        return {
            "trisoupNodeSizeLog2": node,
            "trisoupCentroidResidualEnabled": detail,
            "trisoupFaceVertexEnabled": detail,
            **_TRISOUP,
        }


def _voxels(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """Voxels (N, 3) of edge length 1 that a surface passes, found by sampling it a chunk at a time."""
    first, second, third = (vertices[faces[:, corner]] for corner in range(3))
    area = float(np.linalg.norm(np.cross(second - first, third - first), axis=1).sum() / 2)
    rng = np.random.default_rng(_SEED)
    found = np.zeros(0, np.int64)
    for _ in range(math.ceil(_SAMPLES_A_VOXEL * area / _CHUNK)):
        points, _ = surface_points(vertices, faces, min(_CHUNK, math.ceil(_SAMPLES_A_VOXEL * area)), rng)
        x, y, z = np.rint(points).astype(np.int64).T
        found = np.union1d(found, (x << 42) | (y << 21) | z)
    return np.stack([found >> 42, (found >> 21) & _LOW, found & _LOW], axis=1).astype(np.float64)


def _point_ply(points: FloatArray) -> bytes:
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(points)}"]
    header += [*(f"property float {axis}" for axis in "xyz"), "end_header\n"]
    return "\n".join(header).encode() + points.astype("<f4").tobytes()


def _points_of_ply(data: bytes) -> FloatArray:
    """Positions (N, 3) in a binary PLY file of points, as tmc3 writes it."""
    head, end, body = data.partition(b"end_header\n")
    lines = [line.split() for line in head.decode(errors="replace").splitlines()]
    counts = [int(line[2]) for line in lines if line[:2] == ["element", "vertex"]]
    if not end or len(counts) != 1 or ["format", "binary_little_endian", "1.0"] not in lines:
        raise ProgramError(f"{_PROGRAM} wrote something else than a binary PLY file of points")
    row = np.dtype([(line[2], _PLY_TYPES[line[1]]) for line in lines if line[:1] == ["property"] and len(line) == 3])
    table = np.frombuffer(body, row, counts[0])
    return np.stack([table[axis].astype(np.float64) for axis in "xyz"], axis=1)
