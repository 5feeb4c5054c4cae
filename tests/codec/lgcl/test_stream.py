"""The payload of `lgcl`: symbols come back exactly, and whatever else is read is refused."""

from __future__ import annotations

from dataclasses import replace

import damage
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sdfz.codec.lgcl.decode import check_lgcl, needs_pack
from sdfz.codec.lgcl.stream import PAYLOAD, known_neighbours, pack_symbols, unpack_symbols
from sdfz.codec.lgcl.symbols import METHOD_ID, LocalSymbols, code_of_step, middles, step_of_code
from sdfz.codec.methods import METHOD_IDS
from sdfz.codec.occupancy import sorted_cells
from sdfz.formats import FormatError, LimitError, SdfzError, Section, TruncatedError
from sdfz.formats.limits import DEFAULT


def some_symbols(n: int = 30, depth: int = 5, n_channels: int = 4, seed: int = 0, size: float = 3.0) -> LocalSymbols:
    rng = np.random.default_rng(seed)
    cells = sorted_cells(rng.integers(0, 1 << depth, (n, 3)), depth)
    codes = np.round(rng.laplace(0, size, (len(cells), n_channels))).astype(np.int32)
    return LocalSymbols(depth, cells, 6, 120, codes)


def same(a: LocalSymbols, b: LocalSymbols) -> bool:
    heads = [(s.depth, s.n_neighbours, s.step_code) for s in (a, b)]
    return heads[0] == heads[1] and np.array_equal(a.cells, b.cells) and np.array_equal(a.codes, b.codes)


@settings(max_examples=25)
@given(
    st.integers(1, 60), st.integers(1, 10), st.integers(1, 16), st.integers(0, 99), st.sampled_from([0, 0.3, 3, 1e5])
)
def test_symbols_come_back(n: int, depth: int, n_channels: int, seed: int, size: float) -> None:
    symbols = some_symbols(n, depth, n_channels, seed, size)
    (section,) = pack_symbols(symbols)
    assert same(unpack_symbols([section]), symbols)
    assert pack_symbols(unpack_symbols([section])) == [section]


def test_smooth_codes_are_predicted() -> None:
    """Codes that follow their neighbours cost less than the same ones in another order, and the head says why."""
    symbols = some_symbols(300, 6, 2)
    smooth = np.stack([symbols.cells[:, 0], -symbols.cells[:, 1]], 1).astype(np.int32)
    shuffled = np.random.default_rng(0).permutation(smooth)
    sizes = [len(pack_symbols(replace(symbols, codes=codes))[0].data) for codes in (smooth, shuffled)]
    assert sizes[0] < sizes[1] - 200
    assert PAYLOAD.unpack(pack_symbols(replace(symbols, codes=smooth))[0].data)[0]["predicted"] == 3


def test_known_neighbours_come_before() -> None:
    known = known_neighbours(some_symbols(100).cells, 6)
    assert (known < np.arange(len(known))[:, None]).all()
    assert known[0].max() == -1
    assert (np.diff((known < 0).astype(int), axis=1) >= 0).all()


def test_steps() -> None:
    assert step_of_code(128) == 1.0
    assert [code_of_step(step_of_code(code)) for code in range(256)] == list(range(256))
    assert (code_of_step(1e-9), code_of_step(1e9)) == (0, 255)


def test_middles() -> None:
    assert middles(np.array([[0, 1, 3]]), 2).tolist() == [[-0.75, -0.25, 0.75]]


def test_the_id_is_permanent() -> None:
    assert METHOD_IDS["lgcl"] == METHOD_ID == 7


def test_what_there_is() -> None:
    symbols = some_symbols()
    sections = pack_symbols(symbols)
    assert check_lgcl(sections) == {"depth": 5, "n_key_points": len(symbols.cells), "n_channels": 4}
    assert needs_pack(sections)


# -- what is refused --------------------------------------------------------------------------------------------------

DATA = pack_symbols(some_symbols())[0].data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x00" + DATA[1:], "depth: 0 is not in 1..10"),
        (b"\x0b" + DATA[1:], "depth: 11 is not in 1..10"),
        (DATA[:1] + b"\x00" + DATA[2:], "neighbours: 0 is not in 1..16"),
        (DATA[:2] + b"\x11" + DATA[3:], "channels: 17 is not in 1..16"),
        (DATA[:4] + b"\x10" + DATA[5:], "predicted 0x10 names more than 4 channels"),
        (DATA + b"\x00", "lgcl payload"),
    ],
)
def test_fields_out_of_range(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        unpack_symbols([Section(1, data)])


def test_cut_in_the_head() -> None:
    for n_bytes in range(6):
        with pytest.raises(TruncatedError, match="lgcl payload"):
            unpack_symbols([Section(1, DATA[:n_bytes])])


def test_two_sections() -> None:
    with pytest.raises(FormatError, match="2 sections, but it is one"):
        unpack_symbols([Section(1, DATA), Section(2, DATA)])


@pytest.mark.parametrize(("limit", "value"), [("max_depth", 4), ("max_cells", 10), ("max_symbols", 400)])
def test_limits(limit: str, value: int) -> None:
    with pytest.raises(LimitError, match=limit):
        unpack_symbols([Section(1, DATA)], limits=replace(DEFAULT, **{limit: value}))


def test_changed_bytes() -> None:
    """Nothing but an SdfzError, or other symbols."""
    tight = replace(DEFAULT, max_cells=2000, max_symbols=100_000)
    assert damage.n_refused(lambda data: unpack_symbols([Section(1, data)], limits=tight), DATA, 150) > 50


@given(st.binary(max_size=100))
@settings(max_examples=60)
def test_random_bytes(data: bytes) -> None:
    try:
        unpack_symbols([Section(1, DATA[:6] + data)], limits=replace(DEFAULT, max_cells=2000, max_symbols=100_000))
    except SdfzError:
        pass
