"""The golden file of a shared network: a file of the `grid` method and the model pack that it needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import golden_files
import numpy as np
import plain_decoder
import pytest
import sdfz
import shapes
from encoded import RESOLUTION
from numpy.typing import NDArray
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.distortion import Reference
from sdfz.codec.encode import EncodeSettings, encode_mesh
from sdfz.codec.grid.model import GridField
from sdfz.codec.grid.shared import layers_of_pack, pack_of_layers
from sdfz.codec.grid.stream import pack_symbols, unpack_symbols
from sdfz.codec.packs.lookup import PackSearch
from sdfz.formats import (
    CorruptPackError,
    FormatError,
    MissingPackError,
    ModelPack,
    PackMethodError,
    pack,
    read_model,
    unpack,
    write_model,
)
from strategies import PRIORS_FILE, TABLES_FILE

FOLDER = golden_files.FOLDER / "shared"
DATA = (FOLDER / "sphere.sdfz").read_bytes()
MODEL = read_model(FOLDER / "sphere.sdfm")
NOWHERE = PackSearch((), ())
TOLERANCE = 1e-5


def expected() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    with np.load(FOLDER / "sphere.npz") as arrays:
        return arrays["points"], arrays["distances"]


def test_symbols_and_bytes() -> None:
    container, sphere = unpack(DATA), golden_files.load("sphere")
    symbols = unpack_symbols(container.sections)
    assert (symbols.network, symbols.weights) == (2, ())
    assert all(map(np.array_equal, symbols.latents, sphere.symbols.latents))
    assert container.header.pack_hash == MODEL.short
    golden_files.assert_same(unpack_symbols(pack_symbols(symbols, sphere.n_base_levels)), symbols)


def test_distances() -> None:
    points, distances = expected()
    own = golden_files.load("sphere").distances
    found = GridField(unpack_symbols(unpack(DATA).sections), pack=MODEL).distance(points)
    np.testing.assert_allclose(found, distances, rtol=TOLERANCE, atol=TOLERANCE)
    assert np.abs(found - own).max() > 1e-3  # the pack's network is not the file's own


def test_a_decoder_from_the_format_document_agrees() -> None:
    payloads = [section.data for section in unpack(DATA).sections]
    grid = plain_decoder.decode_sections(payloads, plain_decoder.Tables(TABLES_FILE, PRIORS_FILE))
    grid.shared = [MODEL.arrays[f"layer{i}"].tolist() for i in range(3)]
    points, distances = expected()
    found = [grid.distance(point) for point in points.tolist()]
    np.testing.assert_allclose(found, distances, rtol=TOLERANCE, atol=TOLERANCE)


def test_the_pack_is_found_or_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = decode_bytes(DATA, packs=PackSearch((FOLDER / "sphere.sdfm",), ())).triangles(32)
    with pytest.raises(MissingPackError, match=MODEL.short.hex()):
        decode_bytes(DATA, packs=NOWHERE)
    monkeypatch.setenv("SDFZ_PACKS", str(FOLDER))
    assert np.array_equal(sdfz.decode(DATA, resolution=32).vertices, named[0])
    monkeypatch.delenv("SDFZ_PACKS")
    assert np.array_equal(sdfz.decode(DATA, pack=FOLDER / "sphere.sdfm", resolution=32).vertices, named[0])


def test_checking_needs_no_pack() -> None:
    assert check_bytes(DATA)["n_weights"] == 0


@pytest.mark.parametrize("read", [lambda data: decode_bytes(data, packs=NOWHERE), check_bytes])
def test_header_and_payload_agree(read: Any) -> None:
    whole, sphere = unpack(DATA), unpack(golden_files.stored_bytes("sphere"))
    with pytest.raises(FormatError, match="names no model pack, but the grid payload needs one"):
        read(pack(replace(whole.header, pack_hash=None), whole.sections))
    with pytest.raises(FormatError, match=f"names model pack {MODEL.short.hex()}, but the grid payload needs none"):
        read(pack(whole.header, sphere.sections))


# -- the network of a pack --------------------------------------------------------------------------------------------


def test_fewer_levels_leave_out_the_first_columns() -> None:
    layers = layers_of_pack(MODEL, 2)
    assert np.array_equal(layers[0], MODEL.arrays["layer0"][:, -6:])
    assert [layer.shape for layer in layers[1:]] == [(16, 16), (1, 16)]


def test_more_levels_than_the_pack_is_for() -> None:
    with pytest.raises(FormatError, match="5 levels, but its model pack is for 4"):
        layers_of_pack(MODEL, 5)


@pytest.mark.parametrize(
    "shapes",
    [
        [(1, 8)],  # no hidden layer
        [(16, 4), (1, 16)],  # no level
        [(16, 11), (1, 16)],  # too many levels
        [(17, 8), (1, 17)],
        [(16, 8), (16, 8), (1, 16)],
        [(16, 8), (2, 16)],
        [(16, 8), *[(16, 16)] * 4, (1, 16)],  # too deep
        [(16, 8, 1), (1, 16)],
    ],
)
def test_what_is_no_network(shapes: list[tuple[int, ...]], tmp_path: Path) -> None:
    model = ModelPack("grid", 1, {f"layer{i}": np.ones(shape, np.float32) for i, shape in enumerate(shapes)})
    write_model(tmp_path / "a.sdfm", model)
    container = unpack(DATA)
    data = pack(replace(container.header, pack_hash=model.short), container.sections)
    with pytest.raises(CorruptPackError, match=f"{model.short.hex()}: its arrays are not"):
        decode_bytes(data, packs=PackSearch((), (tmp_path,)))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"layout": 2}, PackMethodError),
        (
            {"arrays": {"layer0": np.ones((16, 8), np.float16), "layer1": np.ones((1, 16), np.float32)}},
            CorruptPackError,
        ),
        ({"arrays": {**MODEL.arrays, "more": np.int8([1])}}, CorruptPackError),
    ],
)
def test_other_packs(change: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        layers_of_pack(replace(MODEL, **change), 4)


def test_packs_are_made_of_layers() -> None:
    made = pack_of_layers([MODEL.arrays[f"layer{i}"] for i in range(3)], {})
    assert made.digest == MODEL.digest


# -- encoding with a pack ---------------------------------------------------------------------------------------------


def test_an_encoder_leaves_the_shared_network_as_it_is(quick: None) -> None:
    """The file names the pack, holds no weights, and decodes with the pack to the error that it says."""
    mesh = shapes.torus()
    settings = EncodeSettings("grid", quality=20, effort=1, device="cpu", pack=MODEL)
    encoded = encode_mesh(*mesh, settings)
    assert encoded.header.pack_hash == MODEL.short
    assert check_bytes(encoded.data)["n_weights"] == 0
    decoded = decode_bytes(encoded.data, packs=PackSearch((FOLDER / "sphere.sdfm",))).triangles(RESOLUTION)
    found = Reference(*mesh, 20_000).measure(*decoded)
    assert found.cd == pytest.approx(encoded.header.errors.cd, rel=0.1)


@pytest.mark.parametrize("settings", [{"method": "scaffold"}, {"pack": replace(MODEL, method="scaffold")}])
def test_another_methods_pack_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(PackMethodError, match="which method (scaffold|auto) does not use"):
        EncodeSettings(**{"pack": MODEL, **settings})
