"""What a collection looks like: originals, what a pack makes of them, and the scaffold at about the same error.

    python -m sdfz.bench.compact_pictures FOLDER -o SHEET.png --shapes MESHES [--quality 10]

FOLDER is one that `compact_collection` has made in its working folder: a pack and files. MESHES has the shapes by their
names. A column is a shape; under the originals are the files of the pack, and the scaffold's at that quality.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import click

from ..codec.decode import decode_bytes
from ..codec.encode import EncodeSettings, encode_mesh
from ..codec.packs.lookup import PackSearch
from ..formats.mesh_io import read_mesh
from .peers.contract import Mesh
from .report.draw import TILE, Drawing, Painter
from .report.views import camera_of, view_of


def column(name: str, mesh: Mesh, coded: Sequence[Mesh], painter: Painter) -> list[bytes]:
    """Pictures of a shape and of what it was coded as, all from one camera."""
    camera = camera_of(mesh.vertices, view_of(name, mesh.vertices))
    return [painter.draw(Drawing(each, camera)) for each in (mesh, *coded)]


def sheet(columns: Sequence[Sequence[bytes]], path: Path) -> None:
    """Columns of pictures side by side, as a PNG on white, at half size."""
    from PIL import Image

    side = TILE // 2
    page = Image.new("RGB", (side * len(columns), side * len(columns[0])), "white")
    for x, pictures in enumerate(columns):
        for y, picture in enumerate(pictures):
            tile = Image.open(io.BytesIO(picture)).convert("RGBA").resize((side, side))
            page.paste(tile, (side * x, side * y), tile)
    page.save(path, optimize=True)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="PNG.")
@click.option("--shapes", required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--quality", default=10.0, show_default=True, help="Of the scaffold's files.")
@click.option("--most", default=10, show_default=True, help="Shapes, the first by name.")
def main(folder: Path, out: Path, shapes: Path, quality: float, most: int) -> None:
    """Decode, draw and write the sheet."""
    packs, columns = PackSearch((folder / "pack.sdfm",)), []
    with Painter() as painter:
        for file in sorted(folder.glob("*.sdfz"))[:most]:
            found = read_mesh(shapes / f"{file.stem}.ply")
            alone = encode_mesh(found.vertices, found.faces, EncodeSettings("scaffold", quality=quality, effort=2)).data
            coded = [decode_bytes(data, packs=packs).triangles() for data in (file.read_bytes(), alone)]
            columns.append(column(file.stem, Mesh(found.vertices, found.faces), [Mesh(*m) for m in coded], painter))
    sheet(columns, out)


if __name__ == "__main__":
    main()
