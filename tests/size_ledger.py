"""The size ledger: what some small shapes cost, in bytes, in a committed table.

    python tests/size_ledger.py             how the sizes here differ from the table
    python tests/size_ledger.py --update    write the table anew, and say how it changed

A change that moves a size has to update the table, so that the cost or the gain stands in the same commit and is looked
at. size_ledger.tsv has three kinds of rows:

golden
    The symbols of the golden files, coded anew: bytes of each section, and of the whole file with header and checksums.
    Integers decide them, so they are exact on every machine. They move with the format, its tables and the coder.
scaffold, overfit
    The same of the golden files of these methods.
fitted
    Three shapes encoded from their triangles, at effort 1 with fits of `N_STEPS` steps: bytes of the whole file and
    its error (CD, in 1e-4 of the diagonal), without which a size says nothing. They move with whatever the encoder
    decides. Fitting runs in floating point, whose last bits are the machine's, and steps make them grow. After these
    few, scaling the input by 1 + 1e-6, which changes all last bits, left every size as it was and moved CD by 1 %;
    after 300, sizes by 2.5 % and CD by 15 %. The range coder writes words of four bytes, half a percent of these
    files. Hence `BYTES_TOLERANCE` and `CD_TOLERANCE`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import golden_files
import golden_overfit
import golden_scaffold
import shapes
from encoded import light_encoder
from sdfz.codec.encode import EncodeSettings, encode_mesh
from sdfz.codec.overfit.stream import pack_symbols as pack_network
from sdfz.codec.scaffold.stream import pack_symbols, unpack_symbols
from sdfz.formats import pack, unpack
from sdfz.formats.files import write_atomic

LEDGER = Path(__file__).with_suffix(".tsv")
COLUMNS = ("kind", "shape", "section", "bytes", "cd_e4")
GOLDEN, SCAFFOLD, OVERFIT, FITTED = "golden", "scaffold", "overfit", "fitted"
FILE = "file"  # stands for the whole of it, where a section has its number
BYTES_TOLERANCE, CD_TOLERANCE = 0.03, 0.05  # of fitted files
N_STEPS, N_SAMPLES, QUALITY = 60, 1 << 15, 40.0

SHAPES = {
    "torus": lambda: shapes.torus(0.6, 0.25, 48, 24),
    "box": shapes.box,
    "hills": lambda: shapes.height_field(24),
}

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Entry:
    """A row of the ledger.

    Attributes
    ----------
    n_bytes : int
    cd_e4 : float or None
        Error of the whole file, in 1e-4 of the diagonal; of fitted files alone.
    """

    n_bytes: int
    cd_e4: float | None = None


Ledger = dict[Key, Entry]


def golden_entries(name: str) -> Ledger:
    """Sizes of a golden file's symbols as the coder here codes them."""
    golden = golden_files.load(name)
    sizes = {(GOLDEN, name, str(section.id)): Entry(len(section.data)) for section in golden.sections()}
    return sizes | {(GOLDEN, name, FILE): Entry(len(golden.data()))}


def scaffold_entries(name: str) -> Ledger:
    """Sizes of the symbols of a golden file of the scaffold method as the coder here codes them."""
    container = unpack(golden_scaffold.stored_bytes(name))
    (section,) = pack_symbols(unpack_symbols(container.sections))
    whole = pack(container.header, [section])
    return {(SCAFFOLD, name, str(section.id)): Entry(len(section.data)), (SCAFFOLD, name, FILE): Entry(len(whole))}


def overfit_entries(name: str) -> Ledger:
    """Sizes of the symbols of a golden file of the overfit method as the coder here codes them."""
    container = unpack(golden_overfit.stored_bytes(name))
    (section,) = pack_network(golden_overfit.load(name)[0])
    whole = pack(container.header, [section])
    return {(OVERFIT, name, str(section.id)): Entry(len(section.data)), (OVERFIT, name, FILE): Entry(len(whole))}


def fitted_entries(name: str) -> Ledger:
    """Size and error of a shape encoded here."""
    with light_encoder(N_STEPS, N_SAMPLES):
        settings = EncodeSettings(method="grid", quality=QUALITY, effort=1, device="cpu")
        encoded = encode_mesh(*SHAPES[name](), settings)
    return {(FITTED, name, FILE): Entry(len(encoded.data), round(1e4 * encoded.distortion.cd, 3))}


def measured() -> Ledger:
    """The whole ledger as it is here."""
    ledger: Ledger = {}
    for name in golden_files.names():
        ledger |= golden_entries(name)
    for name in golden_scaffold.names():
        ledger |= scaffold_entries(name)
    for name in golden_overfit.names():
        ledger |= overfit_entries(name)
    for name in SHAPES:
        ledger |= fitted_entries(name)
    return ledger


def read() -> Ledger:
    """The committed table."""
    head, *lines = LEDGER.read_text("utf-8").splitlines()
    if tuple(head.split("\t")) != COLUMNS:
        raise ValueError(f"{LEDGER.name}: columns are {head!r}")
    ledger: Ledger = {}
    for line in lines:
        kind, shape, section, n_bytes, cd_e4 = line.split("\t")
        ledger[kind, shape, section] = Entry(int(n_bytes), float(cd_e4) if cd_e4 else None)
    return ledger


def write(ledger: Ledger) -> None:
    rows = [COLUMNS]
    for key, entry in sorted(ledger.items()):
        rows.append((*key, str(entry.n_bytes), "" if entry.cd_e4 is None else f"{entry.cd_e4:.3f}"))
    write_atomic(LEDGER, "".join("\t".join(row) + "\n" for row in rows).encode())


def differences(found: Ledger, expected: Ledger, *, exactly: bool = False) -> list[str]:
    """A line for each row that is new, gone or different; of fitted files by more than the tolerance, or `exactly`."""
    lines = []
    for key in sorted(found.keys() | expected.keys()):
        here, there = found.get(key), expected.get(key)
        if here != there and (exactly or not _is_near(key[0], here, there)):
            lines.append(f"{' '.join(key)}: {_text(there)} -> {_text(here)}{_change(here, there)}")
    return lines


def _is_near(kind: str, here: Entry | None, there: Entry | None) -> bool:
    """Whether two entries of a fitted file agree within the tolerance."""
    if kind != FITTED or here is None or there is None or here.cd_e4 is None or there.cd_e4 is None:
        return False
    bytes_agree = abs(here.n_bytes - there.n_bytes) <= BYTES_TOLERANCE * there.n_bytes
    return bytes_agree and abs(here.cd_e4 - there.cd_e4) <= CD_TOLERANCE * there.cd_e4


def _text(entry: Entry | None) -> str:
    if entry is None:
        return "no row"
    return f"{entry.n_bytes} bytes" + ("" if entry.cd_e4 is None else f" at CD {entry.cd_e4:g}e-4")


def _change(here: Entry | None, there: Entry | None) -> str:
    if here is None or there is None:
        return ""
    return f" ({100 * (here.n_bytes / there.n_bytes - 1):+.1f} % bytes)"


def main() -> None:
    found, expected = measured(), read() if LEDGER.exists() else {}
    exactly = "--update" in sys.argv[1:]  # what is written is said, within the tolerance or not
    lines = differences(found, expected, exactly=exactly)
    print("\n".join(lines) or f"{LEDGER.name} holds")
    if exactly:
        write(found)


if __name__ == "__main__":
    main()
