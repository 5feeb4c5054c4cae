"""Golden and malformed files of the `hashgrid` method: `python tests/golden/make_hashgrid.py` makes them anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import damage
import golden_hashgrid
import numpy as np
import plain_decoder
import plain_hashgrid
import pytest
import sdfz
import shapes
from golden_files import SPEC
from golden_hashgrid import MALFORMED as FOLDER
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.distortion import measure
from sdfz.codec.encode import EncodeSettings, ErrorBound, encode_mesh
from sdfz.codec.hashgrid.decode import HashgridSurface
from sdfz.codec.hashgrid.model import HashgridField
from sdfz.codec.hashgrid.stream import PAYLOAD, pack_symbols, unpack_symbols
from sdfz.codec.sizing import Sizing
from sdfz.formats import (
    ChecksumError,
    FormatError,
    LimitError,
    TrailingDataError,
    TruncatedError,
    pack,
    unpack,
)
from sdfz.formats.limits import DEFAULT
from strategies import PRIORS_FILE, TABLES_FILE

NAMES = pytest.mark.parametrize("name", golden_hashgrid.names())
TOLERANCE = 1e-4
SMALL = golden_hashgrid.stored_bytes("smallest")
MALFORMED = {
    "depth-9": (FormatError, "depth 9 with 4 levels"),
    "empty-payload": (TruncatedError, "hashgrid payload: shape"),
    "flipped-bit": (ChecksumError, "section 1: CRC-32"),
    "gain-code-255": (FormatError, "gain code 255 is above 159"),
    "more-levels-than-depth": (FormatError, "depth 3 with 4 levels"),
    "no-levels": (FormatError, "with 0 levels"),
    "numbers-go-on": (TrailingDataError, "bytes follow the end of the coded data"),
    "octree-goes-on": (TrailingDataError, "goes on after its last symbol"),
    "octree-longer-than-the-payload": (TruncatedError, "1048576 bytes of octree"),
    "ones": (TrailingDataError, "bytes follow the end of the coded data"),
    "section-too-many": (FormatError, r"sections \[1, 2\]"),
    "width-code-3": (FormatError, "width code 3"),
    "zero-at-the-end": (FormatError, "does not end as it must"),
    "zero-at-the-end-of-the-octree": (FormatError, "ends with a zero byte"),
}


@NAMES
def test_symbols_and_bytes(name: str) -> None:
    data, expected = golden_hashgrid.stored_bytes(name), golden_hashgrid.load(name).symbols
    container = unpack(data)
    found = unpack_symbols(container.sections)
    assert (found.depth, found.grid, found.gain_codes) == (expected.depth, expected.grid, expected.gain_codes)
    trims = ((found.trimmed, expected.trimmed), (found.parts, expected.parts))
    for a, b in ((found.cells, expected.cells), *trims, *zip(found.weights, expected.weights, strict=True)):
        assert np.array_equal(a, b)
    assert all(np.array_equal(a, b) for a, b in zip(found.tables, expected.tables, strict=True))
    assert pack(container.header, pack_symbols(found)) == data


@NAMES
def test_a_decoder_from_the_format_document_agrees(name: str) -> None:
    golden = golden_hashgrid.load(name)
    (section,) = unpack(golden_hashgrid.stored_bytes(name)).sections
    field = plain_hashgrid.decode(section.data, plain_decoder.Tables(TABLES_FILE, PRIORS_FILE))
    assert np.array_equal(field.cells, golden.symbols.cells)
    for found, cells in ((field.trimmed, golden.symbols.trimmed), (field.parts, golden.symbols.parts)):
        assert sorted(found) == sorted(map(tuple, cells.tolist()))
    assert [x for layer in field.weights for x in layer] == [
        x for w in golden.symbols.weights for x in w.ravel().tolist()
    ]
    for level, table in zip(field.levels, golden.symbols.tables, strict=True):
        assert [level.table[entry] for entry in level.nodes] == table.tolist()
    found = [field.distance(point) for point in golden.points.tolist()]
    largest = np.abs(golden.distances).max() + 1e-6
    np.testing.assert_allclose(found, golden.distances, rtol=TOLERANCE, atol=TOLERANCE * largest)


def test_the_format_document_has_the_fields() -> None:
    assert PAYLOAD.markdown() in SPEC.read_text("utf-8")


@NAMES
def test_distances(name: str) -> None:
    golden = golden_hashgrid.load(name)
    found = HashgridField(golden.symbols).distance(golden.points)
    largest = np.abs(golden.distances).max() + 1e-6
    np.testing.assert_allclose(found, golden.distances, rtol=TOLERANCE, atol=TOLERANCE * largest)


def test_the_torus_is_one() -> None:
    vertices, faces = shapes.torus()
    shape = decode_bytes(golden_hashgrid.stored_bytes("torus"), device="cpu")
    found, triangles = shape.triangles(64)
    # The header has a frame of its own making: the shape's own size and place are compared.
    vertices, found = (v - (v.max(0) + v.min(0)) / 2 for v in (vertices, found))
    scale = np.ptp(vertices, axis=0).max() / np.ptp(found, axis=0).max()
    assert measure((vertices, faces), (found * scale, triangles)).cd < 5e-3


def test_all_features_are_used() -> None:
    symbols = golden_hashgrid.load("everything").symbols
    grid = symbols.grid
    assert (grid.n_features, grid.smooth, symbols.weights[0].shape[0]) == (2, True, 64)
    assert [grid.is_hashed(level) for level in range(grid.n_levels)] == [False, False, True, True]


def test_an_open_surface_stays_open() -> None:
    symbols = golden_hashgrid.load("open").symbols
    assert 0 < len(symbols.trimmed) < len(symbols.cells)
    trimmed, whole = (
        HashgridSurface(found).mesh(48)
        for found in (symbols, replace(symbols, trimmed=symbols.trimmed[:0], parts=symbols.parts[:0]))
    )
    assert len(trimmed[1]) < 0.97 * len(whole[1])


def test_counts() -> None:
    counts = check_bytes(golden_hashgrid.stored_bytes("torus"))
    symbols = golden_hashgrid.load("torus").symbols
    assert counts["method"] == "hashgrid"
    assert counts["n_cells"] == len(symbols.cells)
    assert counts["n_entries"] == [len(table) for table in symbols.tables]
    assert counts["n_raw_bytes"] == 2 * symbols.grid.offsets[-1]


# -- damage -----------------------------------------------------------------------------------------------------------


def test_every_truncation_and_every_change_is_refused() -> None:
    damage.check_truncations(check_bytes, SMALL)
    damage.check_changes(check_bytes, SMALL)


def test_limits() -> None:
    data = golden_hashgrid.stored_bytes("everything")
    for limit, value in (("max_depth", 4), ("max_cells", 10), ("max_symbols", 100)):
        with pytest.raises(LimitError, match=limit):
            check_bytes(data, limits=replace(DEFAULT, **{limit: value}))


def test_every_malformed_file_has_its_error() -> None:
    assert {path.stem for path in FOLDER.glob("*.sdfz")} == set(MALFORMED)


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(name: str) -> None:
    kind, message = MALFORMED[name]
    data = (FOLDER / f"{name}.sdfz").read_bytes()
    for read in (sdfz.open, check_bytes):
        with pytest.raises(kind, match=message):
            read(data)


# -- encoding ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few steps and samples, and coarse meshes."""
    monkeypatch.setattr("sdfz.codec.hashgrid.trials._ITERATIONS", (60,) * 9)
    monkeypatch.setattr("sdfz.codec.hashgrid.trials._MIN_SAMPLES", 1 << 15)
    monkeypatch.setattr("sdfz.codec.encode._MEASURE_SAMPLES", (20_000,) * 9)
    monkeypatch.setattr("sdfz.codec.job.DEFAULT_RESOLUTION", 64)
    monkeypatch.setattr("sdfz.codec.sizing.DEFAULT_QUALITY", 20.0)
    monkeypatch.setattr("sdfz.codec.target._SAMPLES_AT_ONCE", 50_000)


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize(
    "goal",
    [{"quality": 25.0}, {"max_error": ErrorBound(8e-3), "metric": "cd"}, {"target_size": 500}],
    ids=["quality", "max_error", "target_size"],
)
def test_goals(goal: dict[str, Any]) -> None:
    vertices, faces = shapes.torus()
    calls: list[tuple[str, int, int]] = []
    settings = EncodeSettings("hashgrid", effort=1, threads=1, device="cpu", **goal)
    found = encode_mesh(vertices + 100.0, faces, settings, progress=lambda *call: calls.append(call))
    assert found.target_met
    assert {call[0] for call in calls} >= {"fit"}
    assert found.detail["cells"] == check_bytes(found.data)["n_cells"]
    if "target_size" in goal:
        assert len(found.data) <= 500
    if "max_error" in goal:
        assert found.distortion.cd <= 8e-3
    decoded = decode_bytes(found.data, device="cpu").triangles(64)
    assert measure((vertices + 100.0, faces), decoded).cd == pytest.approx(found.distortion.cd, rel=0.2)


@pytest.mark.usefixtures("light")
def test_the_seed_decides() -> None:
    def encoded(seed: int) -> bytes:
        return encode_mesh(*shapes.torus(), EncodeSettings("hashgrid", quality=10, effort=1, threads=1, seed=seed)).data

    assert encoded(0) == encoded(0) != encoded(1)


def test_sizes_of_qualities() -> None:
    from sdfz.codec.hashgrid.trials import SIZING

    assert isinstance(SIZING, Sizing)
    assert [SIZING.of_quality(q) for q in (0, 50, 100)] == [24.0, 640.0, 20_480.0]
