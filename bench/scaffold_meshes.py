"""Control meshes to train the control mesh coder with: what bench/scaffold_network.py and scaffold_priors.py read.

    python -m sdfz.bench.scaffold_meshes SHAPE... -o MESHES

Of each shape, the encoder's own fits of three sizes, creases and rate-distortion quantization included, with the model
as it is; and the shape as it is after decimation, on a lattice of any fineness and on one as fine as what meshes are
quantized to where they are kept as they are. The model of method 3 was trained on 147 shapes of permissive licences
(of all kinds: objects, CAD, scans, organic, furniture, robots, characters, buildings), on a quarter of their coarser
meshes of 4,000 triangles, and without the fine ones that have more than one and a half times the triangles asked for,
since they have many parts. What is there already is left as it is, so that the command can be stopped and run again.
"""

from __future__ import annotations

import logging
import zlib
from io import BytesIO
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from ..codec.scaffold.control_fits import ControlFits
from ..codec.scaffold.decimate import decimate
from ..codec.scaffold.fit import FitSettings
from ..codec.scaffold.fit_target import FitTarget
from ..codec.scaffold.sheets import Sheets, manifold_sheets
from ..codec.scaffold.steps import UNITS_A_STEP
from ..codec.target import Target
from ..formats.errors import SdfzError
from ..formats.files import write_atomic
from ..formats.mesh_io import read_mesh

logger = logging.getLogger(__name__)

FITTED = ((60, 90, 130), (200, 300), (450, 650, 900))  # vertices: one size of each
DECIMATED = (4000, 1000, 250)  # triangles
# Of decimated meshes, by the mark in their names: octaves from half their size to the normal step.
FINENESS = {"p": (6.5, 10.5), "fine": (8.0, 10.6)}
MOST_KEPT = 0.7  # triangles of a mesh, over those of the shape
Arrays = dict[str, NDArray[np.generic] | int]


def fitted(fits: ControlFits, n_vertices: int) -> Arrays:
    """A control mesh as a file would have it."""
    found = fits.coded(n_vertices)
    mesh = found.encoded.mesh
    return {
        "faces": mesh.topology.faces,
        "positions": mesh.positions,
        "tangential_step": found.steps.tangential_units,
        "sharpness": mesh.sharpness,
        "pinned": mesh.pinned,
    }


def decimated(sheets: Sheets, n_faces: int, octaves: float) -> Arrays:
    """The shape's own triangles, fewer of them."""
    vertices, faces = decimate(sheets.vertices, sheets.faces, n_faces)
    unit = np.ptp(vertices, axis=0).max() / 2
    return {"faces": faces, "positions": vertices / unit * UNITS_A_STEP * 2**octaves, "tangential_step": UNITS_A_STEP}


def write_meshes(shape: Path, folder: Path) -> list[Path]:
    """Make the meshes of a shape that are not there yet; their files."""
    mesh = read_mesh(shape)
    target = Target(mesh.vertices, mesh.faces)
    sheets = manifold_sheets(target.vertices, target.faces)
    fits = ControlFits(FitTarget(sheets.vertices, sheets.faces), FitSettings(n_rounds=8, n_trial_rounds=4), n_rounds=3)
    rng, most, written = np.random.default_rng(zlib.crc32(shape.stem.encode())), MOST_KEPT * len(sheets.faces), []
    for sizes in FITTED:
        n_vertices = int(rng.choice(sizes))
        path = folder / f"{shape.stem}.{n_vertices}.npz"
        if 2 * n_vertices <= most and not path.exists():
            _write(path, fitted(fits, n_vertices))
            written.append(path)
    for n_faces in DECIMATED:
        for name, fineness in FINENESS.items():
            octaves = rng.uniform(*fineness)
            path = folder / f"{shape.stem}.{name}{n_faces}.npz"
            if n_faces <= most and not path.exists():
                _write(path, decimated(sheets, n_faces, octaves))
                written.append(path)
    return written


def _write(path: Path, arrays: Arrays) -> None:
    file = BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    write_atomic(path, file.getvalue())


@click.command()
@click.argument("shapes", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("-o", "--out", "folder", type=click.Path(path_type=Path, file_okay=False), required=True)
def main(shapes: tuple[Path, ...], folder: Path) -> None:
    """Write control meshes of shapes into a folder."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folder.mkdir(parents=True, exist_ok=True)
    for shape in shapes:
        try:
            logger.info("%s: %d meshes", shape.stem, len(write_meshes(shape, folder)))
        except SdfzError as error:
            logger.warning("%s: %s", shape.stem, error)


if __name__ == "__main__":
    main()
