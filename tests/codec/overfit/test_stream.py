import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import plain_numbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sdfz.codec.overfit.architecture import ACTIVATIONS, Architecture
from sdfz.codec.overfit.stream import PAYLOAD, pack_symbols, unpack_symbols
from sdfz.codec.overfit.symbols import (
    MAX_CRUMBS,
    MAX_STEP_CODE,
    MAX_SYMBOL,
    OverfitSymbols,
    code_of_step,
    step_of_code,
)
from sdfz.formats.container import Section
from sdfz.formats.errors import FormatError, LimitError, TruncatedError
from sdfz.formats.limits import DEFAULT
from strategies import octrees, rngs

ROOT = np.zeros((1, 3), np.int32)


@st.composite
def overfit_symbols(draw):
    """Everything that an `overfit` file can say, of small networks."""
    n_hidden = draw(st.integers(1, 4))
    architecture = Architecture(
        draw(st.integers(1, 9)),
        n_hidden,
        draw(st.sampled_from(ACTIVATIONS)),
        draw(st.integers(0, 8)),
        draw(st.booleans()),
        n_hidden > 1 and draw(st.booleans()),
        draw(st.booleans()),
    )
    cells, depth = draw(octrees(4) | st.just((ROOT, 0)))
    rng, spread = draw(rngs()), draw(st.sampled_from([0.0, 0.4, 5.0, 3e5]))
    n_layers = len(architecture.shapes)
    codes = draw(st.lists(st.integers(0, MAX_STEP_CODE), min_size=n_layers, max_size=n_layers))
    weights = tuple(
        np.clip(np.round(rng.laplace(0, spread, shape)), -MAX_SYMBOL, MAX_SYMBOL).astype(np.int32)
        for shape in architecture.shapes
    )
    return OverfitSymbols(architecture, tuple(codes), weights, depth, cells, draw(st.integers(0, MAX_CRUMBS)))


def plain(symbols):
    values = {field.name: getattr(symbols, field.name) for field in fields(symbols)}
    return {**values, "weights": [w.tolist() for w in symbols.weights], "cells": symbols.cells.tolist()}


@settings(max_examples=40)
@given(overfit_symbols())
def test_round_trip(symbols):
    sections = pack_symbols(symbols)
    assert sections == pack_symbols(symbols)
    assert plain(unpack_symbols(sections)) == plain(symbols)


@settings(max_examples=10)
@given(overfit_symbols())
def test_a_decoder_from_the_format_document_agrees(symbols):
    """Of the weights: kinds, places and what is near, as the document says it."""
    data = pack_symbols(symbols)[0].data
    values, start = PAYLOAD.unpack(data)
    stream = plain_numbers.Numbers(data[start + values["cells_size"] :])
    assert [stream.take_bits(8) for _ in symbols.step_codes] == list(symbols.step_codes)
    first = 0
    for layer, (rows, columns) in enumerate(symbols.architecture.shapes):
        for r in range(rows):
            for c in range(columns):
                place = min(c, 7) if layer == 0 else int(c >= symbols.architecture.width)
                steps = [(1, 0), (0, 1), (2, 0), (0, 2), (3, 0), (0, 3)]
                near = [first + (r - u) * columns + c - v if r >= u and c >= v else -1 for u, v in steps]
                assert stream.take(layer, place, near) == symbols.weights[layer][r, c]
        first += rows * columns
    stream.check_end()


def example(**changes):
    """Symbols of a network of two hidden layers of 16."""
    architecture = Architecture(16, 2, "sine", biases=False, bounded=False)
    rng = np.random.default_rng(0)
    weights = tuple(np.round(rng.laplace(0, 4, shape)).astype(np.int32) for shape in architecture.shapes)
    return replace(OverfitSymbols(architecture, (40, 50, 60), weights, 0, ROOT, 3), **changes)


def test_weights_of_a_distribution_cost_about_its_entropy():
    """Laplace of spread 8: 5.4 bits a weight; within a tenth although nothing is known of them at first."""
    symbols = example()
    rng = np.random.default_rng(0)
    wide = Architecture(40, 2, "sine", biases=False, bounded=False)
    weights = tuple(np.round(rng.laplace(0, 8, shape)).astype(np.int32) for shape in wide.shapes)
    n_bytes = len(pack_symbols(replace(symbols, architecture=wide, weights=weights))[0].data)
    assert 8 * n_bytes / wide.n_weights < 1.1 * np.log2(2 * np.e * 8)


