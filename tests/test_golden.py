"""The golden files of tests/golden/v1: their bytes are the format. `python tests/golden/make.py` makes them anew."""

import re

import golden_files
import numpy as np
import plain_decoder
import pytest
from sdfz.codec.decode import decode_bytes
from sdfz.codec.grid.model import GridField
from sdfz.codec.grid.stream import PAYLOAD, unpack_symbols
from sdfz.formats import unpack
from strategies import PRIORS_FILE, TABLES_FILE

NAMES = golden_files.names()
TOLERANCE = 1e-5  # of distances between machines, normalized units


# As encoders write them, and as they did up to version 0.4.0.
BYTES = pytest.mark.parametrize("stored", [golden_files.stored_bytes, golden_files.tabled_bytes])


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def test_there_are_golden_files():
    assert NAMES == ["everything", "patch", "smallest", "sphere", "torus"]


def test_symbols_become_these_bytes(name):
    assert golden_files.load(name).data() == golden_files.stored_bytes(name)


@BYTES
def test_bytes_become_these_symbols(name, stored):
    golden = golden_files.load(name)
    container = unpack(stored(name))
    assert container.header == golden.header
    assert container.metadata == (golden.metadata if golden.metadata else None)
    golden_files.assert_same(unpack_symbols(container.sections), golden.symbols)


@BYTES
def test_a_decoder_from_the_format_document_agrees(name, stored):
    """Symbols exactly, distances within the tolerance."""
    golden = golden_files.load(name)
    payloads = [section.data for section in unpack(stored(name)).sections]
    grid = plain_decoder.decode_sections(payloads, plain_decoder.Tables(TABLES_FILE, PRIORS_FILE))
    assert [list(level.values()) for level in grid.latents] == [level.tolist() for level in golden.symbols.latents]
    for found, expected in (
        (grid.cells, golden.symbols.cells),
        (grid.trimmed, golden.symbols.trimmed),
        (grid.parts, golden.symbols.parts),
    ):
        assert [list(cell) for cell in found] == expected.tolist()
    distances = [grid.distance(point) for point in golden.points.tolist()]
    np.testing.assert_allclose(distances, golden.distances, rtol=TOLERANCE, atol=TOLERANCE)


def test_distances(name):
    golden = golden_files.load(name)
    found = GridField(golden.symbols).distance(golden.points)
    np.testing.assert_allclose(found, golden.distances, rtol=TOLERANCE, atol=TOLERANCE)


def test_mesh(name):
    """Area and volume in input units, which also fixes the frame, the winding and what is trimmed."""
    golden = golden_files.load(name)
    mesh = decode_bytes(golden_files.stored_bytes(name), device="cpu").mesh(golden_files.RESOLUTION)
    assert mesh.area == pytest.approx(golden.area, rel=0.01, abs=0)
    assert mesh.volume == pytest.approx(golden.volume, rel=0.01, abs=0.001 * golden.area**1.5)


def test_the_shapes_are_what_their_names_say():
    """So that a wrong convention cannot hide behind a golden file made with it."""
    sphere, torus = golden_files.load("sphere"), golden_files.load("torus")
    assert sphere.volume == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.02)
    assert torus.volume == pytest.approx(2 * np.pi**2 * 0.6 * 0.25**2, rel=0.02)
    assert torus.header.frame.centre == pytest.approx([1e6, -2e6, 0.5], abs=0.02)


def test_together_they_use_every_feature():
    """Otherwise a change to one would go unnoticed."""
    files = [golden_files.load(name) for name in NAMES]
    symbols = [golden.symbols for golden in files]
    assert {s.network for s in symbols} == {0, 1}
    assert {s.depth > s.n_levels for s in symbols} == {True, False}
    assert {len(golden.sections()) for golden in files} >= {1, 2, 3}
    assert {len(s.trimmed) > 0 for s in symbols} == {True, False}
    assert max(np.abs(level).max() for s in symbols for level in s.latents) == 15 + (1 << 24) - 1
    assert {bool(golden.metadata) for golden in files} == {True, False}


def test_tables_are_those_of_the_format_document():
    """Names and shapes in SPEC.md's list, and the SHA-256 of all numbers."""
    spec = golden_files.SPEC.read_text("utf-8")
    rows = re.findall(r"(?m)^\| `(\w+)` \| (\d+) x (\d+) \|", spec)
    with np.load(TABLES_FILE) as arrays:
        assert set(arrays) == set(golden_files.TABLE_NAMES)
        expected = [(name, *map(str, arrays[name].shape)) for name in golden_files.TABLE_NAMES]
    assert rows == expected
    assert re.findall(r"(?m)^    ([0-9a-f]{64})$", spec) == golden_files.digests()


def test_payload_is_that_of_the_format_document():
    assert PAYLOAD.markdown() in golden_files.SPEC.read_text("utf-8")
