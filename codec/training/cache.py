"""Arrays of shapes on disk, made once: a folder for each shape and setting, one .npy file an array, memory-mapped."""

from __future__ import annotations

import hashlib
import logging
import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...formats.errors import SdfzError
from ...formats.files import write_atomic
from ...formats.mesh_io import Mesh, read_mesh

logger = logging.getLogger(__name__)

Prepare = Callable[[Mesh, np.random.Generator], dict[str, npt.NDArray[Any]]]
Progress = Callable[[str, int, int], None]

_DIGITS = 16  # of hashes in names
_LEFT_OUT = "left-out.txt"  # in the folder of a shape that could not be prepared: why


@dataclass(frozen=True)
class CachedShape:
    """Prepared arrays of a shape.

    Parameters
    ----------
    name : str
    digest : str
        SHA-256 of the mesh file, 64 hexadecimal digits.
    folder : Path
    """

    name: str
    digest: str
    folder: Path

    def open(self) -> dict[str, npt.NDArray[Any]]:
        """Arrays by name, mapped from their files, read-only."""
        return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in self.folder.glob("*.npy")}

    @property
    def is_left_out(self) -> bool:
        """Whether it could not be prepared."""
        return (self.folder / _LEFT_OUT).exists()


def prepared_shapes(
    root: Path, key: str, paths: Iterable[tuple[str, Path]], prepare: Prepare, progress: Progress | None = None
) -> list[CachedShape]:
    """The cached arrays of shapes; those that are not in the cache yet are made.

    Parameters
    ----------
    root : Path
        Folder of the cache.
    key : str
        What the arrays depend on beside the shape.
    paths : iterable of (str, Path)
        Names and mesh files.
    prepare : callable
        Makes the arrays of a mesh; its generator is seeded by the content of the file. On an SdfzError the shape is
        left out, now and later.
    progress : callable, optional
        Called with ("prepare", shapes done, shapes in all).

    Returns
    -------
    shapes : list of CachedShape
        In the order given, without those left out and without a second copy of the same content.
    """
    entries = list(paths)
    folder = root / hashlib.sha256(key.encode()).hexdigest()[:_DIGITS]
    shapes: dict[str, CachedShape] = {}
    for done, (name, path) in enumerate(entries, 1):
        digest = digest_of(path)
        shape = CachedShape(name, digest, folder / digest[:_DIGITS])
        if not shape.folder.exists():
            _make(shape, path, prepare)
        if not shape.is_left_out:
            shapes.setdefault(digest, shape)
        if progress is not None:
            progress("prepare", done, len(entries))
    return list(shapes.values())


def digest_of(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits: what a shape is known by."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def held_out(shapes: Sequence[CachedShape], one_of: int) -> tuple[list[CachedShape], list[CachedShape]]:
    """Shapes to train on, and about one of so many to validate on: told by content, whatever else is there."""
    apart = [int(shape.digest, 16) % one_of == 0 for shape in shapes]
    return (
        [shape for shape, is_apart in zip(shapes, apart, strict=True) if not is_apart],
        [shape for shape, is_apart in zip(shapes, apart, strict=True) if is_apart],
    )


def _make(shape: CachedShape, path: Path, prepare: Prepare) -> None:
    """Write a shape's folder, complete or not at all."""
    shape.folder.parent.mkdir(parents=True, exist_ok=True)
    beside = shape.folder.with_name(f".{secrets.token_hex(4)}.part")
    beside.mkdir()
    try:
        try:
            arrays = prepare(read_mesh(path), np.random.default_rng(int(shape.digest[:_DIGITS], 16)))
        except SdfzError as error:
            logger.warning("%s is left out: %s", shape.name, error)
            write_atomic(beside / _LEFT_OUT, f"{error}\n".encode())
        else:
            for name, array in arrays.items():
                np.save(beside / f"{name}.npy", array, allow_pickle=False)
        beside.rename(shape.folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
