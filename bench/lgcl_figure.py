"""Pictures of what LGCL and its baselines make of a test frame, as in LGCL's Fig. 3 and 4.

    python -m sdfz.bench.lgcl_sequences SEQUENCE.npz -o TABLE --meshes FOLDER
    python -m sdfz.bench.lgcl_figure SEQUENCE.npz FOLDER -o bench/results/lgcl-figure-4-0.6.0.png --method LGCL-VC

A column is a method: its surface, and the distances of its vertices from the frame as colours. The y axis is up, as in
the sequences of the tables.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from ..formats.files import write_atomic
from ..formats.mesh_io import read_mesh
from .corpus import load_sequence
from .lgcl_sequences import EVERY, split
from .peers.contract import Mesh
from .report.draw import HIGHEST_ERROR, LOWEST_ERROR, Drawing, Painter
from .report.pictures import errors_at_vertices
from .report.views import View, camera_of

_HEIGHT, _DPI = 1.9, 100  # of a tile, inches
_ELEVATION = 10.0  # degrees


def columns(
    painter: Painter, frame: Mesh, found: Sequence[tuple[str, Mesh]], azimuth: float
) -> list[tuple[str, list[bytes]]]:
    """Name and pictures of each column, the frame's own first, all from one camera.

    Raises
    ------
    CannotDraw
        There is no renderer here.
    """
    camera = camera_of(frame.vertices, View(1, azimuth, _ELEVATION))
    made = [("frame", [painter.draw(Drawing(frame, camera))])]
    for name, mesh in found:
        plain = Drawing(mesh, camera)
        made.append((name, [painter.draw(plain), painter.draw(replace(plain, errors=errors_at_vertices(frame, mesh)))]))
    return made


def sheet(pictures: Sequence[tuple[str, list[bytes]]]) -> bytes:
    """The columns side by side, as a PNG, without the margins that all of them have."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from PIL import Image

    rows = {name: [Image.open(io.BytesIO(tile)).convert("RGBA") for tile in tiles] for name, tiles in pictures}
    boxes = np.array([image.getchannel("A").getbbox() for images in rows.values() for image in images])
    box = (*boxes[:, :2].min(0).tolist(), *boxes[:, 2:].max(0).tolist())
    width = _HEIGHT * (box[2] - box[0]) / (box[3] - box[1])
    size = (width * len(pictures), 2 * _HEIGHT + 0.2)
    figure, panels = pyplot.subplots(2, len(pictures), figsize=size, squeeze=False)
    for panel in panels.flat:
        panel.axis("off")
    for (name, images), column in zip(rows.items(), panels.T, strict=True):
        column[0].set_title(name.replace(" ", "\n", 1), fontsize=7)
        for image, panel in zip(images, column, strict=False):
            panel.imshow(image.crop(box))
    limits = f"distance from\nthe frame,\n{LOWEST_ERROR:g} (bright)\nto {HIGHEST_ERROR:g} (dark)\nof its diagonal"
    panels[1, 0].text(0.5, 0.5, limits, ha="center", va="center", fontsize=6, transform=panels[1, 0].transAxes)
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.92, 0.02, 0.02)
    file = io.BytesIO()
    figure.savefig(file, dpi=_DPI)
    pyplot.close(figure)
    return _of_few_colours(file.getvalue())


def _of_few_colours(png: bytes) -> bytes:
    """A smaller PNG that looks alike."""
    from PIL import Image

    file, image = io.BytesIO(), Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(192).save(file, "PNG", optimize=True)
    return file.getvalue()


@click.command()
@click.argument("sequence", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("meshes", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The picture.")
@click.option("--method", "methods", multiple=True, required=True, help="A column; may be given several times.")
@click.option("--azimuth", default=120.0, show_default=True, help="Of the camera around the y axis, degrees.")
@click.option("--every", default=EVERY, show_default=True, help="One of so many frames was taken.")
def main(sequence: Path, meshes: Path, out: Path, methods: tuple[str, ...], azimuth: float, every: int) -> None:
    """Draw the first test frame and the meshes of methods."""
    vertices, faces = load_sequence(sequence)
    number = split(len(vertices), every)[1][0]
    found = [(name, _read(meshes / f"{sequence.stem} {name}.ply")) for name in methods]
    with Painter() as painter:
        pictures = columns(painter, Mesh(vertices[number].astype(np.float64), faces), found, azimuth)
    write_atomic(out, sheet(pictures))


def _read(path: Path) -> Mesh:
    read: Any = read_mesh(path)
    return Mesh(read.vertices, read.faces)


if __name__ == "__main__":
    main()