def test_zeros_cost_next_to_nothing():
    symbols = example()
    zeros = tuple(np.zeros_like(weights) for weights in symbols.weights)
    assert len(pack_symbols(replace(symbols, weights=zeros))[0].data) < 25


@given(st.integers(0, MAX_STEP_CODE))
def test_steps(code):
    """Eight an octave; exact in single precision, so that every decoder has the same weights."""
    step = step_of_code(code)
    assert code_of_step(step) == code
    assert float(np.float32(step)) == step
    assert step == pytest.approx(16 * 2 ** (-code / 8), rel=1e-6)


def test_steps_out_of_range_take_the_nearest():
    assert (code_of_step(1e9), code_of_step(1e-30)) == (0, MAX_STEP_CODE)


def payload(symbols=None, **changes):
    """Sections of some symbols with fields of the head changed, all of which are below 128."""
    data = pack_symbols(symbols or example())[0].data
    values, start = PAYLOAD.unpack(data)
    values = {**values, **changes}
    # Packed by hand: the table refuses what is out of range.
    head = bytes([values["width"], values["hidden"], values["form"], values["depth"], values["crumbs"]])
    return [Section(1, head + bytes([values["cells_size"]]) + data[start:])]


@pytest.mark.parametrize(
    ("sections", "kind", "message"),
    [
        (payload(width=0), FormatError, "width: 0 is not in 1"),
        (payload(hidden=33), FormatError, "hidden: 33 is not in 1"),
        (payload(form=9), FormatError, "n_frequencies 9"),
        (payload(hidden=1, form=16 + 64), FormatError, "skip, but there is no layer in the middle"),
        (payload(depth=9), FormatError, "depth: 9"),
        (payload(crumbs=129), FormatError, "crumbs: 129"),
        (payload(cells_size=1), FormatError, "coded data|step code"),
        (payload(depth=2), FormatError, "octree: an occupied cell of level 0 has no child"),
        (payload(example(step_codes=(40, 50, 200))), FormatError, "step code 200 is above 159"),
        ([Section(1, b"")], TruncatedError, "overfit payload: width"),
        ([Section(1, payload()[0].data + b"\1")], FormatError, "overfit payload"),
        ([*payload(), Section(2, b"")], FormatError, r"sections \[1, 2\], not one with id 1"),
        ([Section(2, payload()[0].data)], FormatError, r"sections \[2\]"),
    ],
)
def test_malformed(sections, kind, message):
    with pytest.raises(kind, match=message):
        unpack_symbols(sections)


def test_cells_beyond_the_end():
    cut = payload(example(depth=3, cells=np.argwhere(np.ones((8, 8, 8))).astype(np.int32)), cells_size=120)
    with pytest.raises(TruncatedError, match="120 bytes of cells, but"):
        unpack_symbols([Section(1, cut[0].data[:60])])


def test_a_weight_that_is_too_large():
    weights = list(example().weights)
    weights[1] = np.full_like(weights[1], MAX_SYMBOL + 1)
    with pytest.raises(FormatError, match="a weight of size 1048576 is above 1048575"):
        unpack_symbols(pack_symbols(example(weights=tuple(weights))))


@pytest.mark.parametrize(
    ("limit", "value"), [("max_symbols", 300), ("max_cells", 100), ("max_depth", 2)]
)  # fmt: skip
def test_limits(limit, value):
    sections = pack_symbols(example(depth=3, cells=np.argwhere(np.ones((8, 8, 8))).astype(np.int32)))
    with pytest.raises(LimitError, match=limit):
        unpack_symbols(sections, limits=replace(DEFAULT, **{limit: value}))


def test_many_weights_from_few_bytes():
    """The widest network of zeros: refused where it is over the format's own limit, and small to read below it."""
    head = PAYLOAD.pack({"width": 1000, "hidden": 32, "form": 0, "depth": 0, "crumbs": 0, "cells_size": 0})
    with pytest.raises(FormatError, match="weights are more than 4194304"):
        unpack_symbols([Section(1, head)])


def test_checking_does_not_load_torch():
    program = "import sys, sdfz.codec.overfit.decode; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False"]
