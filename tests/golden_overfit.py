"""The golden files of the `overfit` method: .sdfz bytes, the symbols they hold, and distances."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sdfz.codec.overfit.architecture import Architecture
from sdfz.codec.overfit.symbols import OverfitSymbols

FOLDER = Path(__file__).parent / "golden" / "v1" / "overfit"
MALFORMED = Path(__file__).parent / "malformed" / "overfit"


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.sdfz"))


def stored_bytes(name: str) -> bytes:
    return (FOLDER / f"{name}.sdfz").read_bytes()


def load(name: str) -> tuple[OverfitSymbols, NDArray[np.float32], NDArray[np.float32]]:
    """Symbols of NAME.npz, points (N, 3) in their cells and the distances (N,) there, normalized units."""
    with np.load(FOLDER / f"{name}.npz") as arrays:
        facts = json.loads(str(arrays["facts"]))
        weights = tuple(arrays[f"weights{i}"] for i in range(len(facts["step_codes"])))
        symbols = OverfitSymbols(
            Architecture(**facts["architecture"]),
            tuple(facts["step_codes"]),
            weights,
            facts["depth"],
            arrays["cells"],
            facts["crumbs"],
        )
        return symbols, arrays["points"], arrays["distances"]


def save(
    name: str, data: bytes, symbols: OverfitSymbols, points: NDArray[np.float32], distances: NDArray[np.float32]
) -> None:
    """Write NAME.sdfz and NAME.npz."""
    facts = {
        "architecture": asdict(symbols.architecture),
        "step_codes": symbols.step_codes,
        "depth": symbols.depth,
        "crumbs": symbols.crumbs,
    }
    arrays = {f"weights{i}": weights for i, weights in enumerate(symbols.weights)}
    np.savez_compressed(
        FOLDER / f"{name}.npz",
        facts=np.array(json.dumps(facts)),
        cells=symbols.cells,
        points=points,
        distances=distances,
        **arrays,
    )
    (FOLDER / f"{name}.sdfz").write_bytes(data)
