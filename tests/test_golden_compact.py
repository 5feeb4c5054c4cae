"""The golden files of `compact`: symbols and pack, their fields by a decoder from the format document, and damage."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from functools import cache

import damage
import golden_files
import numpy as np
import plain_decoder
import pytest
from numpy.typing import NDArray
from plain_decoder import PARITY_ORDER
from plain_numbers import Numbers
from sdfz.codec.compact.field import CompactField
from sdfz.codec.compact.integers import IntegerField
from sdfz.codec.compact.shared import branches_of_pack, numbers_of_pack
from sdfz.codec.compact.stream import MAX_FIRST_DEPTH, PAYLOAD, RESIDUAL, CodedResidual, pack_symbols, unpack_symbols
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.grid.model import GridField
from sdfz.codec.grid.stream import pack_symbols as pack_grid
from sdfz.codec.grid.stream import unpack_symbols as unpack_grid
from sdfz.codec.packs.lookup import PackSearch
from sdfz.formats import (
    FormatError,
    LimitError,
    MissingPackError,
    Section,
    TruncatedError,
    pack,
    read_model,
    unpack,
)
from sdfz.formats.limits import DEFAULT
from strategies import PRIORS_FILE, TABLES_FILE

FOLDER = golden_files.FOLDER / "compact"
DATA = (FOLDER / "octahedron.sdfz").read_bytes()
WITH_RESIDUAL = (FOLDER / "residual.sdfz").read_bytes()
MODEL = read_model(FOLDER / "octahedron.sdfm")
PACKS = PackSearch((FOLDER / "octahedron.sdfm",), ())
TOLERANCE = 1e-4
STEPS = ((0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 0, -1), (0, -1, 0), (-1, 0, 0))
N_CELLS = 64

Layers = list[NDArray[np.float64]]


def stored(name: str = "octahedron") -> dict[str, NDArray[np.generic]]:
    with np.load(FOLDER / f"{name}.npz") as arrays:
        return dict(arrays)


def test_symbols_and_bytes() -> None:
    container = unpack(DATA)
    symbols, residual = unpack_symbols(container.sections)
    assert residual is None
    assert (symbols.step_code, symbols.code.tolist()) == (170, stored()["code"].tolist())
    assert container.header.pack_hash == MODEL.short
    assert pack(container.header, pack_symbols(symbols)) == DATA
    assert check_bytes(DATA) == {"method": "compact", "n_numbers": 5}


def test_a_residual() -> None:
    expected, container = stored("residual"), unpack(WITH_RESIDUAL)
    code, residual = unpack_symbols(container.sections)
    assert residual is not None
    assert (residual.zoom, code.code.tolist()) == (150, expected["code"].tolist())
    first = IntegerField(numbers_of_pack(MODEL), code, residual.zoom)
    grid = unpack_grid(residual.sections, first=first)
    for name in ("cells", "trimmed", "parts"):
        assert np.array_equal(getattr(grid, name), expected[name])
    for i, latents in enumerate(grid.latents):
        assert np.array_equal(latents, expected[f"latents{i}"])
    again = pack_symbols(code, CodedResidual(residual.zoom, tuple(pack_grid(grid, 2, first))))
    assert pack(container.header, again) == WITH_RESIDUAL
    found = GridField(grid, first=first).distance(expected["points"])
    np.testing.assert_allclose(found, expected["distances"], rtol=TOLERANCE, atol=TOLERANCE)
    counts = check_bytes(WITH_RESIDUAL, packs=PACKS)
    assert counts.items() >= {"method": "compact", "n_numbers": 5, "n_levels": 3, "n_trimmed": 5}.items()


def test_a_coarser_residual() -> None:
    """Without its detail section, or without its finest level."""
    first, *_ = unpack(WITH_RESIDUAL).sections
    points, header = stored("residual")["points"], unpack(WITH_RESIDUAL).header
    cut, coarser, whole = (
        decode_bytes(data, lod=lod, packs=PACKS).surface.field.distance(points)
        for data, lod in ((pack(header, [first]), 0), (WITH_RESIDUAL, 1), (WITH_RESIDUAL, 0))
    )
    assert np.array_equal(cut, coarser)
    assert not np.array_equal(cut, whole)


def test_the_format_document_has_the_fields() -> None:
    assert PAYLOAD.markdown() in golden_files.SPEC.read_text("utf-8")


def test_distances() -> None:
    expected = stored()
    field = CompactField(unpack_symbols(unpack(DATA).sections)[0], branches_of_pack(MODEL))
    assert 3000 < len(field.region.coords) < N_CELLS**3 / 2
    found = field.distance(expected["points"])
    np.testing.assert_allclose(found, expected["distances"], rtol=TOLERANCE, atol=TOLERANCE)


# -- a decoder from the format document alone --------------------------------------------------------------------------


def plain_integers() -> tuple[list[list[int]], list[int], list[int]]:
    """The numbers of the grid, feature by feature, and of each layer; their step codes; and the sizes."""
    _, _, r, n_features, *_ = sizes = MODEL.arrays["sizes"].tolist()
    numbers = Numbers(MODEL.arrays["coded"].tobytes())
    grid, before = list[int](), dict[tuple[int, ...], int]()
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
                numbers.take(min(f, 7), number, near)
        grid += [numbers.known[positions[node]] for node in itertools.product(range(r), repeat=3)]
        before = positions
    arrays = [grid]
    for number, (rows, columns) in enumerate(plain_shapes()):
        first = len(numbers.known)
        arrays.append([
            numbers.take(8 + min(number, 55), min(i % columns, 63), [first + i - columns if i >= columns else -1])
            for i in range(rows * columns)
        ])  # fmt: skip
    numbers.check_end()
    return arrays, MODEL.arrays["steps"].tolist(), sizes


def plain_shapes() -> list[tuple[int, int]]:
    """(outputs, inputs) of all layers."""
    d, octaves, _, n_features, width, n_hidden = MODEL.arrays["sizes"].tolist()
    shapes = []
    for n_local in (3 + 6 * octaves, 3 + n_features):
        shapes += [(width, n_local + d + 1), *[(width, width + 1)] * (n_hidden - 1), (1, width + 1)]
    return shapes


def plain_pack() -> tuple[NDArray[np.float64], Layers, Layers, list[int]]:
    """Grid (F, R, R, R), layers of the coarse and the fine branch, and the sizes."""
    (grid, *integers), codes, sizes = plain_integers()
    _, _, r, n_features, _, n_hidden = sizes
    steps = [2 ** ((code - 192) / 8) for code in codes]
    layers = [
        np.array(layer).reshape(shape) * step
        for layer, shape, step in zip(integers, plain_shapes(), steps[1:], strict=True)
    ]
    features = np.array(grid).reshape(n_features, r, r, r) * steps[0]
    return features, layers[: n_hidden + 1], layers[n_hidden + 1 :], sizes


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


class PlainFirst:
    """The fine branch in integers, at nodes."""

    def __init__(self, code: list[int], step: int, zoom: int) -> None:
        integers, self._steps, (_, _, self._r, n_features, _, n_hidden) = plain_integers()
        r, self._zoom = self._r, zoom
        features = [self._clip(self._times(q << 16, self._steps[0])) for q in integers[0]]
        self._features = [features[f * r**3 : (f + 1) * r**3] for f in range(n_features)]
        self._layers = integers[1 + n_hidden + 1 :]
        self._layer_steps = self._steps[1 + n_hidden + 1 :]
        self._code = [self._clip(self._times(q << 16, step)) for q in code]

    @staticmethod
    def _times(x: int, step: int) -> int:
        return x * plain_decoder.MANTISSAS[(192 - step) % 8] >> 20 + (192 - step) // 8

    @staticmethod
    def _clip(x: int, n_bits: int = 22) -> int:
        return max(-(1 << n_bits) + 1, min(x, (1 << n_bits) - 1))

    @cache  # noqa: B019 - nodes are asked for more than once
    def __call__(self, node: tuple[int, int, int], depth: int) -> int:
        places = [((2 * n - 2**depth) * self._zoom << 9) >> depth for n in node]
        inputs = [self._trilinear(feature, places) for feature in self._features]
        inputs += [self._clip(x) for x in places] + self._code
        for number, (layer, step) in enumerate(zip(self._layers, self._layer_steps, strict=True)):
            n = len(inputs) + 1
            rows = [layer[i : i + n] for i in range(0, len(layer), n)]
            sums = [sum(w * x for w, x in zip(row, [*inputs, 1 << 16], strict=True)) for row in rows]
            inputs = [self._clip(self._times(self._clip(s, 42), step)) for s in sums]
            if number < len(self._layers) - 1:
                inputs = [max(x, 0) for x in inputs]
        return inputs[0] * 2048 // self._zoom

    def _trilinear(self, feature: list[int], places: list[int]) -> int:
        r = self._r
        scaled = [min(max((x + 65536) * (r - 1) >> 1, 0), (r - 1) << 16) for x in places]
        low = [min(s >> 16, r - 2) for s in scaled]
        offset = [s - (n << 16) for s, n in zip(scaled, low, strict=True)]
        values = {c: feature[((low[0] + c[0]) * r + low[1] + c[1]) * r + low[2] + c[2]]
                  for c in itertools.product((0, 1), repeat=3)}  # fmt: skip
        for o in offset:
            rest = itertools.product((0, 1), repeat=len(next(iter(values))) - 1)
            values = {c: values[(0, *c)] + ((values[(1, *c)] - values[(0, *c)]) * o >> 16) for c in rest}
        return values[()]


def test_a_decoder_from_the_format_document_agrees_on_a_residual() -> None:
    """Symbols exactly, distances within the tolerance."""
    base, *details = (section.data for section in unpack(WITH_RESIDUAL).sections)
    assert int.from_bytes(base[:2], "little") == 5 | 1 << 15
    step, zoom, n_bytes = base[2:5]
    numbers = Numbers(base[5 : 5 + n_bytes])
    code = [numbers.take(0, 0, [n - 1, n - 2 if n > 1 else -1]) for n in range(5)]
    numbers.check_end()
    first = PlainFirst(code, step, zoom)
    payloads = [base[5 + n_bytes :], *details]
    grid = plain_decoder.decode_sections(payloads, plain_decoder.Tables(TABLES_FILE, PRIORS_FILE), first)
    expected = stored("residual")
    assert [list(level.values()) for level in grid.latents] == [expected[f"latents{i}"].tolist() for i in range(3)]
    for name in ("cells", "trimmed", "parts"):
        assert [list(cell) for cell in getattr(grid, name)] == expected[name].tolist()
    distances = [grid.distance(point) for point in expected["points"].tolist()]
    np.testing.assert_allclose(distances, expected["distances"], rtol=TOLERANCE, atol=TOLERANCE)


# -- damage -----------------------------------------------------------------------------------------------------------


def test_a_decoder_without_the_pack_says_so() -> None:
    assert len(decode_bytes(DATA, packs=PACKS).triangles(32)[1]) > 100
    with pytest.raises(MissingPackError, match=MODEL.short.hex()):
        decode_bytes(DATA, packs=PackSearch((), ()))


def check(data: bytes) -> dict[str, object]:
    return check_bytes(data, packs=PACKS)


@pytest.mark.parametrize("data", [DATA, WITH_RESIDUAL], ids=["code", "residual"])
def test_damaged_files_are_refused(data: bytes) -> None:
    damage.check_truncations(check, data)
    damage.check_changes(check, data)
    damage.check_one_byte_more(check, data)


def test_random_changes_of_a_payload_are_refused_or_another_shape() -> None:
    """Behind right checksums; most others do not end where an encoder ends them."""
    container = unpack(WITH_RESIDUAL)
    base, *details = container.sections

    def read(data: bytes) -> None:
        check(pack(container.header, [Section(base.id, data), *details]))

    assert 40 < damage.n_refused(read, base.data, 60) <= 60


def test_a_residual_is_checked_with_its_pack() -> None:
    with pytest.raises(MissingPackError, match=MODEL.short.hex()):
        check_bytes(WITH_RESIDUAL, packs=PackSearch((), ()))


def changed(place: int, value: int) -> bytes:
    """The file with another byte in its base payload, and right checksums."""
    container = unpack(WITH_RESIDUAL)
    base, *details = container.sections
    data = base.data[:place] + bytes([value]) + base.data[place + 1 :]
    return pack(container.header, [Section(base.id, data), *details])


def test_residuals_that_no_encoder_writes() -> None:
    _, residual = unpack_symbols(unpack(WITH_RESIDUAL).sections)
    assert residual is not None
    grid = len(unpack(WITH_RESIDUAL).sections[0].data) - len(residual.sections[0].data)
    too_fine = 128 | 3 << 4 | MAX_FIRST_DEPTH + 3
    for place, value, message in (
        (0, 0, "numbers: 0 is not in"),
        (1, RESIDUAL >> 8 | 64, "numbers: 16389 is not in"),
        (3, 0, "zoom"),
        (4, unpack(WITH_RESIDUAL).sections[0].data[4] + 1, "compact payload"),
        (grid, 4 | 5 << 4 | 128, "depth 4 with 5 levels"),
        (grid, 4 | 3 << 4, "coded by tables"),
        (grid, too_fine, f"latents begin at depth {MAX_FIRST_DEPTH + 1}"),
        (grid + 1, 2 | 2 << 4, "with a network of a model pack"),
    ):
        with pytest.raises(FormatError, match=message):
            check_bytes(changed(place, value), packs=PACKS)
    container = unpack(WITH_RESIDUAL)
    short = pack(container.header, [Section(1, container.sections[0].data[:8])])
    with pytest.raises(TruncatedError, match="bytes of a code, but 3 are there"):
        check_bytes(short, packs=PACKS)


def test_limits_of_a_residual() -> None:
    for limits in (replace(DEFAULT, max_cells=50), replace(DEFAULT, max_symbols=1000), replace(DEFAULT, max_depth=3)):
        with pytest.raises(LimitError):
            check_bytes(WITH_RESIDUAL, limits=limits, packs=PACKS)
