"""Mesh files in and out.

::

    path, bytes or stream --> ply | obj | off | stl      polygons --> triangles -.
                          \\-> glb | gltf  (through trimesh)     triangles --------+-> checked, merged --> Mesh

What comes out of `read_mesh` is sound: finite, indices in range, no duplicate or unused vertices, some area. Whatever
is wrong with a file is one `MeshError` of one line.
"""

from __future__ import annotations

import logging
import math
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from .clean import check_mesh, check_range, clean_mesh
from .errors import MeshError
from .files import PathLike, write_atomic
from .gltf import read_gltf, write_glb
from .header import MAGIC
from .obj import read_obj, write_obj
from .off import read_off, write_off
from .ply import read_ply, write_ply
from .polygons import Floats, Ints, RawMesh, triangulate
from .stl import is_binary_stl, read_stl, write_stl

READABLE = ("ply", "obj", "stl", "off", "glb", "gltf")
WRITABLE = ("ply", "obj", "stl", "off", "glb")

_READERS: dict[str, Callable[[bytes], RawMesh]] = {"ply": read_ply, "obj": read_obj, "stl": read_stl, "off": read_off}

logger = logging.getLogger(__name__)

# Of the bounding-box diagonal: a tenth of a thousandth of the errors that the codec works with.
MAX_ROUNDING = 1e-6
MAX_DIAGONAL = 1e300


@dataclass(frozen=True)
class Mesh:
    """Triangles of a mesh file, checked and cleaned.

    Parameters
    ----------
    vertices : (V, 3) float64
        Coordinates in the file's units; finite, no two equal, all used.
    faces : (F, 3) int64
        Vertex indices; no face names a vertex twice.
    lost : tuple of str
        What the file holds and sdfz does not keep, such as ``"vertex colours"``. (The triangulation is never kept.)
    units : str or None
        Unit of the coordinates where the format defines it: metres for glTF.
    name : str or None
        File name without its folder.
    """

    vertices: Floats
    faces: Ints
    lost: tuple[str, ...] = ()
    units: str | None = None
    name: str | None = None


def read_mesh(source: PathLike | bytes | BinaryIO, file_type: str | None = None) -> Mesh:
    """All triangles of a mesh file as one sound mesh.

    Polygons are triangulated, several objects or scene nodes merged, node transforms applied; exact duplicates of
    vertices are merged, and faces that name a vertex twice and vertices that no face uses are dropped.

    Parameters
    ----------
    source : path, bytes or binary file object
        The file, its content, or a stream read to its end.
    file_type : str, optional
        ``"ply"``, ``"obj"``, ``"stl"``, ``"off"``, ``"glb"`` or ``"gltf"``. By default the extension of a path decides,
        and the content where there is no extension.

    Raises
    ------
    MeshError
        The format is not known, the file is damaged or holds no surface: only points or lines, coordinates that are not
        finite, indices out of range, no area.
    OSError
        The file is missing or cannot be read.
    """
    name = folder = None
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    elif isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        name, folder = os.path.basename(path), os.path.dirname(os.path.abspath(path))
        file_type = file_type or os.path.splitext(name)[1] or None
        if file_type:
            _check_type(file_type, READABLE, name)  # before reading
        with open(path, "rb") as file:
            data = file.read()
    else:
        data = source.read()
    label = name or "the mesh"
    file_type = _check_type(file_type or sniff_type(data, label), READABLE, label)
    try:
        raw = _read_raw(data, file_type, folder)
    except Exception as error:
        # Loaders meet damaged files with any exception there is.
        reason = str(error) if isinstance(error, MeshError) else f"{type(error).__name__}: {error}"
        raise MeshError(f"{label}: cannot be read as {file_type.upper()}: {' '.join(reason.split())[:200]}") from error
    try:
        check_range(raw.corners, len(raw.vertices))
        vertices, faces = clean_mesh(raw.vertices, triangulate(raw.vertices, raw.sizes, raw.corners))
    except MeshError as error:
        raise MeshError(f"{label}: {error}") from error
    return Mesh(vertices, faces, raw.lost, "m" if file_type in ("glb", "gltf") else None, name)


