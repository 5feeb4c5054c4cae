"""The golden file of `compact`: its symbols and pack, its field by a decoder from the format document, and damage."""

from __future__ import annotations

import itertools
import math

import golden_files
import numpy as np
import pytest
from numpy.typing import NDArray
from plain_decoder import PARITY_ORDER
from plain_numbers import Numbers
from sdfz.codec.compact.field import CompactField
from sdfz.codec.compact.shared import branches_of_pack
from sdfz.codec.compact.stream import PAYLOAD, pack_symbols, unpack_symbols
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.packs.lookup import PackSearch
from sdfz.formats import MissingPackError, SdfzError, TruncatedError, pack, read_model, unpack

FOLDER = golden_files.FOLDER / "compact"
DATA = (FOLDER / "octahedron.sdfz").read_bytes()
MODEL = read_model(FOLDER / "octahedron.sdfm")
PACKS = PackSearch((FOLDER / "octahedron.sdfm",), ())
TOLERANCE = 1e-4
STEPS = ((0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 0, -1), (0, -1, 0), (-1, 0, 0))
N_CELLS = 64

Layers = list[NDArray[np.float64]]


def stored() -> dict[str, NDArray[np.generic]]:
    with np.load(FOLDER / "octahedron.npz") as arrays:
        return dict(arrays)


def test_symbols_and_bytes() -> None:
    container = unpack(DATA)
    symbols = unpack_symbols(container.sections)
    assert (symbols.step_code, symbols.code.tolist()) == (170, stored()["code"].tolist())
    assert container.header.pack_hash == MODEL.short
    assert pack(container.header, pack_symbols(symbols)) == DATA
    assert check_bytes(DATA) == {"method": "compact", "n_numbers": 5}


def test_the_format_document_has_the_fields() -> None:
    assert PAYLOAD.markdown() in golden_files.SPEC.read_text("utf-8")


def test_distances() -> None:
    expected = stored()
    field = CompactField(unpack_symbols(unpack(DATA).sections), branches_of_pack(MODEL))
    assert 3000 < len(field.region.coords) < N_CELLS**3 / 2
    found = field.distance(expected["points"])
    np.testing.assert_allclose(found, expected["distances"], rtol=TOLERANCE, atol=TOLERANCE)


# -- a decoder from the format document alone --------------------------------------------------------------------------


def plain_pack() -> tuple[NDArray[np.float64], Layers, Layers, list[int]]:
    """Grid (F, R, R, R), layers of the coarse and the fine branch, and the sizes."""
    d, octaves, r, n_features, width, n_hidden = sizes = MODEL.arrays["sizes"].tolist()
    steps = [2 ** ((step - 192) / 8) for step in MODEL.arrays["steps"].tolist()]
    numbers = Numbers(MODEL.arrays["coded"].tobytes())
    grid = np.zeros((n_features, r, r, r))
    before: dict[tuple[int, ...], int] = {}
    for f in range(n_features):
        positions: dict[tuple[int, ...], int] = {}
        for number, parity in enumerate(PARITY_ORDER):
            known = dict(positions)
            for node in itertools.product(range(r), repeat=3):
                if 4 * (node[0] % 2) + 2 * (node[1] % 2) + node[2] % 2 != parity:
                    continue
                beside = [tuple(a + b for a, b in zip(node, step, strict=True)) for step in STEPS]
                near = [known[n] for n in beside if n in known]
                near += [-1] * (6 - len(near)) + [before.get(node, -1)]
                positions[node] = len(numbers.known)
                grid[(f, *node)] = numbers.take(min(f, 7), number, near) * steps[0]
        before = positions
    shapes = []
    for n_local in (3 + 6 * octaves, 3 + n_features):
        shapes += [(width, n_local + d + 1), *[(width, width + 1)] * (n_hidden - 1), (1, width + 1)]
    layers = []
    for number, (rows, columns) in enumerate(shapes):
        first = len(numbers.known)
        layer = [
            numbers.take(8 + min(number, 55), min(i % columns, 63), [first + i - columns if i >= columns else -1])
            for i in range(rows * columns)
        ]
        layers.append(np.array(layer).reshape(rows, columns) * steps[1 + number])
    numbers.check_end()
    return grid, layers[: n_hidden + 1], layers[n_hidden + 1 :], sizes


def run(layers: Layers, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    for layer in layers[:-1]:
        inputs = np.append(np.maximum(inputs @ layer.T, 0), np.ones((len(inputs), 1)), 1)
    return (inputs @ layers[-1].T)[:, 0]


def trilinear(volume: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, F) values of (F, R, R, R)."""
    r = volume.shape[1]
    place = (points + 1) / 2 * (r - 1)
    low = np.minimum(np.floor(place).astype(int), r - 2)
    offset, total = place - low, np.zeros((len(points), len(volume)))
    for corner in itertools.product((0, 1), repeat=3):
        share = np.where(corner, offset, 1 - offset).prod(1)
        total += share[:, None] * volume[(slice(None), *(low + corner).T)].T
    return total


def test_a_decoder_from_the_format_document_agrees() -> None:
    grid, coarse_layers, fine_layers, (_, octaves, *_) = plain_pack()
    code = stored()["code"] * 2 ** ((170 - 192) / 8)

    def ending(points: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        return [np.tile(code, (len(points), 1)), np.ones((len(points), 1))]

    def coarse(points: NDArray[np.float64]) -> NDArray[np.float64]:
        waves = [f(2**o * math.pi * points) for o in range(octaves) for f in (np.sin, np.cos)]
        return run(coarse_layers, np.column_stack([points, *waves, *ending(points)]))

    axis = np.linspace(-1, 1, N_CELLS + 1)
    nodes = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    inside = (coarse(nodes) < 0).reshape((N_CELLS + 1,) * 3)
    seen = [inside[tuple(slice(c, c + N_CELLS) for c in corner)] for corner in itertools.product((0, 1), repeat=3)]
    crossed = np.argwhere(np.any(seen, 0) & ~np.all(seen, 0))
    weights = np.zeros((N_CELLS + 1,) * 3)
    for step in itertools.product(range(-2, 4), repeat=3):  # the corners of cells within two steps
        weights[tuple(np.clip(crossed + step, 0, N_CELLS).T)] = 1
    points = stored()["points"].astype(np.float64)
    fine = run(fine_layers, np.column_stack([trilinear(grid, points), points, *ending(points)]))
    s = coarse(points)
    found = s + trilinear(weights[None], points)[:, 0] * (fine - s)
    np.testing.assert_allclose(found, stored()["distances"], rtol=TOLERANCE, atol=TOLERANCE)


# -- damage -----------------------------------------------------------------------------------------------------------


def test_a_decoder_without_the_pack_says_so() -> None:
    assert len(decode_bytes(DATA, packs=PACKS).triangles(32)[1]) > 100
    with pytest.raises(MissingPackError, match=MODEL.short.hex()):
        decode_bytes(DATA, packs=PackSearch((), ()))


def test_every_truncation_and_every_changed_byte_is_refused() -> None:
    for i, good in enumerate(DATA):
        with pytest.raises(TruncatedError if i else SdfzError):
            check_bytes(DATA[:i])
        for mask in (1, 128, 255):
            with pytest.raises(SdfzError):
                check_bytes(DATA[:i] + bytes([good ^ mask]) + DATA[i + 1 :])
