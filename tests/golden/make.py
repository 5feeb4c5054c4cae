"""Write the golden and malformed files of format version 1 anew; nothing else does.

    python tests/golden/make.py          bytes, distances and digests from the stored symbols: after a change of the
                                         format's bytes or priors, before their release
    python tests/golden/make.py --fit    the symbols too, from analytic shapes

The files beside the symbols are of version 0.4.0, coded by tables; nothing writes them any more.

It also puts the digests of tables and priors into SPEC.md. Look at the diff before committing it, together with the
change of SPEC.md and code that caused it. The files of a released version are never made anew: a new version gets a new
folder.
"""

from __future__ import annotations

import itertools
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import golden_files
import shapes
from golden_files import MALFORMED, SPEC, Golden
from sdfz.codec.decode import decode_bytes
from sdfz.codec.distortion import measure
from sdfz.codec.entropy import SymbolEncoder
from sdfz.codec.gains import MAX_GAIN_CODE
from sdfz.codec.grid.encode import GridSettings, encode_grid
from sdfz.codec.grid.lattice import pyramid
from sdfz.codec.grid.model import GridField
from sdfz.codec.grid.stream import unpack_symbols
from sdfz.codec.grid.symbols import METHOD_ID, GridSymbols, network_shapes
from sdfz.codec.grid.tables import grid_tables
from sdfz.codec.occupancy import NO_FIELD, OCTANTS, encode_children, sorted_cells
from sdfz.codec.target import Target
from sdfz.formats import FormatError, Frame, Header, MeasuredErrors, Metadata, Section, pack, unpack

NOTHING = np.zeros(0, np.float32)
ANY_ERRORS = MeasuredErrors(0.001, 0.002, 0.01)


def main() -> None:
    if "--fit" in sys.argv[1:]:
        fit_all()
    for name in golden_files.names():
        golden_files.save(name, with_answers(golden_files.load(name)))
        print(f"{name}: {len(golden_files.stored_bytes(name))} bytes")
    write_malformed()
    spec = SPEC.read_text("utf-8")
    digests = iter(golden_files.digests())
    SPEC.write_text(re.sub(r"(?m)^    [0-9a-f]{64}$", lambda _: f"    {next(digests)}", spec), "utf-8")


# -- golden files -----------------------------------------------------------------------------------------------------


def fit_all() -> None:
    """Symbols of the golden files."""
    ball, far = shapes.sphere(subdivisions=3), (1e6, -2e6, 0.5)
    golden_files.save("sphere", fitted(ball, n_cells=200, n_base_levels=0))
    golden_files.save("torus", fitted((shapes.torus()[0] + far, shapes.torus()[1]), n_cells=600, n_base_levels=2))
    golden_files.save("patch", fitted(shapes.height_field(24), n_cells=300, n_base_levels=-1))
    golden_files.save("smallest", smallest())
    golden_files.save("everything", everything())


def fitted(mesh: shapes.Mesh, n_cells: int, n_base_levels: int) -> Golden:
    """A shape fitted at a tiny size; levels of the base section counted from the end if negative or 0."""
    target = Target(*mesh)
    frame, symbols = encode_grid(target, GridSettings(n_cells=n_cells, n_iterations=600))
    if n_base_levels <= 0:
        n_base_levels += symbols.n_levels
    header = Header(method=METHOD_ID, frame=frame, errors=ANY_ERRORS, diagonal=target.diagonal / frame.scale)
    golden = Golden(symbols, n_base_levels, header, Metadata(), NOTHING, NOTHING, 0.0, 0.0)
    decoded = decode_bytes(golden.data()).triangles(128)
    found = measure(mesh, decoded, n_samples=30_000)
    errors = MeasuredErrors(found.cd, found.rms, found.hd)
    print(f"fitted {len(symbols.cells)} cells, {len(symbols.trimmed)} trimmed: {errors}")
    return replace(golden, header=replace(header, errors=errors))


def smallest() -> Golden:
    """A single cell without a network: the sign changes halfway along z."""
    latents = (np.array([-1, 1] * 4, np.int32),)
    symbols = GridSymbols(1, np.array([[1, 0, 1]], np.int32), (16,), 0, (), latents)
    header = Header(method=METHOD_ID, frame=Frame(0x3F80, (0, 0, 0)), errors=ANY_ERRORS, diagonal=3.0)
    return Golden(symbols, 1, header, Metadata(), NOTHING, NOTHING, 0.0, 0.0)


def everything() -> Golden:
    """Made by hand so that every branch of the format is in it; the shape means nothing."""
    rng = np.random.default_rng(1)
    depth, n_levels = 5, 4
    cells = sorted_cells(rng.integers(0, 1 << depth, (24, 3)), depth)
    spreads = (40.0, 4.0, 0.7, 0.4)
    latents = [np.rint(rng.laplace(size=len(level.nodes)) * spread).astype(np.int32)
               for level, spread in zip(pyramid(cells, depth, n_levels), spreads, strict=True)]  # fmt: skip
    # the largest symbol, and one for each length of an escape; the finest level has the finest step
    latents[0][0] = -(15 + (1 << 24) - 1)
    latents[3][:24] = 15 + 2 ** np.arange(24)
    weights = tuple(np.rint(rng.laplace(size=shape) * 9).astype(np.int32) for shape in network_shapes(1, n_levels))
    trimmed = cells[::3]
    parts = (2 * trimmed[:, None] + OCTANTS)[rng.random((len(trimmed), 8)) < 0.5]
    symbols = GridSymbols(
        depth, cells, (60, 0, 45, MAX_GAIN_CODE), 1, weights, tuple(latents), trimmed, sorted_cells(parts, depth + 1)
    )
    header = Header(
        method=METHOD_ID,
        frame=Frame(0x0081, (-1, 2**40, 77)),
        errors=MeasuredErrors(0.0, 0.5, 60000.0),
        diagonal=65535 / 16384,
    )
    metadata = Metadata("größte Vase, α.ply", "mm", 0, 2**40)
    return Golden(symbols, 2, header, metadata, NOTHING, NOTHING, 0.0, 0.0)