def write_mesh(
    vertices: npt.ArrayLike, faces: npt.ArrayLike, target: PathLike | BinaryIO, file_type: str | None = None
) -> None:
    """Write a mesh file; a path appears complete or not at all.

    Coordinates are float32 in PLY and GLB where that moves none by more than a millionth of the bounding-box diagonal.
    Otherwise a PLY file gets float64 and a GLB file a node that carries the offset. OBJ and OFF get as many digits as
    it takes. STL has only float32: where that is coarser, a warning is logged.

    Parameters
    ----------
    vertices : (V, 3) array-like
    faces : (F, 3) array-like of int
    target : path or binary file object
    file_type : str, optional
        ``"ply"``, ``"obj"``, ``"stl"``, ``"off"`` or ``"glb"``; by default the extension of the path.

    Raises
    ------
    MeshError
        The format is not known or cannot hold the coordinates.
    OSError
        Writing failed.
    """
    if file_type is None and isinstance(target, str | os.PathLike):
        file_type = os.path.splitext(os.fspath(target))[1]
    content = mesh_bytes(vertices, faces, file_type or "")
    if isinstance(target, str | os.PathLike):
        write_atomic(target, content)
    else:
        target.write(content)


def mesh_bytes(vertices: npt.ArrayLike, faces: npt.ArrayLike, file_type: str) -> bytes:
    """Content of a mesh file; parameters and errors as for `write_mesh`."""
    file_type = _check_type(file_type, WRITABLE, "output")
    points = np.asarray(vertices, dtype=np.float64)
    triangles = np.asarray(faces, dtype=np.int64)
    check_mesh(points, triangles)
    diagonal = _diagonal(points)
    if not diagonal < MAX_DIAGONAL:
        raise MeshError(f"a mesh {diagonal:.3g} units in size cannot be written")
    needed = MAX_ROUNDING * diagonal
    if file_type == "ply":
        return write_ply(points, triangles, "<f4" if _float32_error(points) <= needed else "<f8")
    if file_type in ("obj", "off"):
        digits = math.ceil(math.log10(np.abs(points).max() / MAX_ROUNDING) - math.log10(diagonal)) + 1
        write = write_obj if file_type == "obj" else write_off
        return write(points, triangles, min(max(digits, 9), 17))
    centre = None
    if file_type == "glb" and _float32_error(points) > needed:
        centre = points.min(axis=0) / 2 + points.max(axis=0) / 2
    error = _float32_error(points if centre is None else points - centre)
    if error > diagonal / 100:
        raise MeshError(f"{file_type.upper()} has only float32 coordinates, too coarse for this mesh; PLY has more")
    if error > needed:
        logger.warning("%s has only float32 coordinates: some move by %.2g", file_type.upper(), error)
    return write_stl(points, triangles) if file_type == "stl" else write_glb(points, triangles, centre)


def sniff_type(data: bytes, label: str = "the mesh") -> str:
    """File type of a mesh, from its content.

    Raises
    ------
    MeshError
        It looks like none of the readable ones.
    """
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if re.match(rb"ply[ \t]*[\r\n]", data):
        return "ply"
    if data.startswith(b"glTF"):
        return "glb"
    if is_binary_stl(data):
        return "stl"
    if re.match(rb"(#[^\r\n]*\s+)*(ST)?C?N?4?n?OFF\b", start):
        return "off"
    if re.match(rb"solid\b", start, re.IGNORECASE):
        return "stl"
    if start.startswith(b"{"):
        return "gltf"
    if re.search(rb"^[ \t]*(v[ \t]+[-+.\d]|mtllib[ \t])", data[: 1 << 16], re.MULTILINE):
        return "obj"
    if data.startswith(MAGIC):
        raise MeshError(f"{label}: not a mesh but an sdfz file; decode it first")
    found = "is empty" if not data else f"starts with {data[:16]!r}"
    raise MeshError(f"{label}: not a known mesh format: it {found}; readable are {', '.join(READABLE)}")


def _read_raw(data: bytes, file_type: str, folder: str | None) -> RawMesh:
    """What a loader finds in a file; damaged ones raise anything."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        # how numpy before 2.3 says that text is not numbers
        warnings.filterwarnings("error", "string or file could not be read", DeprecationWarning)
        raw = _READERS[file_type](data) if file_type in _READERS else read_gltf(data, folder)
    if len(raw.sizes) == 0:
        raise MeshError("it has no triangles: empty, a point cloud or only lines")
    return raw


def _check_type(file_type: str, known: tuple[str, ...], label: str) -> str:
    """A file type in lower case without its dot, if it is known."""
    plain = file_type.lower().removeprefix(".")
    if plain not in known:
        verb = "readable" if known is READABLE else "writable"
        raise MeshError(f"{label}: {file_type!r} is not a mesh format known here; {verb} are {', '.join(known)}")
    return plain


def _diagonal(points: Floats) -> float:
    with np.errstate(over="ignore"):
        return math.hypot(*(points.max(axis=0) - points.min(axis=0)).tolist())


def _float32_error(points: Floats) -> float:
    """How far rounding to float32 moves a coordinate at most; infinite where it overflows."""
    with np.errstate(over="ignore"):
        return float(np.abs(points - points.astype(np.float32)).max())
