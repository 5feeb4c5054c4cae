"""Write the golden and malformed files of the `lpdif` method of format version 1 anew; nothing else does.

    python tests/golden/make_lpdif.py

Networks and codes are made by hand, so that only the coder decides the bytes. The files of a released version are never
made anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import golden_lpdif
import shapes
from golden_lpdif import FOLDER, MALFORMED
from sdfz.codec.lpdif.model import LpdifField
from sdfz.codec.lpdif.network import NetworkShape
from sdfz.codec.lpdif.shared import LpdifDecoders, decoders_of_pack, pack_of_decoders
from sdfz.codec.lpdif.stream import PAYLOAD, pack_symbols
from sdfz.codec.lpdif.symbols import METHOD_ID, LpdifSymbols
from sdfz.codec.occupancy import cells_of_points
from sdfz.formats import Frame, Header, MeasuredErrors, ModelPack, Section, pack, write_model

SHAPES = (NetworkShape(4, 8, 3, plane=True), NetworkShape(5, 8, 5, again=2, plane=True))
N_PATTERNS = 2


def header(model: ModelPack) -> Header:
    return Header(
        method=METHOD_ID,
        frame=Frame(0x3F80, (0, 0, 0)),
        errors=MeasuredErrors(0.001, 0.002, 0.01),
        diagonal=3,
        pack_hash=model.short,
    )


def made_decoders(rng: np.random.Generator) -> LpdifDecoders:
    """Networks of numbers that half precision holds."""
    networks = [
        [(rng.integers(-40, 40, size) / 64).astype(np.float32) for size in SHAPES[min(k, 1)].layers()]
        for k in range(N_PATTERNS + 1)
    ]
    return LpdifDecoders(networks, (rng.integers(-8, 8, (N_PATTERNS, 4)) / 16).astype(np.float32))


def ring(rng: np.random.Generator) -> LpdifSymbols:
    """Regions of a torus, each network used, some regions trimmed."""
    vertices, _ = shapes.torus(0.6, 0.25, 96, 48)
    cells, finer = cells_of_points(vertices, 3), cells_of_points(vertices, 4)
    networks = rng.choice([0, 0, 1, 2], len(cells)).astype(np.int32)
    codes = np.rint(rng.normal(0, 4, (len(cells), 5))).astype(np.int32)
    codes[networks == 0, 4:] = 0
    codes[np.flatnonzero(networks)[[0, -1]], 4] = 400, -70_000
    trimmed = cells[rng.random(len(cells)) < 0.2]
    names = set(map(tuple, trimmed.tolist()))
    parts = finer[[tuple(cell) in names for cell in (finer >> 1).tolist()]]
    return LpdifSymbols(3, cells, 5, networks, (4, 5, 5), (24, 0, 127), codes, True, trimmed, parts)


def smallest() -> LpdifSymbols:
    return LpdifSymbols(
        1, np.zeros((1, 3), np.int32), 0, np.int32([1]), (4, 5, 5), (0, 0, 0), np.zeros((1, 5), np.int32)
    )


def main() -> None:
    """Everything anew."""
    rng = np.random.default_rng(11)
    model = pack_of_decoders(made_decoders(rng), {"log": "made by hand"})
    write_model(FOLDER / "golden.sdfm", model)
    for name, symbols in (("ring", ring(rng)), ("smallest", smallest())):
        data = pack(header(model), pack_symbols(symbols))
        cells = symbols.cells[rng.integers(0, len(symbols.cells), 300)]
        points = ((cells + rng.random((300, 3))) * (2 / (1 << symbols.depth)) - 1).astype(np.float32)
        distances = LpdifField(symbols, decoders_of_pack(model)).distance(points)
        golden_lpdif.save(name, data, symbols, points, distances)
        print(f"{name}: {len(data)} bytes, {len(symbols.cells)} regions")
    write_malformed(model)


def write_malformed(model: ModelPack) -> None:
    """Files with one defect each, which give them their names; all checksums are right unless they are the defect."""
    for path in MALFORMED.glob("*.sdfz"):
        path.unlink()
    symbols, _, _ = golden_lpdif.load("ring")
    (payload,) = (bytes(section.data) for section in pack_symbols(symbols))
    values, start = PAYLOAD.unpack(payload)
    octree, numbers = payload[start : start + values["octree"]], payload[start + values["octree"] :]

    def file(*payloads: bytes) -> bytes:
        return pack(header(model), [Section(i, data) for i, data in enumerate(payloads, 1)])

    def headed(rest: bytes, **changes: int) -> bytes:
        return file(_head({**values, **changes}) + rest)

    whole = file(payload)
    short = LpdifSymbols(1, np.zeros((1, 3), np.int32), 0, np.int32([1]), (3, 3), (0, 0), np.zeros((1, 3), np.int32))
    (no_planes,) = (bytes(section.data) for section in pack_symbols(short))
    files = {
        "empty-payload": file(b""),
        "section-too-many": file(payload, b"more"),
        "depth-0": headed(octree + numbers, depth=0),
        "depth-9": headed(octree + numbers, depth=9),
        "border-13": headed(octree + numbers, border=13),
        "codes-too-short-for-planes": file(no_planes[:3] + b"\1" + no_planes[4:]),
        "no-patterns": headed(octree + numbers, patterns=0),
        "planes-2": headed(octree + numbers, planes=2),
        "patterns-17": headed(octree + numbers, patterns=17),
        "octree-beyond-the-end": headed(octree + numbers, octree=len(octree + numbers) + 1),
        "octree-goes-on": headed(octree + b"\1" * 12 + numbers, octree=len(octree) + 12),
        "octree-ends-with-zero": headed(octree + b"\0" + numbers, octree=len(octree) + 1),
        "no-cell": headed(b"\1" + numbers, octree=1),
        "no-numbers": headed(octree),
        "numbers-go-on": headed(octree + numbers + b"\1" * 8),
        "zero-after-the-numbers": headed(octree + numbers + b"\0"),
        "flipped-bit": whole[:-20] + bytes([whole[-20] ^ 4]) + whole[-19:],
    }
    for name, data in files.items():
        (MALFORMED / f"{name}.sdfz").write_bytes(data)


def _head(values: dict[str, int]) -> bytes:
    """Of any values, also those that are not allowed."""
    fixed = bytes(values[name] for name in ("depth", "border", "patterns", "planes"))
    return fixed + PAYLOAD.pack({"depth": 1, "border": 0, "patterns": 1, "planes": 0, "octree": values["octree"]})[4:]


if __name__ == "__main__":
    main()
