"""The networks of `lgcl` in training, and encoding through what comes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapes
import torch
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.distortion import Reference
from sdfz.codec.encode import EncodeSettings, encode_mesh
from sdfz.codec.lgcl.field import LocalField
from sdfz.codec.lgcl.fit import FitSettings, bounds, distance_samples, encode_lgcl, relative_error
from sdfz.codec.lgcl.model import LocalSizes
from sdfz.codec.lgcl.networks import Mlp
from sdfz.codec.lgcl.shared import network_of_pack
from sdfz.codec.lgcl.symbols import LocalSymbols
from sdfz.codec.lgcl.train import AutoDecoder, LgclTrainee
from sdfz.codec.packs.bundled import bundled_pack
from sdfz.codec.packs.lookup import PackSearch
from sdfz.codec.target import Target
from sdfz.codec.training.cache import CachedShape, prepared_shapes
from sdfz.codec.training.loop import Trained, TrainSettings, train
from sdfz.formats import MeshError, MissingPackError, ModelPack, write_model
from sdfz.formats.mesh_io import Mesh, write_mesh

SIZES = LocalSizes(channels=(2, 4, 8), order=2, decoder=Mlp(8, 16, 3, beta=10), geometry=True, blend=1)
TINY = LgclTrainee(SIZES, (40.0, 60.0), n_samples=4000, batch_size=1024, n_validated=1, validation_steps=20)
SETTINGS = TrainSettings(n_steps=120, shapes_a_step=1, validate_every=60, checkpoint_every=60, device="cpu")


@pytest.fixture(scope="module")
def balls(tmp_path_factory: pytest.TempPathFactory) -> list[CachedShape]:
    """Two shapes, prepared for `TINY`."""
    folder = tmp_path_factory.mktemp("balls")
    entries = []
    for name, mesh in {"ball": shapes.sphere(subdivisions=3), "ring": shapes.torus(n_major=24, n_minor=12)}.items():
        write_mesh(*mesh, folder / f"{name}.ply")
        entries.append((name, folder / f"{name}.ply"))
    return prepared_shapes(folder / "cache", TINY.cache_key, entries, TINY.prepare)


@pytest.fixture(scope="module")
def trained(balls: list[CachedShape], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(TINY, balls, balls[:1], SETTINGS, checkpoint=tmp_path_factory.mktemp("c") / "c")


@pytest.fixture(scope="module")
def model(trained: Trained) -> ModelPack:
    return TINY.to_pack(trained.module, {"log": "tiny"})


def test_prepared_arrays(balls: list[CachedShape]) -> None:
    for shape in balls:
        arrays = shape.open()
        assert 16 <= len(arrays["cells"]) <= 60
        assert arrays["points"].shape == (4000, 3)
        assert arrays["nearest"].shape == (4000, 1)
        assert arrays["nearest"].max() < len(arrays["cells"])
        assert (arrays["distances"] < 0).mean() > 0.2


def test_the_module_is_the_field_that_a_decoder_evaluates(balls: list[CachedShape]) -> None:
    """From rounded codes, and the step that a file can say."""
    module = TINY.module(balls, torch.Generator().manual_seed(0))
    assert isinstance(module, AutoDecoder)
    torch.nn.init.normal_(module.codes.weight, std=3, generator=torch.Generator().manual_seed(1))
    network = network_of_pack(TINY.to_pack(module, {}), 2)
    for number, shape in enumerate(balls):
        arrays = shape.open()
        codes = torch.round(module.own(number)[0].detach())
        points, nearest = (torch.from_numpy(np.array(arrays[name])) for name in ("points", "nearest"))
        with torch.no_grad():
            found = module(number, codes, points, nearest)
        symbols = LocalSymbols(int(arrays["depth"][0]), np.array(arrays["cells"]), 8, 128, codes.int().numpy())
        np.testing.assert_allclose(found.numpy(), LocalField(symbols, network).distance(points.numpy()), atol=1e-5)


def test_it_learns(trained: Trained, balls: list[CachedShape]) -> None:
    """Better than first weights, on a shape that is fitted anew."""
    first = TINY.validate(TINY.module(balls, torch.Generator().manual_seed(0)), balls[:1])
    last = trained.progress.history[-1]
    assert last["error"] < 0.5 * first["error"]
    assert trained.progress.history[0]["step"] == 60


def test_a_seed_decides(trained: Trained, balls: list[CachedShape], tmp_path: Path) -> None:
    again = train(TINY, balls, balls[:1], SETTINGS, checkpoint=tmp_path / "c")
    for a, b in zip(again.module.state_dict().values(), trained.module.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_shape_with_too_few_key_points() -> None:
    vertices, faces = shapes.box()
    with pytest.raises(MeshError, match="fewer than 16"):
        replace(TINY, n_key_points=(4.0, 5.0)).prepare(Mesh(vertices, faces), np.random.default_rng(0))


# -- encoding ---------------------------------------------------------------------------------------------------------


def test_a_fit_finds_the_surface(model: ModelPack) -> None:
    """Closer than key points without codes; and says the same each time."""
    target = Target(*shapes.sphere(subdivisions=3))
    settings = FitSettings(50, model, 80, elasticity=0.0, n_samples=4000, batch_size=1024)
    network = network_of_pack(model)
    (frame, symbols), (_, again) = (encode_lgcl(target, settings) for _ in range(2))
    assert np.array_equal(symbols.codes, again.codes)
    samples = distance_samples(target, frame, 0.3, 4000, np.random.default_rng(5))
    low, high = bounds(np.abs(samples.distances), 0.3, settings.slack)
    signs, low_, high_ = (torch.from_numpy(array) for array in (np.sign(samples.distances), low, high))
    without = replace(symbols, codes=np.zeros_like(symbols.codes))
    errors = [
        relative_error(torch.from_numpy(LocalField(s, network).distance(samples.points)), signs, low_, high_).item()
        for s in (symbols, without)
    ]
    assert errors[0] < 0.9 * errors[1]


def test_bounds() -> None:
    low, high = bounds(np.float32([0, 0.1, 1, 5]), 1.0, 0.5)
    assert low.tolist() == pytest.approx([0, 0.05, 0.5, 1])
    assert high.tolist() == pytest.approx([0, 0.15, np.inf, np.inf])


def test_a_file_names_the_pack_and_decodes_with_it(
    model: ModelPack, tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sdfz.codec.lgcl.trials._ITERATIONS", (40,) * 9)
    monkeypatch.setattr("sdfz.codec.lgcl.fit.FitSettings.n_samples", 4000)
    mesh = shapes.torus()
    settings = EncodeSettings("lgcl", quality=20, effort=1, device="cpu", pack=model)
    encoded = encode_mesh(*mesh, settings)
    assert encoded.header.pack_hash == model.short
    assert check_bytes(encoded.data)["n_channels"] == 2
    with pytest.raises(MissingPackError, match=model.short.hex()):
        decode_bytes(encoded.data, packs=PackSearch((), ()))
    write_model(tmp_path / "tiny.sdfm", model)
    decoded = decode_bytes(encoded.data, packs=PackSearch((tmp_path / "tiny.sdfm",))).triangles(96)
    found = Reference(*mesh, 20_000).measure(*decoded)
    assert found.cd == pytest.approx(encoded.header.errors.cd, rel=0.1)
    assert found.cd < 0.05


def test_no_pack() -> None:
    with pytest.raises(MissingPackError, match="method scaffold needs a model pack, and none comes with sdfz"):
        bundled_pack("scaffold")
