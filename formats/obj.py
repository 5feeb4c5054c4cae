"""Wavefront OBJ files: read for their polygons, written as plain triangles.

We read them ourselves because trimesh takes the invalid index 0 for the first vertex, and counts negative indices from
the end of the file instead of from the line they stand on: both end in a wrong mesh without a word.
"""

from __future__ import annotations

import re

import numpy as np

from .errors import MeshError
from .polygons import Floats, Ints, RawMesh
from .text import format_rows, parse_rows

_LOST = {
    b"vn": "normals",
    b"vt": "texture coordinates",
    b"usemtl": "materials",
    b"l": "lines",
    b"p": "points",
    b"curv": "free-form curves and surfaces",
    b"surf": "free-form curves and surfaces",
}


def read_obj(data: bytes) -> RawMesh:
    """Polygons of an OBJ file; those of all its objects, groups and materials together.

    Parameters
    ----------
    data : bytes
        The file. Material and texture files that it names are not opened.

    Raises
    ------
    MeshError
        It has no faces, a line is not numbers, or an index is 0.
    """
    rows = [line.split(None, 1) for line in data.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ").splitlines()]
    rows = [row for row in rows if len(row) == 2]
    points = [row[1] for row in rows if row[0] == b"v"]
    polygons = [row[1].split(b"#", 1)[0] for row in rows if row[0] in (b"f", b"fo")]
    keywords = {row[0] for row in rows}
    if not polygons:
        raise MeshError("it has no faces" + (", only points or lines" if points else ""))
    vertices = parse_rows(points, 3, "v")
    sizes, corners = _parse_polygons(polygons)
    corners = _absolute(corners, sizes, rows)
    lost = [label for keyword, label in _LOST.items() if keyword in keywords]
    if len(points[0].split()) >= 6:
        lost.insert(0, "vertex colours")
    return RawMesh(vertices, sizes, corners, tuple(dict.fromkeys(lost)))


def write_obj(vertices: Floats, faces: Ints, digits: int = 9) -> bytes:
    """An OBJ file of triangles.

    Parameters
    ----------
    vertices : (V, 3) float64
    faces : (F, 3) int64
    digits : int
        Significant digits of a coordinate.
    """
    return format_rows("v" + f" %.{digits}g" * 3 + "\n", vertices) + format_rows("f %d %d %d\n", faces + 1)


def _parse_polygons(polygons: list[bytes]) -> tuple[Ints, Ints]:
    """Corners of each face line, and the vertex indices of all of them as they are written."""
    # a corner is v, v/vt, v//vn or v/vt/vn: only v matters
    text = re.sub(rb"/\S*", b"", b"\n".join(polygons))
    sizes = np.array([len(line.split()) for line in text.split(b"\n")])
    corners = np.fromstring(text, dtype=np.int64, sep=" ")
    if len(corners) != sizes.sum():
        raise MeshError("a face line is not understood")
    return sizes, corners


def _absolute(corners: Ints, sizes: Ints, rows: list[list[bytes]]) -> Ints:
    """Indices from 0; OBJ counts from 1, and backwards from the face's line where they are negative."""
    if (corners == 0).any():
        raise MeshError("a face has the vertex index 0; OBJ files count from 1")
    relative = corners < 0
    if not relative.any():
        return corners - 1
    is_vertex = np.array([row[0] == b"v" for row in rows])
    is_face = np.array([row[0] in (b"f", b"fo") for row in rows])
    n_before = np.repeat(np.cumsum(is_vertex)[is_face], sizes)  # vertices above each corner's line
    return np.where(relative, n_before + corners, corners - 1)
