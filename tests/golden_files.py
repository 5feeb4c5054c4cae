"""The golden files: .sdfz bytes, the symbols they hold, and what a decoder must make of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sdfz.codec.grid.stream import pack_symbols
from sdfz.codec.grid.symbols import METHOD_ID, GridSymbols
from sdfz.formats import Frame, Header, MeasuredErrors, Metadata, ModelPack, pack, write_model
from sdfz.formats.container import Section
from strategies import PRIORS_FILE, TABLES_FILE

FOLDER = Path(__file__).parent / "golden" / "v1"
MIXED = FOLDER / "mixed"
MALFORMED = Path(__file__).parent / "malformed"
SPEC = Path(__file__).parents[1] / "formats" / "SPEC.md"
RESOLUTION = 48  # of the meshes whose area and volume are stored
TABLE_NAMES = (
    "occupancy_weights", "latent_weights", "bits", "latents", "latent_escapes", "weights", "weight_escapes"
)  # fmt: skip
PRIOR_NAMES = ("gaps", "odds", "counts", "weights")


@dataclass(frozen=True, eq=False)
class Golden:
    """A golden file as its parts.

    Attributes
    ----------
    symbols : GridSymbols
    n_base_levels : int
        Levels of latents in the base section.
    header : Header
    metadata : Metadata
    points : (N, 3) float32
        In occupied cells, normalized units.
    distances : (N,) float32
        The field there.
    area, volume : float
        Of the mesh at `RESOLUTION`, input units.
    """

    symbols: GridSymbols
    n_base_levels: int
    header: Header
    metadata: Metadata
    points: NDArray[np.float32]
    distances: NDArray[np.float32]
    area: float
    volume: float

    def sections(self) -> list[Section]:
        return pack_symbols(self.symbols, self.n_base_levels)

    def data(self) -> bytes:
        """Bytes of the file, packed anew."""
        return pack(self.header, self.sections(), self.metadata)


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.npz"))


def stored_bytes(name: str) -> bytes:
    """The symbols as mixed decisions."""
    return (MIXED / f"{name}.sdfz").read_bytes()


def tabled_bytes(name: str) -> bytes:
    """The symbols by tables, as up to version 0.4.0: never made anew."""
    return (FOLDER / f"{name}.sdfz").read_bytes()


def save(name: str, golden: Golden) -> None:
    """Write NAME.npz and mixed/NAME.sdfz."""
    arrays: dict[str, object] = {}
    for field in fields(GridSymbols):
        value = getattr(golden.symbols, field.name)
        if field.name in ("weights", "latents"):
            arrays |= {f"{field.name}{i}": array for i, array in enumerate(value)}
        else:
            arrays[field.name] = value
    header = golden.header
    facts = {
        "n_base_levels": golden.n_base_levels,
        "scale_code": header.frame.scale_code,
        "centre_steps": header.frame.centre_steps,
        "errors": [header.errors.cd, header.errors.rms, header.errors.hd],
        "diagonal": header.diagonal,
        "metadata": asdict(golden.metadata),
        "area": golden.area,
        "volume": golden.volume,
    }
    arrays |= {"points": golden.points, "distances": golden.distances, "facts": json.dumps(facts)}
    np.savez_compressed(FOLDER / f"{name}.npz", **arrays)  # type: ignore[arg-type]
    MIXED.mkdir(exist_ok=True)
    (MIXED / f"{name}.sdfz").write_bytes(golden.data())


def load(name: str) -> Golden:
    """The parts of NAME.npz."""
    with np.load(FOLDER / f"{name}.npz") as arrays:
        facts = json.loads(str(arrays["facts"]))
        frame = Frame(facts["scale_code"], tuple(facts["centre_steps"]))
        errors = MeasuredErrors(*facts["errors"])
        return Golden(
            GridSymbols(
                depth=int(arrays["depth"]),
                cells=arrays["cells"],
                gain_codes=tuple(arrays["gain_codes"].tolist()),
                network=int(arrays["network"]),
                weights=_numbered(arrays, "weights"),
                latents=_numbered(arrays, "latents"),
                trimmed=arrays["trimmed"],
                parts=arrays["parts"],
            ),
            facts["n_base_levels"],
            Header(method=METHOD_ID, frame=frame, errors=errors, diagonal=facts["diagonal"]),
            Metadata(**facts["metadata"]),
            arrays["points"],
            arrays["distances"],
            facts["area"],
            facts["volume"],
        )


def assert_same(found: GridSymbols, expected: GridSymbols) -> None:
    """That symbols are the same, field by field."""
    for field in fields(GridSymbols):
        a, b = getattr(found, field.name), getattr(expected, field.name)
        if isinstance(b, tuple):
            assert len(a) == len(b), field.name
            assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True)), field.name
        else:
            assert np.array_equal(a, b), field.name


def _numbered(arrays: np.lib.npyio.NpzFile, name: str) -> tuple[NDArray[np.int32], ...]:
    return tuple(arrays[key] for key in sorted(key for key in arrays if key.startswith(name)))


def digests() -> list[str]:
    """SHA-256 of the numbers of tables.npz and of priors.npz, as SPEC.md defines them."""
    return [_digest(TABLES_FILE, TABLE_NAMES), _digest(PRIORS_FILE, PRIOR_NAMES)]


def _digest(path: Path, names: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    with np.load(path) as arrays:
        for name in names:
            digest.update(arrays[name].astype("<i4").tobytes())
    return digest.hexdigest()


def write_with_pack(folder: Path, name: str, method: int, model: ModelPack, sections: list[Section]) -> Header:
    """Write NAME.sdfm and NAME.sdfz, symbols made by hand and the pack that they need; the file's header."""
    frame = Frame.enclosing([1.0, 2.0, 3.0], [5.0, 5.0, 6.0])
    errors = MeasuredErrors(cd=0.001, rms=0.002, hd=0.01)
    header = Header(method=method, frame=frame, errors=errors, diagonal=2.0, pack_hash=model.short)
    folder.mkdir(exist_ok=True)
    write_model(folder / f"{name}.sdfm", model)
    (folder / f"{name}.sdfz").write_bytes(pack(header, sections))
    return header
