"""One code for a whole shape: coding, training, and files through what comes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapes
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.deepsdf.field import CodeField
from sdfz.codec.deepsdf.shared import network_of_pack, pack_of_network
from sdfz.codec.deepsdf.stream import METHOD_ID, pack_symbols, unpack_symbols
from sdfz.codec.deepsdf.train import AutoDecoder, DeepSdfTrainee
from sdfz.codec.distortion import Reference
from sdfz.codec.encode import EncodeSettings, encode_mesh
from sdfz.codec.latent_code import LatentCode, code_of_step, step_of_code
from sdfz.codec.lgcl.networks import Mlp, SdfNetwork
from sdfz.codec.methods import METHOD_IDS
from sdfz.codec.packs.lookup import PackSearch
from sdfz.codec.training.cache import CachedShape, prepared_shapes
from sdfz.codec.training.loop import TrainSettings, train
from sdfz.formats import (
    CorruptPackError,
    FormatError,
    LimitError,
    MissingPackError,
    ModelPack,
    PackMethodError,
    SdfzError,
    Section,
    write_model,
)
from sdfz.formats.limits import DEFAULT
from sdfz.formats.mesh_io import write_mesh

SIZES = Mlp(4, 32, 4, skip=2)
TINY = DeepSdfTrainee(SIZES, n_samples=4000, batch_size=512, network_rate=5e-3, code_rate=2e-2, n_validated=1,
                      validation_steps=20)  # fmt: skip
SETTINGS = TrainSettings(n_steps=80, shapes_a_step=2, validate_every=80, device="cpu")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> list[CachedShape]:
    folder, entries = tmp_path_factory.mktemp("shapes"), []
    for name, mesh in {"ball": shapes.sphere(subdivisions=3), "ring": shapes.torus(n_major=24, n_minor=12)}.items():
        write_mesh(*mesh, folder / f"{name}.ply")
        entries.append((name, folder / f"{name}.ply"))
    return prepared_shapes(folder / "cache", TINY.cache_key, entries, TINY.prepare)


def on_surface(trainee: DeepSdfTrainee, prepared: list[CachedShape], checkpoint: Path) -> list[float]:
    """Mean |f| on the surfaces that were trained on."""
    module = train(trainee, prepared, prepared[:1], SETTINGS, checkpoint=checkpoint).module
    assert isinstance(module, AutoDecoder)
    found = []
    for number, shape in enumerate(prepared):
        points = torch.from_numpy(np.array(shape.open()["surface"]))
        with torch.no_grad():
            values = module.network(points, module.codes.of(number).expand(len(points), -1))
        found.append(float(values.abs().mean()))
    return found


@pytest.mark.parametrize("clamp", [0.1, 0.0])
def test_both_losses_learn(clamp: float, prepared: list[CachedShape], tmp_path: Path) -> None:
    """From two shapes: first weights are a sphere of the wrong size for one and the wrong shape for the other."""
    assert max(on_surface(replace(TINY, clamp=clamp), prepared, tmp_path / "c")) < 0.08


def test_prepared_arrays(prepared: list[CachedShape]) -> None:
    arrays = prepared[0].open()
    radius = np.linalg.norm(arrays["surface"], axis=1)
    assert np.ptp(radius) < 0.02
    assert (arrays["normals"] * arrays["surface"]).sum(1).min() > 0.95 * radius.min()
    expected = np.linalg.norm(arrays["points"], axis=1) - radius.mean()
    np.testing.assert_allclose(arrays["distances"], expected, atol=0.02)


# -- coding -----------------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(st.lists(st.integers(-(1 << 20), 1 << 20), min_size=1, max_size=80), st.integers(0, 255))
def test_symbols_come_back(numbers: list[int], step_code: int) -> None:
    symbols = LatentCode(step_code, np.array(numbers, np.int32))
    found = unpack_symbols(pack_symbols(symbols))
    assert found.step_code == step_code
    assert np.array_equal(found.code, symbols.code)


DATA = pack_symbols(LatentCode(150, np.arange(-20, 20, dtype=np.int32)))[0].data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "deepsdf payload: numbers"),
        (b"\x00\x00" + DATA[2:], "numbers: 0 is not in 1..1024"),
        (b"\x01\x04" + DATA[2:], "numbers: 1025 is not in 1..1024"),
        (DATA + b"\x00", "deepsdf payload"),
    ],
)
def test_malformed(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        unpack_symbols([Section(1, data)])


def test_sections_and_limits() -> None:
    with pytest.raises(FormatError, match="2 sections"):
        unpack_symbols([Section(1, DATA), Section(2, DATA)])
    with pytest.raises(LimitError, match="max_symbols"):
        unpack_symbols([Section(1, DATA)], limits=replace(DEFAULT, max_symbols=39))


@given(st.binary(max_size=60))
@settings(max_examples=50)
def test_random_bytes(data: bytes) -> None:
    try:
        unpack_symbols([Section(1, DATA[:3] + data)])
    except SdfzError:
        pass


def test_steps() -> None:
    assert METHOD_IDS["deepsdf"] == METHOD_ID == 8
    assert step_of_code(192) == 1.0
    assert [code_of_step(step_of_code(code)) for code in range(256)] == list(range(256))


# -- packs and files --------------------------------------------------------------------------------------------------


def tiny_pack() -> ModelPack:
    network = SdfNetwork(SIZES)
    network.reset(torch.Generator().manual_seed(0), radius=0.5)
    return pack_of_network(network, {})


def test_a_pack_holds_the_network() -> None:
    pack = tiny_pack()
    assert network_of_pack(pack, 4).sizes == SIZES
    assert pack_of_network(network_of_pack(pack), {}).digest == pack.digest
    with pytest.raises(FormatError, match="a code of 5 numbers, but its model pack is for 4"):
        network_of_pack(pack, 5)
    with pytest.raises(PackMethodError, match="layout 2"):
        network_of_pack(replace(pack, layout=2))


@pytest.mark.parametrize(
    ("name", "array"),
    [("settings", np.zeros(3, np.int32)), ("sdf0.bias", np.zeros(3, np.float32)), ("more", np.zeros(1, np.float32))],
)
def test_what_is_no_network(name: str, array: np.ndarray) -> None:
    pack = tiny_pack()
    with pytest.raises(CorruptPackError, match="its arrays are not"):
        network_of_pack(replace(pack, arrays={**pack.arrays, name: array}))


def test_files(tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file decodes, with the pack that it names, to the error that it says."""
    monkeypatch.setattr("sdfz.codec.latent_trials._ITERATIONS", (60,) * 9)
    monkeypatch.setattr("sdfz.codec.latent_fit.CodeFit.n_samples", 4000)
    pack, mesh = tiny_pack(), shapes.sphere(2.0, 3, (5.0, 0.0, 0.0))
    encoded = encode_mesh(*mesh, EncodeSettings("deepsdf", quality=20, effort=1, device="cpu", pack=pack))
    assert check_bytes(encoded.data) == {"method": "deepsdf", "n_numbers": 4}
    write_model(tmp_path / "tiny.sdfm", pack)
    decoded = decode_bytes(encoded.data, packs=PackSearch((tmp_path / "tiny.sdfm",))).triangles(96)
    found = Reference(*mesh, 20_000).measure(*decoded)
    assert found.cd == pytest.approx(encoded.header.errors.cd, rel=0.1)
    assert len(encoded.data) < 60
    field = CodeField(unpack_symbols(pack_symbols(LatentCode(0, np.zeros(4, np.int32)))), network_of_pack(pack))
    assert field.distance(np.zeros((1, 3), np.float32))[0] < 0


def test_no_pack_comes_with_sdfz(quick: None) -> None:
    with pytest.raises(MissingPackError, match="method deepsdf needs a model pack"):
        encode_mesh(*shapes.box(), EncodeSettings("deepsdf", device="cpu"))
