"""Signed integers with adaptive contexts: they come back, cheaply where they can be foreseen, and damage is noticed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_numbers import Numbers
from sdfz.codec.numbers import MOST_NUMBER, NumberDecoder, NumberEncoder
from sdfz.formats.errors import FormatError, TrailingDataError


def _before(n, k=2):
    """The k numbers before each, the last first."""
    return np.maximum(np.arange(n)[:, None] - 1 - np.arange(k), -1)


def _coded(numbers, kinds=None, places=None, near=None):
    n = len(numbers)
    kinds = np.zeros(n, np.int64) if kinds is None else kinds
    places = np.zeros(n, np.int64) if places is None else places
    near = _before(n) if near is None else near
    encoder = NumberEncoder()
    encoder.put(numbers, kinds, places, near)
    data = encoder.finish()
    decoder = NumberDecoder(data)
    assert np.array_equal(decoder.take(kinds, places, near), numbers)
    decoder.finish("numbers")
    assert len(data) <= encoder.n_bits / 8 + 6
    return data


@given(
    st.lists(st.integers(-MOST_NUMBER, MOST_NUMBER), max_size=40), st.integers(0, 63), st.integers(0, 63),
    st.integers(0, 4),
)  # fmt: skip
@settings(max_examples=60)
def test_numbers_come_back(numbers, kind, place, k):
    numbers = np.array(numbers, np.int64)
    n = len(numbers)
    _coded(numbers, np.full(n, kind), np.full(n, place), _before(n, k))


@pytest.mark.parametrize("spread", [0.3, 3.0, 100.0])
def test_laplace_numbers_cost_little_more_than_their_entropy(spread):
    rng = np.random.default_rng(0)
    numbers = np.round(rng.laplace(0, spread, 4000)).astype(np.int64)
    counts = np.unique(numbers, return_counts=True)[1] / len(numbers)
    entropy = -(counts * np.log2(counts)).sum() * len(numbers) / 8
    # The histogram's entropy is less than the source's: its 4,000 numbers were told to it.
    assert len(_coded(numbers)) < 1.06 * entropy + 40


def test_kinds_and_what_is_near_are_learned_from():
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 2, 3000)
    numbers = np.round(rng.laplace(0, np.where(kinds, 20.0, 0.2))).astype(np.int64)
    assert len(_coded(numbers, kinds, near=_before(3000, 0))) < 0.85 * len(_coded(numbers, near=_before(3000, 0)))
    sizes = np.exp(2.5 * np.sin(np.arange(3000) / 60))
    drifting = np.round(rng.laplace(0, sizes)).astype(np.int64)
    assert len(_coded(drifting, near=_before(3000, 4))) < 0.9 * len(_coded(drifting, near=_before(3000, 0)))


def test_the_bytes_are_those_of_the_document():
    """SPEC.md says enough: plain_numbers.py shares no code with the package."""
    rng = np.random.default_rng(0)
    n = 300
    numbers = np.round(rng.laplace(0, 2.0 ** rng.integers(-2, 22, n))).astype(np.int64).clip(-MOST_NUMBER, MOST_NUMBER)
    numbers[:2] = -MOST_NUMBER, MOST_NUMBER
    kinds, places = rng.integers(0, 64, (2, n))
    near = np.where(rng.random((n, 3)) < 0.2, -1, (rng.random((n, 3)) * np.arange(n)[:, None]).astype(np.int64))
    near[0] = -1
    encoder = NumberEncoder()
    encoder.put_bits(np.array([37, 5]), 6)
    encoder.put(numbers, kinds, places, near)
    plain = Numbers(encoder.finish())
    assert [plain.take_bits(6) for _ in range(2)] == [37, 5]
    assert [plain.take(*each) for each in zip(kinds.tolist(), places.tolist(), near.tolist(), strict=True)] == (
        numbers.tolist()
    )
    plain.check_end()


def test_several_arrays_and_raw_bits_share_a_stream():
    first, second = np.array([3, -1, 0]), np.array([5, 5])
    kinds, near = np.array([1, 1]), np.array([[2, 0], [3, 1]])  # in the first array, and in the second itself
    encoder = NumberEncoder()
    encoder.put_bits(np.array([9, 2]), 4)
    encoder.put(first, np.zeros(3), np.zeros(3), _before(3))
    encoder.put(second, kinds, kinds, near)
    data = encoder.finish()
    decoder = NumberDecoder(data)
    assert decoder.take_bits(2, 4).tolist() == [9, 2]
    assert decoder.take(np.zeros(3), np.zeros(3), _before(3)).tolist() == first.tolist()
    assert decoder.take(kinds, kinds, near).tolist() == second.tolist()
    decoder.finish("numbers")
    with pytest.raises(TrailingDataError):
        NumberDecoder(data + b"123456789").finish("numbers")


def test_what_no_encoder_writes_is_refused():
    decoder = NumberDecoder(b"\xff" * 400)
    with pytest.raises(FormatError):
        for _ in range(1000):
            decoder.take(np.zeros(1), np.zeros(1), np.zeros((1, 0)))
            decoder.finish("numbers")


def test_a_size_beyond_the_largest_is_refused():
    # Ones go to the lower part of the range: a stream of zeros says yes to everything.
    with pytest.raises(FormatError, match="larger than any"):
        NumberDecoder(b"").take(np.zeros(1), np.zeros(1), np.zeros((1, 0)))


@pytest.mark.parametrize(
    "arguments",
    [
        ([MOST_NUMBER + 1], [0], [0], np.zeros((1, 0))),
        ([1], [64], [0], np.zeros((1, 0))),
        ([1], [0], [-1], np.zeros((1, 0))),
        ([1], [0], [0], [[0]]),
        ([1, 2], [0], [0], np.zeros((2, 0))),
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments):
    with pytest.raises(ValueError):
        NumberEncoder().put(*(np.array(a) for a in arguments))
