"""OFF files: read with any vertex and face extras, written as plain triangles."""

from __future__ import annotations

import itertools
import re

import numpy as np

from .errors import MeshError
from .polygons import Floats, Ints, RawMesh
from .text import format_rows, parse_rows

_HEADER = re.compile(rb"\s*(ST)?(C)?(N)?(4)?(n)?OFF\b[ \t]*(BINARY)?")


def read_off(data: bytes) -> RawMesh:
    """Polygons of an OFF file.

    Raises
    ------
    MeshError
        It is not a text OFF file of three dimensions, or ends early.
    """
    data = re.sub(rb"#[^\r\n]*", b"", data)
    header = _HEADER.match(data)
    if header is None:
        raise MeshError("it does not start with OFF")
    if header[4] or header[5] or header[6]:
        raise MeshError("only text OFF files of three dimensions are read")
    lines = [line for line in data[header.end() :].splitlines() if line.strip()]
    if not lines:
        raise MeshError("it has no counts")
    n_vertices, n_faces = parse_rows(lines[:1], 2, "count")[0].tolist()
    if n_vertices < 0 or n_faces < 0 or len(lines) - 1 < n_vertices + n_faces:
        raise MeshError(f"it counts {n_vertices:g} vertices and {n_faces:g} faces, but has {len(lines) - 1} lines")
    split = 1 + int(n_vertices)
    vertices = parse_rows(lines[1:split], 3, "vertex")
    sizes, corners, has_extras = _parse_faces(lines[split : split + int(n_faces)])
    labels = ("texture coordinates", "vertex colours", "normals", "face colours")
    there = (*header.group(1, 2, 3), has_extras)
    return RawMesh(vertices, sizes, corners, tuple(itertools.compress(labels, there)))


def write_off(vertices: Floats, faces: Ints, digits: int = 9) -> bytes:
    """An OFF file of triangles.

    Parameters
    ----------
    vertices : (V, 3) float64
    faces : (F, 3) int64
    digits : int
        Significant digits of a coordinate.
    """
    header = f"OFF\n{len(vertices)} {len(faces)} 0\n".encode()
    return header + format_rows(" ".join([f"%.{digits}g"] * 3) + "\n", vertices) + format_rows("3 %d %d %d\n", faces)


def _parse_faces(lines: list[bytes]) -> tuple[Ints, Ints, bool]:
    """Corners of each face line, the vertex indices of all, and whether colours follow any of them."""
    rows = [line.split() for line in lines]
    try:
        sizes = np.array([int(row[0]) for row in rows], dtype=np.int64)
        corners = [row[1 : 1 + size] for row, size in zip(rows, sizes.tolist(), strict=True)]
        flat = np.array([int(corner) for some in corners for corner in some], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise MeshError(f"a face line is not understood: {error}") from error
    if (sizes < 0).any() or len(flat) != sizes.sum():
        raise MeshError("a face line has fewer vertex indices than it says")
    return sizes, flat, any(len(row) > 1 + size for row, size in zip(rows, sizes.tolist(), strict=True))
