"""The golden files of the `scaffold` method: .sdfz bytes, the symbols they hold, and the surface they stand for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import sdfz
from numpy.typing import NDArray
from sdfz.codec.scaffold.head import Head
from sdfz.codec.scaffold.stream import ScaffoldSymbols

FOLDER = Path(__file__).parent / "golden" / "v1" / "scaffold"
MALFORMED = Path(__file__).parent / "malformed" / "scaffold"
MODEL = Path(sdfz.__file__).parent / "codec" / "scaffold"
TABLES = {
    "priors.npz": ("gaps", "odds", "counts", "weights"),
    "network.npz": ("first", "second", "last", "gate_first", "gate_second", "gate_last"),
}


@dataclass(frozen=True, eq=False)
class Golden:
    """What a golden file holds.

    Attributes
    ----------
    head : Head
    positions : (V, 3) int64
    faces : (F, 3) int64
    sharpness : (E,) uint8
    pinned : (V,) bool
    vertices : (W, 3) float64
        Of the mesh that the file stands for, input units.
    """

    head: Head
    positions: NDArray[np.int64]
    faces: NDArray[np.int64]
    sharpness: NDArray[np.uint8]
    pinned: NDArray[np.bool_]
    vertices: NDArray[np.float64]


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.sdfz"))


def stored_bytes(name: str) -> bytes:
    return (FOLDER / f"{name}.sdfz").read_bytes()


def load(name: str) -> Golden:
    """The parts of NAME.npz."""
    with np.load(FOLDER / f"{name}.npz") as arrays:
        parts = {key: arrays[key] for key in ("positions", "faces", "sharpness", "pinned", "vertices")}
        return Golden(Head(**json.loads(str(arrays["head"]))), **parts)


def save(name: str, data: bytes, symbols: ScaffoldSymbols, vertices: NDArray[np.float64]) -> None:
    """Write NAME.sdfz and NAME.npz."""
    mesh = symbols.mesh
    np.savez_compressed(
        FOLDER / f"{name}.npz",
        head=json.dumps(asdict(symbols.head)),
        positions=mesh.positions,
        faces=mesh.topology.faces,
        sharpness=mesh.sharpness,
        pinned=mesh.pinned,
        vertices=vertices,
    )
    (FOLDER / f"{name}.sdfz").write_bytes(data)


def digest(file: str) -> str:
    """SHA-256 of the numbers of priors.npz or network.npz, as SPEC.md defines it."""
    found = hashlib.sha256()
    with np.load(MODEL / file) as arrays:
        for name in TABLES[file]:
            found.update(arrays[name].astype("<i4").tobytes())
    return found.hexdigest()
