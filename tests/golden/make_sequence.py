"""Write the golden file of sequences anew: a file, its symbols, and where a known surface is carried.

    python tests/golden/make_sequence.py

The file of a released version is never made anew. The base shape is that of the golden `sphere`; the motion is made by
hand, so that every rule is used: nodes that are joined to none, to one and to many, frames predicted from the base
shape, from the last frame and from an older one, and a stretch beyond what is followed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import golden_files
import shapes
from sdfz.codec.occupancy import sorted_cells
from sdfz.codec.sequence.nodes import candidates_of, order_of
from sdfz.codec.sequence.stream import pack_motion
from sdfz.codec.sequence.surface import MovingSurface
from sdfz.codec.sequence.symbols import MotionSymbols
from sdfz.formats import pack, unpack

FOLDER = golden_files.FOLDER / "sequence"


class KnownSurface:
    """A sphere and a small one inside it, which no node is near."""

    def mesh(self, resolution: int, progress: object = None, *, uniform: bool = False) -> shapes.Mesh:
        vertices, faces = shapes.sphere(0.6, 2)
        inner, inner_faces = shapes.sphere(0.1, 1)
        return np.concatenate([vertices, inner]), np.concatenate([faces, inner_faces + len(vertices)])


def made_by_hand() -> MotionSymbols:
    rng = np.random.default_rng(11)
    directions = rng.normal(size=(24, 3))
    points = 0.6 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    cells = sorted_cells(np.floor((points + 2) * 16).astype(np.int64), 6)
    candidates = candidates_of(cells[order_of(cells)], 5)
    joined = (candidates >= 0) & (rng.random(candidates.shape) < 0.8)
    joined[5], joined[6, 1:] = False, False
    back = np.array([1, 1, 3, 2, 4], np.int32)
    residuals = rng.integers(-3, 4, (5, len(cells), 3)).astype(np.int32)
    residuals[1, 0] = 60, -2000, 40_000
    residuals[4] = 0
    return MotionSymbols(6, cells, joined, 152, back, residuals)


def main() -> None:
    symbols = made_by_hand()
    base = unpack(golden_files.stored_bytes("sphere"))
    FOLDER.mkdir(exist_ok=True)
    data = pack(base.header, base.sections, base.metadata, motion=pack_motion(symbols))
    (FOLDER / "moving.sdfz").write_bytes(data)
    moving = MovingSurface(KnownSurface(), symbols)
    carried = np.stack([moving.mesh(t, 16)[0] for t in range(moving.n_frames)])
    np.savez_compressed(
        FOLDER / "moving.npz", positions=moving.motion.positions, carried=carried, cells=symbols.cells,
        joined=symbols.joined, back=symbols.back, residuals=symbols.residuals,
    )  # fmt: skip


if __name__ == "__main__":
    main()
