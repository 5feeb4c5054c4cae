import pytest
from sdfz.codec.overfit.architecture import MAX_WEIGHTS, PAPER, Architecture, architecture_of_size


def test_shapes_chain():
    """What a layer gives the next one takes, with biases, and in the middle the inputs once more."""
    network = Architecture(16, 4, "sine", 2, biases=True, skip=True)
    assert network.n_inputs == 4 + 6 * 2
    assert network.shapes == ((16, 16), (16, 17), (16, 17 + 16), (16, 17), (1, 17))
    assert network.n_weights == 16 * (16 + 17 + 33 + 17) + 17


def test_the_networks_of_the_papers():
    assert PAPER.n_weights == 7553
    assert Architecture(512, 8).n_weights == 1_841_153


@pytest.mark.parametrize("n_weights", [100, 300, 1000, 3000, 10_000, 50_000])
def test_the_codecs_own_network_has_the_size_wanted(n_weights):
    network = architecture_of_size(n_weights)
    assert network.n_weights == pytest.approx(n_weights, rel=0.1)
    assert not network.biases


def test_kernels_without_biases():
    for activation in ("relu", "sine"):
        assert Architecture(20, 3, activation, biases=False).is_fused
    for other in (PAPER, Architecture(20, 3, biases=False, skip=True)):
        assert not other.is_fused


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": 0}, "width 0 is not in 1..1024"),
        ({"n_hidden": 33}, "n_hidden 33"),
        ({"n_frequencies": 9}, "n_frequencies 9"),
        ({"activation": "gelu"}, "'gelu' is not one of relu, sine"),
        ({"width": 1024, "n_hidden": 8}, f"weights are more than {MAX_WEIGHTS}"),
    ],
)
def test_what_is_no_network(values, message):
    with pytest.raises(ValueError, match=message):
        Architecture(**values)
