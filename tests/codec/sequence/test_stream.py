"""The motion section: symbols come back exactly, and whatever else is read is refused."""

from __future__ import annotations

import time
from dataclasses import replace

import damage
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sdfz.codec.occupancy import sorted_cells
from sdfz.codec.sequence.decode import check_motion
from sdfz.codec.sequence.head import frames_of
from sdfz.codec.sequence.nodes import candidates_of, middles_of, order_of
from sdfz.codec.sequence.stream import pack_motion, unpack_motion
from sdfz.codec.sequence.symbols import MotionSymbols, code_of_step, step_of_code
from sdfz.formats import FormatError, LimitError, SdfzError, TruncatedError
from sdfz.formats.limits import DEFAULT

TIGHT = replace(DEFAULT, max_cells=2000, max_symbols=100_000, max_frames=100)


def some_motion(n: int = 20, n_frames: int = 4, depth: int = 6, seed: int = 0, n_candidates: int = 5) -> MotionSymbols:
    rng = np.random.default_rng(seed)
    cells = sorted_cells(rng.integers(0, 1 << depth, (n, 3)), depth)
    candidates = candidates_of(cells[order_of(cells)], n_candidates)
    joined = (candidates >= 0) & (rng.random(candidates.shape) < 0.7)
    back = np.minimum(rng.integers(1, 4, n_frames), 1 + np.arange(n_frames)).astype(np.int32)
    residuals = np.round(rng.laplace(0, 2, (n_frames, len(cells), 3))).astype(np.int32)
    return MotionSymbols(depth, cells, joined, 150, back, residuals)


def same(a: MotionSymbols, b: MotionSymbols) -> bool:
    arrays = ("cells", "joined", "back", "residuals")
    return (a.depth, a.step_code) == (b.depth, b.step_code) and all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in arrays
    )


@settings(max_examples=25)
@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 10), st.integers(0, 99), st.integers(1, 12))
def test_symbols_come_back(n: int, n_frames: int, depth: int, seed: int, n_candidates: int) -> None:
    symbols = some_motion(n, n_frames, depth, seed, n_candidates)
    data = pack_motion(symbols)
    assert same(unpack_motion(data), symbols)
    assert pack_motion(unpack_motion(data)) == data
    assert frames_of(data) == n_frames


def test_a_motion_that_repeats_costs_little() -> None:
    """Zeros, after the first frame, are learned."""
    still = some_motion(200, 50)
    still.residuals[1:] = 0
    moving = some_motion(200, 50)
    assert len(pack_motion(still)) < len(pack_motion(moving)) / 15


def test_order_and_candidates() -> None:
    cells = np.array([[0, 0, 0], [0, 0, 1], [0, 0, 7], [0, 0, 8]])
    order = order_of(cells)
    assert order.tolist() == [0, 3, 1, 2]
    assert candidates_of(cells[order], 2).tolist() == [[-1, -1], [0, -1], [0, 1], [1, 2]]


def test_middles_span_twice_the_cube() -> None:
    assert middles_of(np.array([[0, 1, 3]]), 2).tolist() == [[-1.5, -0.5, 1.5]]


def test_steps() -> None:
    assert step_of_code(192) == 1.0
    assert [code_of_step(step_of_code(code)) for code in range(256)] == list(range(256))


def test_what_there_is() -> None:
    symbols = some_motion()
    assert check_motion(pack_motion(symbols)) == {"frames": 4, "nodes": len(symbols.cells)}


# -- what is refused --------------------------------------------------------------------------------------------------

DATA = pack_motion(some_motion())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x00" + DATA[1:], "frames: 0 is not in 1..65536"),
        (DATA[:1] + b"\x00" + DATA[2:], "depth: 0 is not in 1..10"),
        (DATA[:1] + b"\x0b" + DATA[2:], "depth: 11 is not in 1..10"),
        (DATA[:2] + b"\x00" + DATA[3:], "candidates: 0 is not in 1..12"),
        (DATA[:2] + b"\x0d" + DATA[3:], "candidates: 13 is not in 1..12"),
        (DATA + b"\x00", "motion"),
    ],
)
def test_fields_out_of_range(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        unpack_motion(data)


def test_cut_in_the_head() -> None:
    for n_bytes in range(4):
        with pytest.raises(TruncatedError, match="motion"):
            unpack_motion(DATA[:n_bytes])


def test_a_frame_from_one_that_does_not_come_before() -> None:
    symbols = some_motion()
    symbols.back[1] = 3
    with pytest.raises(FormatError, match="predicted from one that does not come before it"):
        unpack_motion(pack_motion(symbols))


def test_too_many_nodes() -> None:
    rng = np.random.default_rng(0)
    symbols = replace(some_motion(), depth=8, cells=sorted_cells(rng.integers(0, 256, (2100, 3)), 8))
    candidates = candidates_of(symbols.cells[order_of(symbols.cells)], 2)
    n = len(symbols.cells)
    data = pack_motion(
        replace(symbols, joined=candidates >= 0, back=np.ones(1, np.int32), residuals=np.zeros((1, n, 3), np.int32))
    )
    with pytest.raises(FormatError, match=r"motion: \d+ points, but the format allows 2048"):
        unpack_motion(data)


@pytest.mark.parametrize(
    ("limit", "value"), [("max_depth", 5), ("max_cells", 10), ("max_symbols", 300), ("max_frames", 3)]
)
def test_limits(limit: str, value: int) -> None:
    with pytest.raises(LimitError, match=limit):
        unpack_motion(DATA, limits=replace(DEFAULT, **{limit: value}))


def test_many_frames_from_few_bytes() -> None:
    """A head that claims more numbers than are allowed is refused before memory is spent on them."""
    head = b"\xff\x7f" + DATA[1:]
    start = time.perf_counter()
    with pytest.raises(LimitError, match="max_symbols"):
        unpack_motion(head, limits=replace(DEFAULT, max_symbols=900_000))
    assert time.perf_counter() - start < 5


def test_changed_bytes() -> None:
    """Nothing but an SdfzError, or other symbols."""
    assert damage.n_refused(lambda data: unpack_motion(data, limits=TIGHT), DATA, 150) > 50


@given(st.binary(max_size=100))
@settings(max_examples=60)
def test_random_bytes(data: bytes) -> None:
    try:
        unpack_motion(DATA[:4] + data, limits=TIGHT)
    except SdfzError:
        pass