def with_answers(golden: Golden) -> Golden:
    """The golden file with what the decoder here makes of it."""
    rng = np.random.default_rng(2)
    cells = golden.symbols.cells[rng.integers(0, len(golden.symbols.cells), 60)]
    points = ((cells + rng.random((60, 3))) * (2 / (1 << golden.symbols.depth)) - 1).astype(np.float32)
    mesh = decode_bytes(golden.data(), device="cpu").mesh(golden_files.RESOLUTION)
    return replace(
        golden,
        points=points,
        distances=GridField(golden.symbols).distance(points),
        area=float(mesh.area),
        volume=float(mesh.volume),
    )


# -- malformed files --------------------------------------------------------------------------------------------------


def write_malformed() -> None:
    """Files with one defect each, which give them their names; all checksums are right unless they are the defect."""
    for path in MALFORMED.glob("*.sdfz"):
        path.unlink()
    for name, data in malformed().items():
        (MALFORMED / f"{name}.sdfz").write_bytes(data)


def malformed() -> dict[str, bytes]:
    golden = golden_files.load("torus")
    header, sections, whole = golden.header, golden.sections(), golden.data()
    base = sections[0].data

    def file(*payloads: bytes, **changes: object) -> bytes:
        return pack(replace(header, **changes), [Section(i, data) for i, data in enumerate(payloads, 1)])  # type: ignore[arg-type]

    def coded(shape: int, split: int, gain_code: int = 40) -> bytes:
        coder = SymbolEncoder()
        coder.put_bits(np.array([gain_code]), 8)
        return bytes([shape, split]) + coder.finish()

    rest = [section.data for section in sections[1:]]
    tabled = [section.data for section in unpack(golden_files.tabled_bytes("torus")).sections]
    return {
        "empty": b"",
        "text": b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
        "cut-in-detail": whole[:-20],
        "byte-after-the-end": whole + b"\0",
        "flipped-bit": whole[:-30] + bytes([whole[-30] ^ 4]) + whole[-29:],
        "method-200": file(base, *rest, method=200),
        "model-pack": file(base, *rest, pack_hash=bytes(range(8))),
        "empty-base": file(b""),
        "depth-9": file(b"\x19\x01" + base[2:]),
        "no-levels": file(b"\x05\x01" + base[2:]),
        "more-levels-than-depth": file(b"\x32\x01" + base[2:]),
        "more-base-levels-than-levels": file(b"\x22\x03" + base[2:]),
        "network-code-2": file(b"\x22\x22" + base[2:]),
        "network-code-3": file(b"\x22\x32" + base[2:]),
        "gain-code-160": file(coded(0x11, 0x01, 160)),
        "no-cell": file(coded(0x11, 0x01)),
        "childless-cell": file(childless()),
        "no-trimmed-cell": file(untrimmed()),
        "section-too-many": file(base, *rest, b"more"),
        "coded-data-goes-on": file(base + b"hidden message", *rest),
        "detail-goes-on": file(base, *rest[:-1], rest[-1] + b"hidden message"),
        "zero-byte-at-the-end": file(base + b"\0", *rest),
        "mixed-gain-code-negative": file(mixed(0x91, 0x01, ", or negative")),
        "mixed-childless-cell": file(mixed(0x92, 0x01, "cell of level 1 has no child")),
        "mixed-no-cell": file(mixed(0x91, 0x01, "cell of level 0 has no child")),
        "mixed-no-trimmed-cell": file(mixed(0x91, 0x81, "cells are trimmed, but none is")),
        "mixed-end": file(mixed(0x91, 0x01, "does not end as it must")),
        "tabled-data-goes-on": file(tabled[0] + b"hidden message", *tabled[1:]),
        "tabled-detail-goes-on": file(*tabled[:-1], tabled[-1] + b"hidden message"),
        "tabled-zero-byte-at-the-end": file(tabled[0] + b"\0", *tabled[1:]),
        "range-coder-state": file(b"\x11\x01" + b"\xff" * 16),
    }


def childless() -> bytes:
    """Of two occupied cells of level 1 only one has a child."""
    tables, coder = grid_tables(), SymbolEncoder()
    coder.put_bits(np.array([40]), 8)
    coder.put_bits(np.array([8]), 4)
    root, two, child = (np.array(cells, np.int32) for cells in ([[0, 0, 0]], [[0, 0, 0], [1, 1, 1]], [[0, 0, 0]]))
    for depth, parents, children in ((1, root, two), (2, two, child)):
        nothing = np.full((8, len(parents)), NO_FIELD)
        encode_children(coder, parents, children, depth, nothing, tables.occupancy, tables.bits)
    return b"\x12\x01" + coder.finish()


def untrimmed() -> bytes:
    """The flag for trimmed cells, and then none."""
    (base,) = unpack(golden_files.tabled_bytes("smallest")).sections
    return base.data[:1] + bytes([base.data[1] | 128]) + base.data[2:]


def mixed(shape: int, split: int, message: str) -> bytes:
    """A payload of mixed decisions that is refused with a message: the first such coded bytes."""
    for number in itertools.count():
        data = bytes([shape, split]) + number.to_bytes(4, "little").rstrip(b"\0")
        try:
            unpack_symbols([Section(1, data)])
        except FormatError as error:
            if message in str(error):
                return data
    raise AssertionError


if __name__ == "__main__":
    main()
