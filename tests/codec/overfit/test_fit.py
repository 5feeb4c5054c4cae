from dataclasses import replace

import numpy as np
import pytest
import shapes
import torch
from sdfz.codec.fitting import laplace_bits
from sdfz.codec.overfit.architecture import Architecture
from sdfz.codec.overfit.fit import FitSettings, fit_network, fit_symbols
from sdfz.codec.overfit.losses import l1, slack_band
from sdfz.codec.overfit.model import run_network
from sdfz.codec.overfit.symbols import step_of_code
from sdfz.codec.sample import Samples

SMALL = Architecture(12, 2, "sine", biases=False, bounded=False)
CODED = FitSettings(
    slack_band(0.3, 0.1), n_iterations=500, batch_size=256, learning_rate=0.02, schedule="cosine", elasticity=0.5
)
PLAIN = FitSettings(l1, n_iterations=150, batch_size=512, schedule="constant", learning_rate=5e-3)


@pytest.fixture(scope="module")
def ball():
    points = np.random.default_rng(0).uniform(-1, 1, (4096, 3)).astype(np.float32)
    return Samples(points, shapes.sphere_distance(points, 0.6))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def mean_error(architecture, layers, samples):
    found = run_network(architecture, [torch.as_tensor(layer) for layer in layers], torch.from_numpy(samples.points))
    return float((found - torch.from_numpy(samples.distances)).abs().mean())


def loss_of(layers, samples):
    found = run_network(SMALL, [torch.from_numpy(layer) for layer in layers], torch.from_numpy(samples.points))
    return float(CODED.loss(found, torch.from_numpy(samples.distances), 0))


def bits_of(weights):
    spreads = [torch.full(w.shape, max(float(np.abs(w).mean()), 0.05)) for w in weights]
    return sum(float(laplace_bits(torch.from_numpy(w), s).sum()) for w, s in zip(weights, spreads, strict=True))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"weight_norm": True},
        {"schedule": "plateau"},
        {"schedule": "cosine", "learning_rate": 2e-2},
    ],
    ids=str,
)
def test_a_network_learns_a_ball(ball, changes):
    """A fifth of the error that the best constant has."""
    architecture = Architecture(16, 2)
    layers = fit_network(architecture, ball, replace(PLAIN, **changes), generator())
    constant = float(np.abs(ball.distances - np.median(ball.distances)).mean())
    assert mean_error(architecture, layers, ball) < constant / 5


def test_dropout_hurts_a_network_of_one_shape(ball):
    architecture = Architecture(16, 2)
    plain, dropped = (
        mean_error(architecture, fit_network(architecture, ball, replace(PLAIN, dropout=share), generator()), ball)
        for share in (0.0, 0.2)
    )
    assert dropped > 2 * plain


def test_a_higher_price_of_bits_saves_bits(ball):
    """And all that is needed is in the integers."""
    found = [fit_symbols(SMALL, ball, replace(CODED, elasticity=price), generator()) for price in (0.05, 1.2)]
    losses = []
    for codes, weights in found:
        layers = [(w * step_of_code(code)).astype(np.float32) for code, w in zip(codes, weights, strict=True)]
        assert [layer.shape for layer in layers] == list(SMALL.shapes)
        losses.append(loss_of(layers, ball))
    bits = [bits_of(weights) for _, weights in found]
    assert bits[1] < 0.85 * bits[0]
    assert max(losses) < np.log(0.005)


def test_the_seed_decides(ball):
    settings = replace(CODED, n_iterations=20)
    first, again, other = (fit_symbols(SMALL, ball, settings, generator(seed)) for seed in (1, 1, 2))
    assert first[0] == again[0]
    assert all(map(np.array_equal, first[1], again[1]))
    assert not all(map(np.array_equal, first[1], other[1]))


def test_progress(ball):
    calls = []
    fit_network(Architecture(4, 1), ball, replace(PLAIN, n_iterations=3), generator(), lambda *call: calls.append(call))
    assert calls == [("fit", 1, 3), ("fit", 2, 3), ("fit", 3, 3)]


def test_fewer_samples_than_a_batch(ball):
    few = Samples(ball.points[:50], ball.distances[:50])
    (first, *_) = fit_network(Architecture(4, 1), few, replace(PLAIN, n_iterations=3), generator())
    assert first.isfinite().all()


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match="schedule 'linear'"):
        FitSettings(schedule="linear")


@pytest.mark.gpu
def test_a_gpu_fits_as_well(ball):
    on_gpu = replace(CODED, device=torch.device("cuda"))
    errors = []
    for settings in (CODED, on_gpu):
        codes, weights = fit_symbols(SMALL, ball, settings, generator())
        layers = [w * np.float32(step_of_code(code)) for w, code in zip(weights, codes, strict=True)]
        errors.append(mean_error(SMALL, layers, ball))
    assert errors[1] < 1.3 * errors[0]
