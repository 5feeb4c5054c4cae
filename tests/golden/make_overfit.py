"""Write the golden and malformed files of the `overfit` method anew.

    python tests/golden/make_overfit.py

The files of a released version are never made anew. `torus` is fitted, with little effort; the weights of `everything`
are random, for a network that has all there is; `paper` has the layers of the papers.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import golden_overfit
import shapes
from sdfz.codec.overfit.architecture import PAPER, Architecture
from sdfz.codec.overfit.encode import OverfitSettings, encode_overfit, prepare
from sdfz.codec.overfit.model import field_of
from sdfz.codec.overfit.stream import PAYLOAD, pack_symbols
from sdfz.codec.overfit.symbols import OverfitSymbols
from sdfz.codec.target import Target
from sdfz.formats import Frame, Header, MeasuredErrors, Section, pack

ROOT = np.zeros((1, 3), np.int32)
HEADER = Header(method=4, frame=Frame(0x3F80, (1, -2, 3)), errors=MeasuredErrors(0.001, 0.002, 0.01), diagonal=3.0)


def main() -> None:
    for folder in (golden_overfit.FOLDER, golden_overfit.MALFORMED):
        folder.mkdir(exist_ok=True)
    for name, symbols in golden().items():
        rng = np.random.default_rng(1)
        cells = symbols.cells[rng.integers(0, len(symbols.cells), 200)]
        points = ((cells + rng.random((200, 3))) * 2 / (1 << symbols.depth) - 1).astype(np.float32)
        data = pack(HEADER, pack_symbols(symbols))
        golden_overfit.save(name, data, symbols, points, field_of(symbols).distance(points))
        print(f"{name}: {len(data)} bytes")
    for path in golden_overfit.MALFORMED.glob("*.sdfz"):
        path.unlink()
    for name, data in malformed().items():
        (golden_overfit.MALFORMED / f"{name}.sdfz").write_bytes(data)


def golden() -> dict[str, OverfitSymbols]:
    ring = prepare(Target(*shapes.torus()), 3)
    rng = np.random.default_rng(0)
    all_there_is = Architecture(7, 4, "sine", 3, biases=True, skip=True, bounded=True)
    return {
        "torus": encode_overfit(ring, OverfitSettings(200, 400)),
        "everything": random_symbols(all_there_is, rng, ring.cells, 3, 128),
        "paper": random_symbols(PAPER, rng, ROOT, 0, 0),
    }


def random_symbols(
    architecture: Architecture, rng: np.random.Generator, cells: np.ndarray, depth: int, crumbs: int
) -> OverfitSymbols:
    weights = tuple(np.round(rng.laplace(0, 2, shape)).astype(np.int32) for shape in architecture.shapes)
    codes = tuple(int(code) for code in rng.integers(56, 64, len(weights)))
    return OverfitSymbols(architecture, codes, weights, depth, cells, crumbs)


def malformed() -> dict[str, bytes]:
    """Files with one defect each, which give them their names; all checksums are right unless they are the defect."""
    payload = pack_symbols(golden()["torus"])[0].data
    values, start = PAYLOAD.unpack(payload)
    rest = payload[start:]

    def file(*payloads: bytes) -> bytes:
        return pack(HEADER, [Section(i, data) for i, data in enumerate(payloads, 1)])

    def headed(**changes: int) -> bytes:
        return file(PAYLOAD.pack({**values, **changes}) + rest)

    return {
        "empty-payload": file(b""),
        "section-too-many": file(payload, b"more"),
        "nine-octaves": headed(form=16 + 9),
        "skip-without-a-middle": headed(hidden=1, form=16 + 64),
        "too-many-weights": headed(width=1000, hidden=30),
        "hidden-33": file(payload[:1] + bytes([33]) + payload[2:]),
        "cells-of-the-whole-cube": headed(depth=0),
        "cells-beyond-the-end": headed(cells_size=5000),
        "shallower-cells": headed(depth=2),
        "no-weights": file(payload[: start + values["cells_size"]]),
        "byte-after-the-weights": file(payload + b"\1"),
        "zero-after-the-weights": file(payload + b"\0"),
        "wider": headed(width=values["width"] + 1),
        "flipped-bit": file(payload)[:-20] + bytes([file(payload)[-20] ^ 4]) + file(payload)[-19:],
    }


if __name__ == "__main__":
    main()
