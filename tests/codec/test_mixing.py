import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from sdfz.codec import mixing
from sdfz.formats.errors import FormatError
from strategies import rngs


@njit
def code_all(coder, bits, contexts):
    """Code each bit in two contexts, or fill in `bits` while decoding."""
    for i in range(len(bits)):
        coder.chosen[0], coder.chosen[1] = contexts[i], 16
        bits[i] = mixing.code(coder, 2, 0, contexts[i] & 1, bits[i], 0)


def encoded(priors, bits, contexts, capacity=1 << 16):
    coder = mixing.coder(priors, mixing.ENCODE, capacity=capacity)
    code_all(coder, bits.copy(), contexts)
    return coder, mixing.finish(coder)


def decoded(priors, data, contexts):
    bits = np.zeros(len(contexts), np.int64)
    code_all(mixing.coder(priors, mixing.DECODE, data=data), bits, contexts)
    return bits


PRIORS = mixing.untrained(17, 2, 2)


def decoding(priors, data, contexts):
    coder = mixing.coder(priors, mixing.DECODE, data=data)
    code_all(coder, np.zeros(len(contexts), np.int64), contexts)
    return coder


@settings(max_examples=50)
@given(rngs(), st.integers(0, 300), st.sampled_from([0.0, 0.001, 0.3, 1.0]))
def test_only_the_bytes_of_the_encoder_are_taken_for_whole(rng, n, share):
    """Not longer ones, and of those with the same decisions no others."""
    bits, contexts = (rng.random(n) < share).astype(np.int64), rng.integers(16, size=n)
    _, data = encoded(PRIORS, bits, contexts)
    mixing.check_end(decoding(PRIORS, data, contexts), "bits")
    for more in (b"\0", b"\1", bytes(5), bytes(5) + b"\1"):
        with pytest.raises(FormatError, match="bits: "):
            mixing.check_end(decoding(PRIORS, data + more, contexts), "bits")
    for i in range(max(len(data) - 4, 0), len(data)):
        for other in set(range(256)) - {data[i]}:
            changed = data[:i] + bytes([other]) + data[i + 1 :]
            coder = mixing.coder(PRIORS, mixing.DECODE, data=changed)
            found = np.zeros(n, np.int64)
            code_all(coder, found, contexts)
            if (found == bits).all():
                with pytest.raises(FormatError, match="does not end as it must"):
                    mixing.check_end(coder, "bits")


@settings(max_examples=50)
@given(rngs(), st.integers(0, 300), st.sampled_from([0.0, 0.001, 0.3, 1.0]))
def test_bits_come_back(rng, n, share):
    bits, contexts = (rng.random(n) < share).astype(np.int64), rng.integers(16, size=n)
    _, data = encoded(PRIORS, bits, contexts)
    assert decoded(PRIORS, data, contexts).tolist() == bits.tolist()
    assert not data.endswith(b"\0")


def test_a_context_that_tells_all_costs_next_to_nothing_and_one_that_tells_nothing_the_entropy():
    rng = np.random.default_rng(0)
    contexts = rng.integers(16, size=20_000)
    coder, data = encoded(PRIORS, contexts >> 3, contexts)
    assert len(data) < 60  # 0.02 bits a decision
    assert coder.bits[0] == pytest.approx(8 * len(data), abs=16)
    bits = (rng.random(20_000) < 0.1).astype(np.int64)
    entropy = -(0.1 * np.log2(0.1) + 0.9 * np.log2(0.9))
    assert 8 * len(encoded(PRIORS, bits, contexts)[1]) == pytest.approx(entropy * 20_000, rel=0.03)


def test_what_was_learned_makes_the_next_file_smaller():
    contexts = np.random.default_rng(0).integers(16, size=100)
    coder, first = encoded(PRIORS, contexts >> 3, contexts)
    priors = mixing.learned(coder, most_seen=5)
    _, second = encoded(priors, contexts >> 3, contexts)
    assert len(second) < len(first) / 2
    assert (priors.slots & 1023).max() == 5


def test_counting_costs_what_encoding_does():
    rng = np.random.default_rng(0)
    bits, contexts = rng.integers(2, size=500), rng.integers(16, size=500)
    counter = mixing.coder(PRIORS, mixing.COUNT)
    code_all(counter, bits.copy(), contexts)
    coder, _ = encoded(PRIORS, bits, contexts)
    assert counter.bits == coder.bits
    assert (counter.slots == coder.slots).all()


