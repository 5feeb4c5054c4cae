"""Write the golden and malformed files of the `hashgrid` method of format version 1 anew; nothing else does.

    python tests/golden/make_hashgrid.py          bytes and distances from the stored symbols
    python tests/golden/make_hashgrid.py --fit    the symbols of files that are not there, too

Look at the diff before committing it. The files of a released version are never made anew.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import golden_hashgrid
import shapes
from golden_hashgrid import FOLDER, MALFORMED, Golden
from sdfz.codec.hashgrid.fit import FitSettings
from sdfz.codec.hashgrid.model import HashgridField
from sdfz.codec.hashgrid.stream import PAYLOAD, pack_symbols
from sdfz.codec.hashgrid.symbols import METHOD_ID, N_LOCAL, HashgridSymbols, grid_of, network_shapes
from sdfz.codec.hashgrid.touched import TouchedLevel
from sdfz.codec.hashgrid.trials import encode_hashgrid
from sdfz.codec.occupancy import OCTANTS, Cells, sorted_cells
from sdfz.codec.target import Target
from sdfz.formats import Frame, Header, MeasuredErrors, Section, pack

HEADER = Header(
    method=METHOD_ID,
    frame=Frame.enclosing([-1, -1, -1], [1, 1, 1], fill=1),
    errors=MeasuredErrors(0.001, 0.002, 0.01),
    diagonal=2.0,
)
NOTHING = np.zeros(0, np.float32)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    MALFORMED.mkdir(parents=True, exist_ok=True)
    if "--fit" in sys.argv[1:]:
        for name, symbols in made().items():
            if not (FOLDER / f"{name}.sdfz").exists():
                golden_hashgrid.save(name, Golden(symbols, NOTHING, NOTHING))
                (FOLDER / f"{name}.sdfz").touch()
    for name in golden_hashgrid.names():
        symbols = golden_hashgrid.load(name).symbols
        golden_hashgrid.save(name, with_answers(symbols))
        data = pack(HEADER, pack_symbols(symbols))
        (FOLDER / f"{name}.sdfz").write_bytes(data)
        print(f"{name}: {len(data)} bytes")
    for path in MALFORMED.glob("*.sdfz"):
        path.unlink()
    for name, data in malformed().items():
        (MALFORMED / f"{name}.sdfz").write_bytes(data)


def made() -> dict[str, HashgridSymbols]:
    """A torus and an open surface as the encoder codes them, all features by hand, and the least of a file.

    The first three are as of version 0.4.0, without positions in cells and trims.
    """
    rng = np.random.default_rng(7)
    fitted = encode_hashgrid(Target(*shapes.torus()), 250, FitSettings(n_iterations=300))[1]
    cells = sorted_cells(rng.integers(0, 32, (80, 3)), 5)
    all_features = by_hand(rng, cells, 5, (4, 9, 2, True), (64, 0), 40)
    trimmed = cells[::3]
    parts = sorted_cells((2 * trimmed[:, None] + OCTANTS[[0, 3, 6]]).reshape(-1, 3), 6)
    return {
        "torus": fitted,
        "everything": all_features,
        "smallest": by_hand(rng, np.zeros((1, 3), np.int32), 1, (1, 8), (16, 0), 0),
        "open": encode_hashgrid(Target(*shapes.height_field(30)), 120, FitSettings(n_iterations=300))[1],
        "everything-local": replace(
            by_hand(rng, cells, 5, (4, 9, 2, True), (32, N_LOCAL), 40), trimmed=trimmed, parts=parts
        ),
        "smallest-local": by_hand(rng, np.zeros((1, 3), np.int32), 1, (1, 8), (16, N_LOCAL), 0),
    }


def by_hand(
    rng: np.random.Generator, cells: Cells, depth: int, options: tuple[int, ...], widths: tuple[int, int], size: int
) -> HashgridSymbols:
    grid = grid_of(depth, *options)
    levels = [TouchedLevel(grid, level, cells, depth) for level in range(grid.n_levels)]
    return HashgridSymbols(
        depth,
        cells,
        grid,
        tuple(range(16, 16 + grid.n_levels)),
        tuple(rng.integers(-size, size + 1, shape) for shape in network_shapes(grid, *widths)),
        tuple(rng.integers(-size, size + 1, (len(level), grid.n_features)) // 8 for level in levels),
    )


def with_answers(symbols: HashgridSymbols) -> Golden:
    rng = np.random.default_rng(0)
    where = symbols.cells[rng.integers(0, len(symbols.cells), 100)] + rng.random((100, 3))
    points = (where * (2 / (1 << symbols.depth)) - 1).astype(np.float32)
    return Golden(symbols, points, HashgridField(symbols).distance(points))


def malformed() -> dict[str, bytes]:
    payload = pack_symbols(golden_hashgrid.load("torus").symbols)[0].data
    values, start = PAYLOAD.unpack(payload)
    octree, numbers = payload[start : start + values["octree_bytes"]], payload[start + values["octree_bytes"] :]

    def file(*payloads: bytes) -> bytes:
        return pack(HEADER, [Section(i, data) for i, data in enumerate(payloads, 1)])

    def headed(tail: bytes = octree + numbers, **changes: int) -> bytes:
        return file(PAYLOAD.pack({**values, **changes}) + tail)

    return {
        "empty-payload": file(b""),
        "section-too-many": file(payload, b"more"),
        "depth-9": headed(shape=0x49),
        "no-levels": headed(shape=values["shape"] & 15),
        "more-levels-than-depth": headed(shape=0x43),
        "width-code-3": headed(options=values["options"] | 0xC0),
        "octree-longer-than-the-payload": headed(octree_bytes=1 << 20),
        "octree-goes-on": headed(octree + b"\1" * 8 + numbers, octree_bytes=len(octree) + 8),
        "zero-at-the-end-of-the-octree": headed(octree + b"\0" + numbers, octree_bytes=len(octree) + 1),
        "gain-code-255": headed(octree + b"\0" * 40 + b"\1"),
        "numbers-go-on": headed(octree + numbers + b"hidden message"),
        "zero-at-the-end": headed(octree + numbers + b"\0"),
        "ones": headed(octree + b"\xff" * 40),
        "flipped-bit": file(payload)[:-20] + bytes([file(payload)[-20] ^ 4]) + file(payload)[-19:],
    }


if __name__ == "__main__":
    main()
