"""The golden files of the `hashgrid` method: .sdfz bytes, the symbols they hold, and what their field says."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sdfz.codec.hashgrid.encoding import HashGrid
from sdfz.codec.hashgrid.symbols import HashgridSymbols
from sdfz.codec.trim import NO_CELLS

FOLDER = Path(__file__).parent / "golden" / "v1" / "hashgrid"
MALFORMED = Path(__file__).parent / "malformed" / "hashgrid"


@dataclass(frozen=True, eq=False)
class Golden:
    """What a golden file holds.

    Attributes
    ----------
    symbols : HashgridSymbols
    points : (N, 3) float32
        In occupied cells, normalized units.
    distances : (N,) float32
        The field there.
    """

    symbols: HashgridSymbols
    points: NDArray[np.float32]
    distances: NDArray[np.float32]


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.sdfz"))


def stored_bytes(name: str) -> bytes:
    return (FOLDER / f"{name}.sdfz").read_bytes()


def save(name: str, golden: Golden) -> None:
    """Write NAME.npz."""
    symbols = golden.symbols
    arrays = {f"weights{i}": array for i, array in enumerate(symbols.weights)}
    arrays |= {f"table{i}": array for i, array in enumerate(symbols.tables)}
    np.savez_compressed(
        FOLDER / f"{name}.npz",
        depth=symbols.depth,
        cells=symbols.cells,
        grid=np.array(astuple(symbols.grid), np.int64),
        gain_codes=symbols.gain_codes,
        points=golden.points,
        distances=golden.distances,
        trimmed=symbols.trimmed,
        parts=symbols.parts,
        **arrays,
    )


def load(name: str) -> Golden:
    with np.load(FOLDER / f"{name}.npz") as arrays:
        n_levels, base, log2_table, n_features, smooth = arrays["grid"].tolist()
        symbols = HashgridSymbols(
            depth=int(arrays["depth"]),
            cells=arrays["cells"],
            grid=HashGrid(n_levels, base, log2_table, n_features, bool(smooth)),
            gain_codes=tuple(arrays["gain_codes"].tolist()),
            weights=(arrays["weights0"], arrays["weights1"]),
            tables=tuple(arrays[f"table{i}"] for i in range(n_levels)),
            trimmed=arrays.get("trimmed", NO_CELLS),
            parts=arrays.get("parts", NO_CELLS),
        )
        return Golden(symbols, arrays["points"], arrays["distances"])
