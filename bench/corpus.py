"""The shapes that are measured: mesh files by name, with their hashes, sources and licences.

A corpus is any folder of mesh files. One with a `catalog.csv`, in it or above it, tells where its files come from; one
with a folder `dev` is measured there unless told otherwise. Without a corpus there are the repository's own examples,
which its scripts generate.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..formats.mesh_io import READABLE, read_mesh
from .peers.contract import Mesh

DEFAULT_FOLDER = "dev"
CATALOG = "catalog.csv"
HASH_DIGITS = 12

# A scan with a boundary, a CAD part, a coarse hand-made model and a piece of furniture of many thin parts.
QUICK = ("bunny_zipper", "fandisk", "spot", "aws_sofa_01")

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


class CorpusError(Exception):
    """There is nothing to measure, or a name that the corpus does not have; the message is one line."""


@dataclass(frozen=True)
class CorpusShape:
    """A mesh file on the bench.

    Attributes
    ----------
    name : str
        The file's name without suffix; with its folder, or its suffix too, where another file is called the same.
    path : Path
    sha256 : str
        First 12 hexadecimal digits of the hash of the file.
    source : str
        Where it was taken from; empty if not known.
    licence : str
        Empty if not known.
    licence_class : str
        ``"permissive"`` and so on, as the catalogue has it; empty if not known.
    category : str
        As the catalogue has it; empty if not known.
    is_watertight : bool
        Whether the catalogue says so.
    """

    name: str
    path: Path
    sha256: str
    source: str = ""
    licence: str = ""
    licence_class: str = ""
    category: str = ""
    is_watertight: bool = False

    def load(self) -> Mesh:
        """The mesh: duplicate vertices merged, degenerate faces dropped.

        Raises
        ------
        MeshError
            The file holds no usable mesh.
        OSError
            The file cannot be read.
        """
        mesh = read_mesh(self.path)
        return Mesh(mesh.vertices, mesh.faces)


def corpus_shapes(corpus: Path | None, folders: Sequence[str] = ()) -> list[CorpusShape]:
    """All shapes of a corpus, sorted by name.

    Parameters
    ----------
    corpus : Path or None
        A folder of mesh files, or of folders of them; None for the repository's examples.
    folders : sequence of str
        Folders of the corpus to look into. By default `dev` if it has one, else all of it.

    Raises
    ------
    CorpusError
        There is no mesh file, or no such folder.
    """
    root = EXAMPLES if corpus is None else corpus
    if not root.is_dir():
        what = "the repository's examples are not installed; name a folder of meshes" if corpus is None else "no folder"
        raise CorpusError(f"{root}: {what}")
    for folder in folders:
        if not (root / folder).is_dir():
            raise CorpusError(f"{root}: the corpus has no folder {folder!r}")
    if not folders and (root / DEFAULT_FOLDER).is_dir():
        folders = (DEFAULT_FOLDER,)
    suffixes = {f".{kind}" for kind in READABLE}
    found = (path for folder in folders or (".",) for path in (root / folder).rglob("*"))
    paths = sorted({path for path in found if path.suffix.lower() in suffixes and path.is_file()})
    if not paths:
        raise CorpusError(f"{root}: no mesh file in it")
    catalog = _catalog(paths[0].parent)
    shapes = [_shape(name, path, catalog) for name, path in _names(root, paths).items()]
    return sorted(shapes, key=lambda shape: shape.name)


def load_sequence(path: Path) -> tuple[npt.NDArray[np.floating[Any]], npt.NDArray[np.int64]]:
    """Vertices (T, V, 3) and faces (F, 3) of a registered sequence in an .npz file."""
    with np.load(path) as arrays:
        return arrays["vertices"], arrays["faces"].astype(np.int64)


def chosen_shapes(shapes: Sequence[CorpusShape], names: Iterable[str]) -> list[CorpusShape]:
    """The shapes of these names, in the order of the corpus; all of them if no name is given.

    Raises
    ------
    CorpusError
        There is no shape of a name.
    """
    wanted = set(names)
    if unknown := sorted(wanted - {shape.name for shape in shapes}):
        raise CorpusError(f"the corpus has no shape {', '.join(unknown)}")
    return [shape for shape in shapes if not wanted or shape.name in wanted]


def quick_shapes(shapes: Sequence[CorpusShape]) -> list[CorpusShape]:
    """Four shapes of different kinds if the corpus has them, else its first four."""
    by_name = {shape.name: shape for shape in shapes}
    if all(name in by_name for name in QUICK):
        return [by_name[name] for name in QUICK]
    return list(shapes[: len(QUICK)])


def mixed_collection(shapes: Iterable[CorpusShape], n_shapes: int) -> list[CorpusShape]:
    """So many shapes of all categories, as a collection to code: of a larger one the first are the smaller one.

    Of those that are watertight and of permissive licence, each category in the order of the files' hashes; the
    categories take turns.

    Raises
    ------
    CorpusError
        There are not so many.
    """
    turns: Counter[str] = Counter()
    order = []
    for shape in sorted(shapes, key=lambda shape: shape.sha256):
        if shape.is_watertight and shape.licence_class == "permissive":
            order.append((turns[shape.category], shape.category, shape))
            turns[shape.category] += 1
    if len(order) < n_shapes:
        raise CorpusError(f"{n_shapes} shapes are wanted, but the corpus has {len(order)} that are watertight and free")
    return [shape for _, _, shape in sorted(order, key=lambda entry: entry[:2])[:n_shapes]]


def _names(root: Path, paths: Sequence[Path]) -> dict[str, Path]:
    """Paths by the shortest name that no other path has: stem, folder and stem, folder and file name."""
    relative = {path: path.relative_to(root) for path in paths}
    candidates = [
        {path: path.stem for path in paths},
        {path: relative[path].with_suffix("").as_posix() for path in paths},
        {path: relative[path].as_posix() for path in paths},
    ]
    uses = [Counter(names.values()) for names in candidates]
    return {
        next(names[path] for names, used in zip(candidates, uses, strict=True) if used[names[path]] == 1): path
        for path in paths
    }


def _shape(name: str, path: Path, catalog: Mapping[Path, Mapping[str, str]]) -> CorpusShape:
    entry = catalog.get(path.resolve(), {})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:HASH_DIGITS]
    source = ": ".join(text for text in (entry.get("repo", ""), entry.get("path", "")) if text)
    if path.parent == EXAMPLES:
        source, licence, licence_class = "generated by this repository's examples", "Apache-2.0", "permissive"
    else:
        licence, licence_class = entry.get("licence", ""), entry.get("licence_class", "")
    category, is_watertight = entry.get("category", ""), entry.get("watertight", "") == "1"
    return CorpusShape(name, path, digest, source, licence, licence_class, category, is_watertight)


def _catalog(folder: Path) -> dict[Path, dict[str, str]]:
    """Rows of the nearest catalogue, in the folder or above it, by resolved path; empty if there is none."""
    for place in (folder, *folder.parents):
        file = place / CATALOG
        if file.is_file():
            with open(file, newline="", encoding="utf-8") as text:
                rows = [row for row in csv.DictReader(text) if row.get("file")]
            return {(place / row["file"]).resolve(): row for row in rows}
    return {}
