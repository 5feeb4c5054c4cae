import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdfz.codec import mixing
from sdfz.codec.scaffold.expectation import (
    N_FIRST,
    N_GATE_FIRST,
    N_GATE_SECOND,
    N_KNOWN_FEATURES,
    N_OUTPUTS,
    N_SECOND,
    Network,
    begin,
    empty_foresight,
    expect,
    foresee,
    no_network,
    unknown,
)
from sdfz.codec.scaffold.priors import default_network, pack_network, read_network
from sdfz.codec.scaffold.sight import N_FEATURES, N_GATE_FEATURES, empty_sight, know_face, logarithm, remember
from sdfz.codec.scaffold.symbols import (
    ACROSS,
    ALONG,
    EXPECTED_KEPT,
    EXPECTED_PLACE,
    EXPECTED_WIDTH,
    MIXED,
    N_KINDS,
    N_NUMBER,
    N_QUESTIONS,
    UP,
    blank,
    code_number,
    number_cost,
)

STEPS = np.array([16, 16, 8])


def random_network(rng):
    return Network(
        rng.normal(0, 400, (3, N_FEATURES + N_KNOWN_FEATURES + 1, N_FIRST)).astype(np.int32),
        rng.normal(0, 800, (3, N_FIRST + 1, N_SECOND)).astype(np.int32),
        rng.normal(0, 800, (3, N_SECOND + 1, N_OUTPUTS)).astype(np.int32),
        rng.normal(0, 400, (N_GATE_FEATURES + 1, N_GATE_FIRST)).astype(np.int32),
        rng.normal(0, 800, (N_GATE_FIRST + 1, N_GATE_SECOND)).astype(np.int32),
        rng.normal(0, 800, (N_GATE_SECOND + 1, N_QUESTIONS)).astype(np.int32),
    )


@given(st.integers(1, 1 << 50))
def test_logarithms_are_right_to_a_hundredth(number):
    assert logarithm(number) / 256 == pytest.approx(np.log2(number), abs=0.006)


def real(x, first, second, last):
    """Outputs of a network of rectified linear units, in floating point."""
    for layer in (first, second):
        x = np.maximum(np.append(x, 1) @ layer / 4096, 0)
    return np.append(x, 1) @ last / 4096


@pytest.mark.parametrize("part", [ALONG, ACROSS, UP])
def test_the_integer_network_is_the_real_one(part):
    rng = np.random.default_rng(part)
    network, sight, foresight, residual, length = (
        random_network(rng), empty_sight(0), empty_foresight(), np.array([0, -5, 3]), 200
    )  # fmt: skip
    sight.features[:N_FEATURES] = rng.integers(-2048, 2048, N_FEATURES)
    sight.length[0] = length
    begin(foresight, sight, network)
    expect(foresight, sight, part, residual, STEPS, network)

    def known(axis):
        number = residual[axis]
        return [np.sign(number) * np.log2(1 + abs(number)) / 4, number * STEPS[axis] / length]

    x = np.zeros(N_FEATURES + N_KNOWN_FEATURES)
    x[:N_FEATURES] = sight.features[:N_FEATURES] / 1024
    if part < UP:
        x[N_FEATURES : N_FEATURES + 2] = known(UP)
    if part < ACROSS:
        x[N_FEATURES + 2 :] = known(ACROSS)
    outputs = real(x, network.first[part], network.second[part], network.last[part])
    places, widths = outputs[:3] * length / STEPS[part] / 4, np.clip(4 * outputs[3:6], -3, 12)
    first, second, kept = 1 / (1 + np.exp(-2 * outputs[6:]))
    shares = np.array([first, (1 - first) * second, (1 - first) * (1 - second)])
    found = foresight.expected[MIXED:].reshape(3, 3)
    assert found[:, 2].sum() == 1 << 16
    np.testing.assert_allclose(found[:, 0] / 256, places, atol=0.1)
    np.testing.assert_allclose(found[:, 1] / 256, widths, atol=0.05)
    np.testing.assert_allclose(found[:, 2] / 65536, shares, atol=0.01)
    assert foresight.expected[EXPECTED_PLACE] / 256 == pytest.approx(shares @ places, abs=0.2)
    assert foresight.expected[EXPECTED_WIDTH] / 256 == pytest.approx(shares @ widths, abs=0.1)
    assert foresight.expected[EXPECTED_KEPT] / 65536 == pytest.approx(kept, abs=0.01)


