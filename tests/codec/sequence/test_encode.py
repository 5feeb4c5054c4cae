"""Sequences of a size that is asked for."""

from __future__ import annotations

import numpy as np
import pytest
import sdfz
import shapes
from sdfz.codec.encode import EncodeSettings
from sdfz.codec.sequence.encode import encode_sequence
from sdfz.formats import Metadata, unpack


@pytest.fixture(scope="module")
def frames() -> tuple[np.ndarray, np.ndarray]:
    """A ball that grows a nose."""
    vertices, faces = shapes.sphere(1.0, 2)
    return np.stack([vertices * (1 + 0.3 * t * np.exp(-2 * (1 - vertices[:, :1]))) for t in range(3)]), faces


def test_a_size_is_of_the_whole_file(frames: tuple[np.ndarray, np.ndarray]) -> None:
    """As large as it may be, about; metadata counts; errors in the header are those of all frames."""
    settings, metadata = EncodeSettings("scaffold", target_size=420, effort=1), Metadata("ball", None, 42, 80)
    encoded = encode_sequence(*frames, settings, metadata)
    assert encoded.target_met
    assert 300 < len(encoded.data) <= 420
    assert unpack(encoded.data).metadata == metadata
    assert sdfz.open(encoded.data).header.errors.cd == pytest.approx(encoded.distortion.cd, rel=1e-3)
    assert encoded.distortion.cd < 0.02


def test_a_size_that_is_too_small(frames: tuple[np.ndarray, np.ndarray]) -> None:
    encoded = encode_sequence(*frames, EncodeSettings("scaffold", target_size=50, effort=1))
    assert not encoded.target_met
    assert 50 < len(encoded.data) < 250