def test_carries_run_through_the_bytes_before():
    # Surprise after surprise in one direction drives `low` to the top of its range, so that carries must be passed on.
    rng = np.random.default_rng(1)
    for _ in range(200):
        bits = (rng.random(400) < rng.choice([0.002, 0.998])).astype(np.int64)
        contexts = np.zeros(400, np.int64)
        _, data = encoded(PRIORS, bits, contexts)
        assert decoded(PRIORS, data, contexts).tolist() == bits.tolist()


@given(st.binary(max_size=40))
def test_any_bytes_decode_to_some_bits(data):
    assert set(decoded(PRIORS, data, np.zeros(500, np.int64)).tolist()) <= {0, 1}


def test_an_encoding_without_room_is_refused():
    bits = np.random.default_rng(0).integers(2, size=1000)
    with pytest.raises(ValueError, match="outgrew its 10 bytes"):
        encoded(PRIORS, bits, np.zeros(1000, np.int64), capacity=10)


def test_opinions_are_logits_of_shares_of_a_logistic_distribution():
    z = np.array([-25, -10.5, -1, 0, 0.3, 21])
    found = np.array([mixing.logistic(int(value * 65536)) for value in z]) / 2**mixing.CDF_BITS
    assert found == pytest.approx(1 / (1 + np.exp(-np.maximum(z, -22))), rel=1e-4)
    assert mixing.stretch(1 << 44, 1 << 46) / 256 == pytest.approx(np.log(1 / 3), abs=0.01)
    assert mixing.stretch(0, 0) == 0


def test_the_bytes_and_the_tables_stay_what_they_are():
    # Part of the format: a change here needs a new version of it.
    tables = np.concatenate([mixing._STRETCH, mixing._SQUASH, mixing._RECIPROCALS]).astype("<i8").tobytes()
    assert hashlib.sha256(tables).hexdigest()[:16] == "217452a5cf5ba88a"
    bits = (np.arange(200) % 7 == 0).astype(np.int64)
    assert encoded(PRIORS, bits, np.arange(200) % 3)[1].hex() == "7d6a5d18ec817cb21e7f3984de58d14280"


@given(rngs(), st.integers(0, 16), st.integers(0, 60))
def test_the_first_bytes_may_be_the_largest_there_are(rng, n_zeros, n_more):
    """A carry could still reach them, so that they are held back from the first on."""
    bits = np.concatenate([np.zeros(n_zeros, np.int64), rng.integers(2, size=n_more)])
    contexts = np.concatenate([np.arange(n_zeros), rng.integers(16, size=n_more)])
    _, data = encoded(PRIORS, bits, contexts)
    assert (decoded(PRIORS, data, contexts) == bits).all()
    mixing.check_end(decoding(PRIORS, data, contexts), "bits")


def test_a_first_byte_of_ones_is_written():
    contexts = np.arange(64) % 16
    surprised = mixing.learned(encoded(PRIORS, np.ones(64, np.int64), contexts)[0])
    bits = np.arange(64, dtype=np.int64) // 4 % 2
    _, data = encoded(surprised, bits, contexts)
    assert data[0] == 0xFF
    assert (decoded(surprised, data, contexts) == bits).all()


def test_streams_that_share_what_they_learn():
    """The second costs less than it would alone, and both decode in turn."""
    bits, contexts = (np.arange(60) % 7 == 0).astype(np.int64), np.zeros(60, np.int64)
    first = mixing.coder(PRIORS, mixing.ENCODE, capacity=100)
    second = mixing.another_stream(first, mixing.ENCODE, capacity=100)
    for stream in (first, second):
        code_all(stream, bits.copy(), contexts)
    data = [mixing.finish(stream) for stream in (first, second)]
    assert len(data[1]) < len(encoded(PRIORS, bits, contexts)[1])
    first = mixing.coder(PRIORS, mixing.DECODE, data=data[0])
    for stream in (first, mixing.another_stream(first, mixing.DECODE, data=data[1])):
        found = np.zeros(60, np.int64)
        code_all(stream, found, contexts)
        assert (found == bits).all()
        mixing.check_end(stream, "coded")