def test_the_odds_of_operations_are_those_of_the_real_network():
    rng = np.random.default_rng(4)
    network, sight, foresight = random_network(rng), empty_sight(0), empty_foresight()
    sight.features[:] = rng.integers(-2048, 2048, N_GATE_FEATURES)
    foresee(foresight, sight, network)
    odds = real(sight.features / 1024, network.gate_first, network.gate_second, network.gate_last)
    np.testing.assert_allclose(foresight.odds / 256, odds, atol=0.03)


def test_recent_residuals_are_remembered_for_a_shorter_and_a_longer_time():
    sight = empty_sight(0)
    for vertex in range(3, 300):
        remember(sight, vertex, np.array([0, -100, 5]))
    assert (np.abs(sight.recent[0] / 256 - [0, 100, 5]) < 0.1).all()
    for vertex in range(300, 310):
        remember(sight, vertex, np.array([0, 0, 5]))
    assert sight.recent[0, 1] < 30 * 256 < 80 * 256 < sight.recent[1, 1] < 100 * 256


def expecting(kept, *mixed):
    """What `code_number` takes, of a mixture of at most three (place, width, share)."""
    expected = unknown()
    expected[EXPECTED_KEPT], expected[MIXED:] = kept, 0
    expected[MIXED : MIXED + 3 * len(mixed)] = np.ravel(mixed)
    return expected


@pytest.mark.parametrize(("place", "octaves"), [(0.0, 0.0), (3.7, 1.5), (-40.0, 4.0), (0.2, -2.0)])
def test_a_new_model_believes_the_network(place, octaves):
    # One opinion and no contexts that know anything: costs are those of the logistic distribution, stretched.
    priors = blank()
    priors.weights[:] = 0
    priors.weights[:, N_NUMBER, 0] = 1 << 16
    coder = mixing.coder(priors, mixing.COUNT, n_kinds=N_KINDS)
    contexts, width = np.zeros(N_NUMBER, np.int64), 2.0**octaves
    one = round(place * 256), round(octaves * 256)
    expected = expecting(1 << 16, (*one, 1 << 15), (*one, 1 << 14), (*one, 1 << 14))
    near = np.arange(round(place) - int(2 * width), round(place) + int(2 * width) + 1)
    for number in near:
        tails = [1 / (1 + np.exp((number + side - place) / width)) for side in (-0.5, 0.5)]
        bits = number_cost(coder, UP, 0, N_NUMBER, contexts, contexts, expected, number)
        assert bits == pytest.approx(-np.log2(tails[0] - tails[1]), abs=0.1)


@pytest.mark.parametrize("kept", [0, 1 << 15, 1 << 16])
@given(st.integers(-(2**31) + 1, 2**31 - 1), st.integers(-(2**30), 2**30), st.integers(-3 * 256, 12 * 256))
def test_numbers_however_unexpected_come_back_and_cost_what_was_said(kept, number, place, width):
    contexts, expected = np.zeros(N_NUMBER, np.int64), expecting(kept, (place, width, 1 << 16))
    coder = mixing.coder(blank(), mixing.ENCODE, capacity=200, n_kinds=N_KINDS)
    price = number_cost(coder, UP, 1, N_NUMBER, contexts, contexts, expected, number)
    code_number(coder, UP, 1, N_NUMBER, contexts, contexts, expected, number)
    # Contexts adapt from decision to decision, of which there are about two for each bit of the surprise; the price
    # does not know that.
    surprise = abs(number - place / 256)
    assert abs(price - coder.bits.sum()) < 4 + 1.25 * int(surprise).bit_length()
    data = mixing.finish(coder)
    coder = mixing.coder(blank(), mixing.DECODE, data=data, n_kinds=N_KINDS)
    assert code_number(coder, UP, 1, N_NUMBER, contexts, contexts, expected, 0) == number


def test_networks_are_stored_exactly():
    stored = read_network(pack_network(default_network()))
    assert all((a == b).all() for a, b in zip(stored, default_network(), strict=True))
    assert stored.first.shape == no_network().first.shape


def test_normals_are_summed_over_the_faces_of_a_vertex():
    sight, points = empty_sight(4), np.array([[0, 0, 0], [80, 0, 0], [0, 80, 0], [0, 0, 80]])
    know_face(sight, points, 0, 1, 2)
    know_face(sight, points, 0, 3, 1)
    np.testing.assert_array_equal(sight.normals / (1 << 14), [[0, 1, 1], [0, 1, 1], [0, 0, 1], [0, 1, 0]])
