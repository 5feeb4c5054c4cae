"""PLY files: read in every variant, written as binary little endian.

We read them ourselves because trimesh refuses binary files that mix triangles and larger polygons, as Blender writes
them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .errors import MeshError
from .polygons import Floats, Ints, RawMesh

MAX_HEADER_BYTES = 1 << 20

_DTYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "int64": "i8", "uint64": "u8",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip

_FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}

_INDEX_NAMES = ("vertex_indices", "vertex_index")

_LOST = [
    (re.compile(r"n[xyz]"), "normals"),
    (re.compile(r"(\w+_)?(red|green|blue|alpha)|[rgba]"), "colours"),
    (re.compile(r"[uvst]|texture_?[uvst]|texcoord|texnumber"), "texture coordinates"),
]


class Property(NamedTuple):
    """One property of an element; `count_dtype` is None unless it is a list."""

    name: str
    dtype: np.dtype
    count_dtype: np.dtype | None


class Element(NamedTuple):
    """A table of the file."""

    name: str
    n_rows: int
    properties: list[Property]


class Column(NamedTuple):
    """Values of a property, and how many of them each row has."""

    values: npt.NDArray
    sizes: Ints


def read_ply(data: bytes) -> RawMesh:
    """Polygons of a PLY file, ASCII or binary of either byte order.

    Parameters
    ----------
    data : bytes
        The file.

    Raises
    ------
    MeshError
        It is not a PLY file, ends early, or has no vertices or faces.
    """
    elements, is_ascii, offset = _parse_header(data)
    body: bytes | memoryview = data
    if is_ascii:
        # Every number becomes a float64; from there on the file is a binary one.
        body, offset = np.fromstring(data[offset:], sep=" ").astype("<f8").data.cast("B"), 0
    tables: dict[str, dict[str, Column]] = {}
    for element in elements:
        tables[element.name], offset = _read_element(body, offset, element)
        if "vertex" in tables and "face" in tables:
            break
    vertex, face = tables.get("vertex", {}), tables.get("face", {})
    if not set("xyz") <= set(vertex):
        raise MeshError("it has no vertices with x, y and z")
    vertices = np.stack([vertex[axis].values.astype(np.float64) for axis in "xyz"], axis=1)
    index = next((face[name] for name in _INDEX_NAMES if name in face), None)
    if index is None or len(index.sizes) == 0:
        raise MeshError("it has no faces: a point cloud, or only lines or strips")
    corners = index.values.astype(np.int64)
    if not (corners == index.values).all():
        raise MeshError("a face has an index that is not an integer")
    return RawMesh(vertices, index.sizes, corners, _lost(elements))


def write_ply(vertices: Floats, faces: Ints, dtype: npt.DTypeLike = "<f4") -> bytes:
    """A binary little-endian PLY file.

    Parameters
    ----------
    vertices : (V, 3) float64
    faces : (F, 3) int64
    dtype : dtype
        ``"<f4"`` or ``"<f8"``: type of the coordinates.
    """
    dtype = np.dtype(dtype)
    kind = {4: "float", 8: "double"}[dtype.itemsize]
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"element vertex {len(vertices)}",
        *(f"property {kind} {axis}" for axis in "xyz"),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header\n",
    ]
    rows = np.empty(len(faces), dtype=[("size", "u1"), ("corners", "<i4", (3,))])
    rows["size"] = 3
    rows["corners"] = faces
    return "\n".join(header).encode() + vertices.astype(dtype).tobytes() + rows.tobytes()


def _parse_header(data: bytes) -> tuple[list[Element], bool, int]:
    """Elements, whether the body is text, and the offset of the body."""
    end = re.compile(rb"[\r\n]end_header[ \t]*(\r\n|\n|\r)").search(data, 0, MAX_HEADER_BYTES)
    if not data.startswith(b"ply") or end is None:
        raise MeshError("it does not start with a complete PLY header")
    elements: list[Element] = []
    file_format = None
    for line in data[: end.start()].decode("latin-1").splitlines()[1:]:
        match line.split():
            case [] | ["comment" | "obj_info", *_]:
                pass
            case ["format", name, _] if name in _FORMATS:
                file_format = name
            case ["element", name, n_rows] if n_rows.isdecimal() and file_format:
                elements.append(Element(name, int(n_rows), []))
            case ["property", *words] if elements and file_format:
                elements[-1].properties.append(_parse_property(words, _FORMATS[file_format]))
            case _:
                raise MeshError(f"its header line {line!r} is not understood")
    return elements, file_format == "ascii", end.end()


def _parse_property(words: list[str], order: str) -> Property:
    """A property from the words after ``property``; `order` is "" for text, where every number is a float64."""

    def dtype(name: str) -> np.dtype:
        return np.dtype(order + _DTYPES[name] if order else "<f8")

    match words:
        case ["list", count, kind, name] if count in _DTYPES and kind in _DTYPES:
            return Property(name, dtype(kind), dtype(count))
        case [kind, name] if kind in _DTYPES:
            return Property(name, dtype(kind), None)
    raise MeshError(f"its header line 'property {' '.join(words)}' is not understood")


def _read_element(body: bytes | memoryview, offset: int, element: Element) -> tuple[dict[str, Column], int]:
    """Columns of an element, by property name, and the offset after it."""
    n_rows = element.n_rows
    if n_rows == 0 or not element.properties:
        return {p.name: Column(np.zeros(0, p.dtype), np.zeros(0, np.int64)) for p in element.properties}, offset
    # Nearly always every row is like the first; then a column is a strided view.
    starts, sizes, row_bytes = _walk_row(body, offset, element)
    if row_bytes * n_rows <= len(body) - offset:
        columns = {}
        for p, start, size in zip(element.properties, starts, sizes, strict=True):
            if p.count_dtype is not None:
                before = start - p.count_dtype.itemsize
                counts = np.ndarray((n_rows,), p.count_dtype, body, before, (row_bytes,))
                if (counts != size).any():
                    break
            values = np.ndarray((n_rows, size), p.dtype, body, start, (row_bytes, p.dtype.itemsize))
            columns[p.name] = Column(values.reshape(-1), np.full(n_rows, size))
        else:
            return columns, offset + row_bytes * n_rows
    return _read_ragged(body, offset, element)


def _read_ragged(body: bytes | memoryview, offset: int, element: Element) -> tuple[dict[str, Column], int]:
    """As `_read_element`, where the rows differ in length."""
    row_starts, row_sizes = [], []
    for _ in range(element.n_rows):
        starts, sizes, row_bytes = _walk_row(body, offset, element)
        row_starts.append(starts)
        row_sizes.append(sizes)
        offset += row_bytes
    data = np.frombuffer(body, np.uint8)
    columns = {}
    for p, starts, sizes in zip(element.properties, np.array(row_starts).T, np.array(row_sizes).T, strict=True):
        # byte index of every value: the start of its list, and its place in the list
        place = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        at = np.repeat(starts, sizes) + place * p.dtype.itemsize  # (N,)
        values = np.ascontiguousarray(data[at[:, None] + np.arange(p.dtype.itemsize)]).view(p.dtype).reshape(-1)
        columns[p.name] = Column(values, sizes)
    return columns, offset


def _walk_row(body: bytes | memoryview, offset: int, element: Element) -> tuple[list[int], list[int], int]:
    """Offset and number of values of each property in one row, and the bytes of the row."""
    starts, sizes = [], []
    at = offset
    for p in element.properties:
        size = 1
        if p.count_dtype is not None:
            if at + p.count_dtype.itemsize > len(body):
                raise MeshError(f"it ends inside its {element.name} data")
            count = np.frombuffer(body, p.count_dtype, 1, at)[0]
            size = int(count)
            if size != count or size < 0:
                raise MeshError(f"a list in its {element.name} data has {count} values")
            at += p.count_dtype.itemsize
        starts.append(at)
        sizes.append(size)
        at += size * p.dtype.itemsize
    if at > len(body):
        raise MeshError(f"it ends inside its {element.name} data")
    return starts, sizes, at - offset


def _lost(elements: list[Element]) -> tuple[str, ...]:
    """What the file holds beside positions and faces."""
    lost = [
        f"{element.name} {next((label for pattern, label in _LOST if pattern.fullmatch(p.name)), p.name)}"
        for element in elements
        if element.name in ("vertex", "face")
        for p in element.properties
        if p.name not in ("x", "y", "z", *_INDEX_NAMES)
    ]
    lost += [f"{e.name} elements" for e in elements if e.name not in ("vertex", "face") and e.n_rows]
    return tuple(dict.fromkeys(lost))
