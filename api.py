"""The public functions: `sdfz.encode`, `sdfz.encode_sequence`, `sdfz.decode` and `sdfz.open`.

Each imports its half of the codec when it is called: decoding loads nothing of encoding.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from .codec.shape import DEFAULT_RESOLUTION, Shape
from .formats.files import read_bytes
from .formats.mesh_io import Mesh, read_mesh
from .formats.metadata import Metadata, clean_name

if TYPE_CHECKING:
    import trimesh

    from .codec.encode import ErrorBound

PathLike = str | os.PathLike[str]
Progress = Callable[[str, int, int], None]


def encode(
    mesh: trimesh.Trimesh | PathLike,
    *,
    method: str = "auto",
    quality: float | None = None,
    max_error: float | str | None = None,
    metric: str = "hd",
    target_size: int | None = None,
    effort: int = 5,
    seed: int = 0,
    metadata: bool = False,
    units: str | None = None,
    device: str = "auto",
    backend: str = "auto",
    threads: int | None = None,
    preserve_mesh: bool = False,
    pack: PathLike | None = None,
    progress: Progress | None = None,
) -> bytes:
    """The bytes of a .sdfz file.

    The surface is kept, in the frame and units of the input; its colours, texture coordinates, normals and materials
    are not, and its triangles only when asked for.

    Parameters
    ----------
    mesh : trimesh.Trimesh or path
        Anything with `vertices` (V, 3) and `faces` (F, 3), or a PLY, OBJ, STL, OFF, GLB or glTF file.
    method : {'auto', 'scaffold', 'grid', 'overfit', 'hashgrid', 'lpdif', 'lgcl', 'deepsdf', 'compact'}
        'auto' is the scaffold, or the grid where the scaffold does badly and the grid measures better.
    quality : float, optional
        0 (smallest) to 100 (closest), 70 by default. Of a scaffold it stands for a mean error: 1 % of the diagonal at
        0, 0.1 % at 50, 0.01 % at 100. At most one of `quality`, `max_error` and `target_size` may be given.
    max_error : float or str, optional
        Bound on the error measured on the decoded mesh: a length in input units, or "0.1%" of the diagonal.
    metric : {'hd', 'rms', 'cd'}
        Which error `max_error` bounds: the largest, root mean square or mean distance.
    target_size : int, optional
        Largest file, in bytes.
    effort : int
        1 (fastest) to 9 (smallest files).
    seed : int
        Of everything random in fitting.
    metadata : bool
        Store the source's name, units and counts.
    units : str, optional
        Unit of the input's coordinates, stored with the metadata.
    device : {'auto', 'cpu', 'cuda'}
    backend : {'auto', 'torch', 'tcnn'}
    threads : int, optional
        At most so many; all cores by default.
    preserve_mesh : bool
        Keep the triangles of the mesh, and only move its vertices within the error.
    pack : path, optional
        A model pack (.sdfm) for files that only those who have it can decode.
    progress : callable, optional
        Called with (stage, steps done, steps in all).

    Returns
    -------
    data : bytes
        If the goal cannot be met, the best file found: its header has the measured errors (`sdfz.open(data).header`).

    Raises
    ------
    MeshError
        The mesh is empty, broken or without area.
    PackError
        The pack is corrupt, or of a method that is not `method`.
    ValueError
        An argument is out of range, or two goals are given.
    """
    from .codec.encode import EncodeSettings, encode_mesh
    from .codec.packs.lookup import load_pack

    settings = EncodeSettings(
        method=method,
        quality=quality,
        max_error=_bound(max_error),
        metric=metric,
        target_size=target_size,
        effort=effort,
        seed=seed,
        device=device,
        backend=backend,
        threads=threads,
        preserve_mesh=preserve_mesh,
        pack=None if pack is None else load_pack(pack),
    )
    read = _read(mesh)
    name = clean_name(mesh) if isinstance(mesh, (str, os.PathLike)) else None
    stored = Metadata(name, units or read.units, len(read.vertices), len(read.faces)) if metadata else None
    return encode_mesh(read.vertices, read.faces, settings, stored, progress).data


def encode_sequence(
    meshes: Iterable[trimesh.Trimesh | PathLike],
    *,
    method: str = "auto",
    quality: float | None = None,
    max_error: float | str | None = None,
    metric: str = "hd",
    target_size: int | None = None,
    effort: int = 5,
    seed: int = 0,
    pack: PathLike | None = None,
    progress: Progress | None = None,
) -> bytes:
    """The bytes of a .sdfz file of a registered sequence: `sdfz.open(data).frame(k)` is a frame.

    One frame is coded as `encode` does, by any method; nodes carry its surface through all frames.

    Parameters
    ----------
    meshes : iterable of trimesh.Trimesh or path
        Frames in order, as `encode` takes them, with the same triangles.
    method, metric, effort, seed, pack, progress
        As those of `encode`.
    quality : float, optional
        0 (smallest) to 100 (closest), 70 by default: a mean error of 1 % of the diagonal at 0, 0.1 % at 50, 0.01 % at
        100, with every method.
    max_error : float or str, optional
        Bound on an error of all frames together: the mean of the mean errors, the root mean square, or the largest.
    target_size : int, optional
        Largest file, in bytes: of all frames together.

    Raises
    ------
    MeshError
        A frame is broken or without area, or has other triangles than the first.
    PackError, ValueError
        As `encode`.
    """
    from .codec.encode import EncodeSettings
    from .codec.packs.lookup import load_pack
    from .codec.sequence.encode import encode_sequence as encode_frames
    from .formats.registered import stacked

    settings = EncodeSettings(
        method=method,
        quality=quality,
        max_error=_bound(max_error),
        metric=metric,
        target_size=target_size,
        effort=effort,
        seed=seed,
        pack=None if pack is None else load_pack(pack),
    )
    return encode_frames(*stacked(map(_read, meshes)), settings, None, progress).data


def open(source: bytes | PathLike, *, pack: PathLike | None = None, **options: Any) -> Shape:
    """The shape in a file: ask it for `distance(points)`, `mesh(resolution)` and its `header`.

    Parameters
    ----------
    source : bytes or path
        A .sdfz file.
    pack : path, optional
        A model pack (.sdfm) to look into before the folders of $SDFZ_PACKS, the cache and the bundled packs.
    **options
        ``lod``: finest levels to leave out; ``allow_truncated``: accept a file that is cut short; ``limits``,
        ``device`` and ``backend``: as of `sdfz.codec.decode.decode_bytes`.

    Raises
    ------
    FormatError
        Not an intact .sdfz file.
    PackError
        The model pack that the file needs is missing, corrupt, or another method's.
    LimitError
        Larger than the limits allow.
    """
    from .codec.decode import decode_bytes
    from .codec.packs.lookup import search_with

    data = bytes(source) if isinstance(source, (bytes, bytearray, memoryview)) else read_bytes(source)
    return decode_bytes(data, packs=search_with(pack), **options)


def decode(
    source: bytes | PathLike, *, resolution: int = DEFAULT_RESOLUTION, uniform: bool = False, **options: Any
) -> trimesh.Trimesh:
    """The mesh of a file, in the frame and units of what was encoded.

    Parameters
    ----------
    source : bytes or path
        A .sdfz file.
    resolution : int
        How fine the triangles are, 16 to 1024: voxels along the shape's longest side or, of a scaffold, 256 for those
        that were measured, four times nearer to its surface with each doubling.
    uniform : bool
        Split all triangles of a scaffold alike, also where the surface is flat.
    **options
        As of `sdfz.open`.

    Raises
    ------
    FormatError, PackError, LimitError
        As `sdfz.open`.
    """
    return open(source, **options).mesh(resolution, uniform=uniform)


def _read(mesh: trimesh.Trimesh | PathLike) -> Mesh:
    if isinstance(mesh, (str, os.PathLike)):
        return read_mesh(mesh)
    return Mesh(np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64))


def _bound(value: float | str | None) -> ErrorBound | None:
    from .codec.encode import ErrorBound

    if value is None:
        return None
    if isinstance(value, str):
        number = value.strip()
        relative = number.endswith("%")
        return ErrorBound(float(number.rstrip("%")) / (100 if relative else 1), relative)
    return ErrorBound(float(value), relative=False)
