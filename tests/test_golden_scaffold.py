"""Golden and malformed files of the `scaffold` method: `python tests/golden/make_scaffold.py` makes them anew."""

import re

import damage
import golden_files
import golden_scaffold
import numpy as np
import plain_scaffold
import pytest
import sdfz
from scipy.spatial import cKDTree
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.scaffold.coder import ControlMesh
from sdfz.codec.scaffold.stream import ScaffoldSymbols, pack_symbols, unpack_symbols
from sdfz.codec.scaffold.topology import topology
from sdfz.formats import (
    ChecksumError,
    FormatError,
    LimitError,
    TrailingDataError,
    TruncatedError,
    unpack,
)

NAMES = golden_scaffold.names()
TOLERANCE = 1e-9  # of vertices between machines, normalized units
SMALL = golden_scaffold.stored_bytes("smooth")
READERS = pytest.mark.parametrize("read", [sdfz.open, decode_bytes, check_bytes])


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model():
    return plain_scaffold.Model(*(golden_scaffold.MODEL / file for file in golden_scaffold.TABLES))


def test_there_are_golden_files():
    assert NAMES == ["creased", "everything", "open", "plain", "several", "sharp", "smallest", "smooth"]


def test_bytes_become_these_symbols_and_symbols_these_bytes(name):
    golden, sections = golden_scaffold.load(name), unpack(golden_scaffold.stored_bytes(name)).sections
    found = unpack_symbols(sections)
    assert found.head == golden.head
    assert np.array_equal(found.mesh.topology.faces, golden.faces)
    for part in ("positions", "sharpness", "pinned"):
        assert np.array_equal(getattr(found.mesh, part), getattr(golden, part))
    mesh = ControlMesh(golden.positions, topology(golden.faces, len(golden.positions)), golden.sharpness, golden.pinned)
    assert pack_symbols(ScaffoldSymbols(golden.head, mesh)) == list(sections)


def test_a_decoder_from_the_format_document_agrees(name, model):
    golden, sections = golden_scaffold.load(name), unpack(golden_scaffold.stored_bytes(name)).sections
    found = plain_scaffold.decode_payload(sections[0].data, model)
    head = golden.head
    assert (found.step, found.tangential, found.n_levels, found.is_plain) == (
        head.step, head.tangential, head.n_levels, head.is_plain
    )  # fmt: skip
    assert [list(point) for point in found.positions] == golden.positions.tolist()
    assert [list(face) for face in found.faces] == golden.faces.tolist()
    assert found.sharpness == golden.sharpness.tolist()
    assert found.corners == golden.pinned.tolist()


def test_surface(name):
    found = decode_bytes(golden_scaffold.stored_bytes(name)).mesh(256, uniform=True).vertices
    np.testing.assert_allclose(found, golden_scaffold.load(name).vertices, rtol=0, atol=TOLERANCE)


def test_the_adaptive_mesh_has_vertices_of_the_surface(name):
    mesh, golden = decode_bytes(golden_scaffold.stored_bytes(name)).mesh(256), golden_scaffold.load(name)
    distance, nearest = cKDTree(golden.vertices).query(mesh.vertices)
    assert distance.max() < TOLERANCE
    assert (np.diff(nearest) > 0).all() or len(np.unique(golden.vertices, axis=0)) < len(golden.vertices)
    assert len(golden.faces) <= len(mesh.faces) <= len(golden.faces) << 2 * golden.head.n_levels


def test_together_they_use_every_feature():
    """Otherwise a change to one would go unnoticed."""
    files = [golden_scaffold.load(name) for name in NAMES]
    closed = {golden.head.n_faces == 2 * golden.head.n_vertices - 4 for golden in files}
    assert closed == {golden.head.is_plain for golden in files} == {True, False}
    assert {level for golden in files for level in golden.sharpness.tolist()} == {0, 1, 2, 3, 255}
    assert any(golden.pinned.any() for golden in files)
    assert max(np.abs(golden.positions).max() for golden in files) > 1 << 24
    assert min(len(golden_scaffold.stored_bytes(name)) for name in NAMES) < 50
    assert len(SMALL) < 200


def test_the_model_is_that_of_the_format_document():
    spec = golden_files.SPEC.read_text("utf-8")
    for file, arrays in golden_scaffold.TABLES.items():
        assert f"| `{file}` | {golden_scaffold.digest(file)} |" in spec
        with np.load(golden_scaffold.MODEL / file) as stored:
            assert tuple(stored) == arrays
            for name in arrays:
                assert re.search(rf"(?m)^\| `{name}` \| ", spec)


# -- damage and malice ------------------------------------------------------------------------------------------------


@READERS
def test_every_truncation_is_refused(read):
    damage.check_truncations(read, SMALL)


@READERS
def test_every_changed_byte_and_every_flipped_bit_is_refused(read):
    damage.check_changes(read, SMALL)


@READERS
def test_one_byte_more_is_refused(read):
    damage.check_one_byte_more(read, SMALL)


MALFORMED = {
    "another-number-of-faces": (FormatError, "control mesh: "),
    "another-number-of-vertices": (FormatError, "control mesh: "),
    "byte-after-the-stream": (FormatError, "coded data"),
    "closed-said-twice": (FormatError, "-4 is said by the highest bit"),
    "empty-payload": (TruncatedError, "scaffold payload: vertices"),
    "flipped-bit": (ChecksumError, "section 1: CRC-32"),
    "last-byte-changed": (FormatError, "control mesh: "),
    "message-after-the-stream": (TrailingDataError, "bytes follow the end of the coded data"),
    "more-vertices-than-corners": (FormatError, "1048576 vertices with 9 faces"),
    "no-faces": (FormatError, "with 0 faces are not allowed"),
    "no-stream": (FormatError, "control mesh: "),
    "ones": (FormatError, "control mesh: "),
    "section-too-many": (FormatError, r"sections \[1, 2\]"),
    "step-169": (FormatError, "step: 169 is not in"),
    "too-many-faces": (LimitError, "max_control_faces"),
    "zero-after-the-stream": (FormatError, "coded data"),
}


def test_every_malformed_file_has_its_error():
    assert {path.stem for path in golden_scaffold.MALFORMED.glob("*.sdfz")} == set(MALFORMED)


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(name):
    kind, message = MALFORMED[name]
    data = (golden_scaffold.MALFORMED / f"{name}.sdfz").read_bytes()
    for read in (sdfz.open, check_bytes):
        with pytest.raises(kind, match=message):
            read(data)
