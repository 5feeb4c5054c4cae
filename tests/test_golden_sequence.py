"""The golden file of sequences, damage done to it, and files of sequences as a whole."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

import golden_files
import numpy as np
import pytest
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.sequence.head import MOTION
from sdfz.codec.sequence.stream import pack_motion, unpack_motion
from sdfz.codec.sequence.surface import MovingSurface
from sdfz.formats import FormatError, SdfzError, TruncatedError, pack, unpack
from sdfz.formats.container import MOTION_ID, Section
from sdfz.formats.limits import DEFAULT

sys.path.insert(0, str(Path(__file__).parent / "golden"))

from make_sequence import KnownSurface

FOLDER = golden_files.FOLDER / "sequence"
DATA = (FOLDER / "moving.sdfz").read_bytes()
CONTAINER = unpack(DATA)
TOLERANCE = 1e-6


def stored() -> dict[str, np.ndarray]:
    with np.load(FOLDER / "moving.npz") as arrays:
        return dict(arrays)


def test_symbols_and_bytes() -> None:
    expected = stored()
    assert CONTAINER.motion is not None
    symbols = unpack_motion(CONTAINER.motion)
    assert (symbols.depth, symbols.step_code) == (6, 152)
    for name in ("cells", "joined", "back", "residuals"):
        assert np.array_equal(getattr(symbols, name), expected[name])
    assert pack(CONTAINER.header, CONTAINER.sections, CONTAINER.metadata, motion=pack_motion(symbols)) == DATA


def test_the_format_document_has_the_fields() -> None:
    assert MOTION.markdown() in golden_files.SPEC.read_text("utf-8")


def test_positions_and_a_carried_surface() -> None:
    expected = stored()
    moving = MovingSurface(KnownSurface(), unpack_motion(CONTAINER.motion))
    np.testing.assert_allclose(moving.motion.positions, expected["positions"], rtol=TOLERANCE, atol=TOLERANCE)
    found = np.stack([moving.mesh(t, 16)[0] for t in range(5)])
    np.testing.assert_allclose(found, expected["carried"], rtol=TOLERANCE, atol=TOLERANCE)


def test_frames() -> None:
    shape = decode_bytes(DATA)
    assert len(shape.frames) == 5
    meshes = [shape.frame(t).triangles(32) for t in range(5)]
    assert all(np.array_equal(faces, meshes[0][1]) for _, faces in meshes)
    assert np.array_equal(shape.triangles(32)[0], meshes[0][0])
    assert not np.allclose(meshes[0][0], meshes[1][0])
    with pytest.raises(IndexError, match=r"frame 5 is not in 0\.\.4"):
        shape.frame(5)
    assert check_bytes(DATA) == {**check_bytes(golden_files.stored_bytes("sphere")), "frames": 5, "nodes": 24}


def test_a_file_that_is_cut_before_its_motion() -> None:
    """Refused; when asked, the base shape."""
    cut = len(pack(CONTAINER.header, CONTAINER.sections)) + 5
    with pytest.raises(TruncatedError):
        decode_bytes(DATA[:cut])
    shape = decode_bytes(DATA[:cut], allow_truncated=True)
    assert shape.truncated
    assert len(shape.frames) == 1
    base = decode_bytes(golden_files.stored_bytes("sphere"))
    np.testing.assert_array_equal(shape.triangles(32)[0], base.triangles(32)[0])


def test_the_id_is_the_motions_own() -> None:
    with pytest.raises(ValueError, match="section id 127 is above 126"):
        pack(CONTAINER.header, [*CONTAINER.sections, Section(MOTION_ID, b"")])


def test_a_motion_of_nothing() -> None:
    with pytest.raises(FormatError, match="motion: frames"):
        decode_bytes(pack(CONTAINER.header, CONTAINER.sections, motion=b""))


def test_changed_motions_under_right_checksums() -> None:
    """An SdfzError, or frames that can be meshed."""
    rng, tight = random.Random(1), replace(DEFAULT, max_cells=2000, max_symbols=100_000)
    n_refused = 0
    assert CONTAINER.motion is not None
    for _ in range(60):
        changed = bytearray(CONTAINER.motion)
        changed[rng.randrange(len(changed))] ^= rng.randrange(1, 256)
        try:
            shape = decode_bytes(pack(CONTAINER.header, CONTAINER.sections, motion=bytes(changed)), limits=tight)
        except SdfzError:
            n_refused += 1
        else:
            assert np.isfinite(shape.frame(len(shape.frames) - 1).triangles(16)[0]).all()
    assert n_refused > 20
