"""Files of the `overfit` method from meshes, with light fits."""

import numpy as np
import pytest
import shapes
from sdfz.codec.decode import decode_bytes
from sdfz.codec.encode import EncodeSettings, ErrorBound, encode_mesh
from sdfz.codec.overfit.choice import DepthChoice, phantom_share
from sdfz.codec.overfit.encode import OverfitSettings, encode_overfit, prepare
from sdfz.codec.target import Target
from sdfz.formats import unpack

BALL = shapes.sphere(0.8, 3, (5.0, 0.0, 0.0))


@pytest.fixture(autouse=True)
def light(monkeypatch):
    monkeypatch.setattr("sdfz.codec.overfit.trials._ITERATIONS", (200,) * 9)
    monkeypatch.setattr("sdfz.codec.overfit.encode._N_SAMPLES", 1 << 13)
    monkeypatch.setattr("sdfz.codec.overfit.encode._CRUMB_RESOLUTION", 32)
    monkeypatch.setattr("sdfz.codec.encode._MEASURE_SAMPLES", (5000,) * 9)
    monkeypatch.setattr("sdfz.codec.job.DEFAULT_RESOLUTION", 48)
    monkeypatch.setattr("sdfz.codec.target._SAMPLES_AT_ONCE", 20_000)


def encoded(mesh=BALL, **settings):
    return encode_mesh(*mesh, EncodeSettings(**{"method": "overfit", "effort": 1, "threads": 1, **settings}))


def test_a_ball(monkeypatch):
    monkeypatch.setattr("sdfz.codec.overfit.trials._ITERATIONS", (600,) * 9)
    file = encoded(quality=0)
    assert file.header.method == 4
    assert file.distortion.cd < 0.04
    assert file.detail["width"] > 5
    found = decode_bytes(file.data, device="cpu").mesh(48).vertices
    radii = np.linalg.norm(found - [5.0, 0.0, 0.0], axis=1)
    assert np.median(radii) == pytest.approx(0.8, rel=0.02)
    assert set(file.seconds) >= {"prepare", "fit", "code", "decode", "measure"}


def test_the_seed_decides_the_bytes():
    first, again, other = (encoded(quality=0, seed=seed).data for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_size_and_error_asked_for():
    file = encoded(target_size=400)
    assert file.target_met
    assert 250 < len(file.data) <= 400
    file = encoded(max_error=ErrorBound(0.03), metric="cd")
    assert file.target_met
    assert file.header.errors.cd <= 0.03


def test_more_quality_is_a_larger_network():
    files = [encoded(quality=quality) for quality in (0, 40)]
    assert files[0].detail["weights"] < files[1].detail["weights"]
    assert len(files[0].data) < len(files[1].data)


def test_pieces_astray_are_dropped():
    """A ball whose network has a second surface beside it, which is smaller."""
    prepared = prepare(Target(*shapes.sphere(0.8, 3)), 0)
    symbols = encode_overfit(prepared, OverfitSettings(200, 150))
    assert 0 <= symbols.crumbs <= 128
    assert len(unpack(encoded(quality=0).data).sections) == 1


def test_finer_cells_for_larger_networks():
    depth_of = DepthChoice(Target(*BALL))
    depths = [depth_of(n_weights) for n_weights in (100, 1000, 10_000, 60_000)]
    assert depths == sorted(depths)
    assert depths[0] < depths[-1]


def test_open_sheets_get_finer_cells():
    """Where a sheet ends its sign changes without being zero; around a ball it does so nowhere."""
    sheet, ball = Target(*shapes.height_field(24)), Target(*BALL)
    shares = []
    for target in (sheet, ball):
        frame = target.frame(0.9)
        shares.append(phantom_share(target, frame, target.cells(frame, 3), 3))
    assert shares[0] > 0.05
    assert shares[1] == 0
    assert DepthChoice(sheet)(1000) > DepthChoice(ball)(1000)
