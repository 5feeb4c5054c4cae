"""STL files: binary or text read, binary written.

We read them ourselves because trimesh, depending on its version, merges vertices by a fixed distance on the way and
drops those that are not finite.
"""

from __future__ import annotations

import re

import numpy as np

from .errors import MeshError
from .polygons import Floats, Ints, RawMesh
from .text import parse_rows

_ROW = np.dtype([("normal", "<f4", (3,)), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
HEADER_BYTES = 80
_VERTEX = re.compile(rb"^[ \t]*vertex[ \t]+([^\r\n]*)", re.MULTILINE | re.IGNORECASE)


def is_binary_stl(data: bytes) -> bool:
    """Whether the size is exactly what a binary STL header announces; their text may start with ``solid``, too."""
    return len(data) > HEADER_BYTES + 4 and len(data) == HEADER_BYTES + 4 + _ROW.itemsize * _n_announced(data)


def read_stl(data: bytes) -> RawMesh:
    """Triangles of an STL file, three vertices each; those of all its solids together.

    Raises
    ------
    MeshError
        It ends early, or is neither a binary nor a text STL file.
    """
    if is_binary_stl(data):
        rows = np.frombuffer(data, _ROW, offset=HEADER_BYTES + 4)
        # some programs colour a triangle with the spare 16 bits
        lost = ("face colours",) if rows["attribute"].any() else ()
        return _separate(rows["corners"].astype(np.float64).reshape(-1, 3), lost)
    if not re.match(rb"\s*solid\b", data, re.IGNORECASE):
        if len(data) < HEADER_BYTES + 4:
            raise MeshError("it is neither a binary nor a text STL file")
        announced = HEADER_BYTES + 4 + _ROW.itemsize * _n_announced(data)
        raise MeshError(f"its header announces {announced} bytes in all, but it has {len(data)}")
    end = data.lower().rfind(b"endsolid")
    vertices = parse_rows(_VERTEX.findall(data), 3, "vertex")
    if end < 0 or _VERTEX.search(data, end):
        raise MeshError("it ends before its last endsolid")
    if len(vertices) % 3:
        raise MeshError(f"it has {len(vertices)} vertices, which is no multiple of three")
    return _separate(vertices, ())


def write_stl(vertices: Floats, faces: Ints) -> bytes:
    """A binary STL file; coordinates are float32, since the format has no other.

    Parameters
    ----------
    vertices : (V, 3) float64
    faces : (F, 3) int64
    """
    corners = vertices[faces]  # (F, 3, 3)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    rows = np.zeros(len(faces), dtype=_ROW)
    rows["normal"] = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    rows["corners"] = corners
    return b"sdfz".ljust(HEADER_BYTES) + len(faces).to_bytes(4, "little") + rows.tobytes()


def _n_announced(data: bytes) -> int:
    return int.from_bytes(data[HEADER_BYTES : HEADER_BYTES + 4], "little")


def _separate(vertices: Floats, lost: tuple[str, ...]) -> RawMesh:
    """Triangles that share no vertices; (3 F, 3) corners, three after three."""
    return RawMesh(vertices, np.full(len(vertices) // 3, 3), np.arange(len(vertices)), lost)
