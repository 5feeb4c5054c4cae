"""The golden file of the `lpdif` method: .sdfz bytes, the pack that they need, the symbols they hold, and distances."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sdfz.codec.lpdif.symbols import LpdifSymbols
from sdfz.formats import ModelPack, read_model

FOLDER = Path(__file__).parent / "golden" / "v1" / "lpdif"
MALFORMED = Path(__file__).parent / "malformed" / "lpdif"
NAMES = ("ring", "smallest")


def stored_bytes(name: str) -> bytes:
    return (FOLDER / f"{name}.sdfz").read_bytes()


def model() -> ModelPack:
    """The pack of all golden files."""
    return read_model(FOLDER / "golden.sdfm")


def save(name: str, data: bytes, symbols: LpdifSymbols, points: NDArray, distances: NDArray) -> None:
    """Write NAME.sdfz and NAME.npz."""
    arrays = {field.name: np.asarray(getattr(symbols, field.name)) for field in fields(LpdifSymbols)}
    np.savez_compressed(FOLDER / f"{name}.npz", **arrays, points=points, distances=distances)
    (FOLDER / f"{name}.sdfz").write_bytes(data)


def load(name: str) -> tuple[LpdifSymbols, NDArray, NDArray]:
    """Symbols, points in normalized units, and the field there."""
    with np.load(FOLDER / f"{name}.npz") as arrays:
        parts = {field.name: arrays[field.name] for field in fields(LpdifSymbols)}
        for key, kind in (("depth", int), ("border", int), ("planes", bool)):
            parts[key] = kind(parts[key])
        for key in ("n_codes", "step_codes"):
            parts[key] = tuple(parts[key].tolist())
        return LpdifSymbols(**parts), arrays["points"], arrays["distances"]
