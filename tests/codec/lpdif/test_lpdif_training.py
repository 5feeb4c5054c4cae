"""From shapes to decoders, and from decoders to files: the three stages, resumption, fits, encoding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapes
import torch
from numpy.typing import NDArray
from sdfz.codec.decode import decode_bytes
from sdfz.codec.distortion import Reference
from sdfz.codec.encode import EncodeSettings, encode_mesh
from sdfz.codec.lpdif.fit import CodeFit, fit_codes
from sdfz.codec.lpdif.network import NetworkShape
from sdfz.codec.lpdif.patterns import Patterns
from sdfz.codec.lpdif.shared import decoders_of_pack
from sdfz.codec.lpdif.train import LpdifTrainee
from sdfz.codec.packs.lookup import BUNDLED, PackSearch, load_pack
from sdfz.codec.training.loop import TrainSettings, train
from sdfz.codec.training.methods import TRAINABLE, trainee_of
from sdfz.formats import MeshError, read_model, write_model
from sdfz.formats.mesh_io import Mesh

TINY = LpdifTrainee(
    coarse=NetworkShape(4, 8, 3),
    pattern=NetworkShape(5, 8, 4, again=2),
    n_clusters=2,
    n_regions=(60.0, 90.0),
    most_regions=48,
    samples_a_region=24,
    regions_a_step=24,
    samples_a_step=12,
    coarse_steps=12,
    n_validated=1,
)
SETTINGS = TrainSettings(n_steps=12, shapes_a_step=2, validate_every=6, checkpoint_every=4, device="cpu")


@dataclass(frozen=True)
class Prepared:
    name: str
    arrays: dict[str, NDArray[Any]]

    def open(self) -> dict[str, NDArray[Any]]:
        return self.arrays


@pytest.fixture(scope="module")
def rings() -> Iterator[list[Prepared]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sdfz.codec.target._SAMPLES_AT_ONCE", 10_000)
        yield [
            Prepared(str(i), TINY.prepare(Mesh(*shapes.torus(0.6, 0.2 + 0.05 * i, 24, 12)), np.random.default_rng(i)))
            for i in range(3)
        ]


def trained(trainee: LpdifTrainee, rings: list[Prepared], checkpoint: Path, **changes: Any) -> Patterns:
    found = train(trainee, rings[:2], rings[2:], replace(SETTINGS, **changes), checkpoint=checkpoint)
    assert isinstance(found.module, Patterns)
    return found.module


def test_prepared_arrays(rings: list[Prepared]) -> None:
    for ring in rings:
        n = len(ring.arrays["points"])
        assert 10 < n <= 48
        assert {name: array.shape for name, array in ring.arrays.items()} == {
            "points": (n, 24, 3),
            "distances": (n, 24),
            "directions": (n, 24, 3),
        }
        assert ((ring.arrays["distances"] > 0).any(1) & (ring.arrays["distances"] < 0).any(1)).mean() > 0.9


def test_a_shape_without_an_inside_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdfz.codec.target._SAMPLES_AT_ONCE", 10_000)
    monkeypatch.setattr("sdfz.codec.lpdif.regions.POSITIVE_RATES", (0.6, 0.4))
    with pytest.raises(MeshError, match="only 0 of its regions"):
        TINY.prepare(Mesh(*shapes.torus(0.6, 0.25, 24, 12)), np.random.default_rng(0))


@pytest.mark.parametrize("weighting", ["none", "fixed", "dynamic"])
def test_the_stages(rings: list[Prepared], tmp_path: Path, weighting: str) -> None:
    """Regions have networks after stage 2, all codes are in their ball, and all networks have learned."""
    trainee = replace(TINY, weighting=weighting)
    module = trained(trainee, rings, tmp_path / "checkpoint")
    start = trainee.module(rings[:2], torch.Generator().manual_seed(0))
    assert isinstance(start, Patterns)
    assert set(module.networks_of.tolist()) == {1, 2}
    for network in range(3):
        assert all(not torch.equal(a, b) for a, b in zip(module.layers(network), start.layers(network), strict=True))
        assert torch.linalg.vector_norm(module.codes_of(network).weight, dim=1).max() <= 1 + 1e-6
    if weighting == "fixed":
        for network in (1, 2):
            weights = module.fixed_weights[module.networks_of == network]
            assert weights.mean().item() == pytest.approx(1, abs=1e-5)
            assert weights.std() > 0


def test_easy_regions_stay_with_the_coarse_network(rings: list[Prepared], tmp_path: Path) -> None:
    module = trained(replace(TINY, easy_error=9.0, regions_a_step=48), rings, tmp_path / "checkpoint")
    assert set(module.networks_of.tolist()) == {0}


def test_without_a_price_the_losses_are_those_of_the_paper(rings: list[Prepared], tmp_path: Path) -> None:
    """No noise and no logarithm: the first loss is Eq. 7 of the first codes."""
    trainee = replace(TINY, bit_price=0.0, gradient_weight=0.0, most_distance=np.inf)
    module = trainee.module(rings[:2], torch.Generator().manual_seed(0))
    arrays = trainee.batch(rings[0].arrays, np.random.default_rng(0))
    batch = {name: torch.from_numpy(array) for name, array in arrays.items()}
    loss = trainee.loss(module, 0, batch, torch.Generator())
    assert isinstance(module, Patterns)
    fit = decoders_of_pack(trainee.to_pack(module, {}))
    assert loss.item() == pytest.approx(0.5 * (batch["distances"] ** 2).mean().item(), rel=0.3)
    assert fit.n_codes == [4, 5, 5]


def test_random_clusters_do_not_follow_the_codes(rings: list[Prepared], tmp_path: Path) -> None:
    module = trained(replace(TINY, clustering="random"), rings, tmp_path / "checkpoint")
    codes = module.codes_of(0).weight.detach()
    spread = [codes[module.networks_of == k].var(0).sum().item() for k in (1, 2)]
    assert min(spread) > 0.7 * codes.var(0).sum().item()


class Killed(BaseException):
    """Stands for a signal that ends the process."""


@pytest.mark.parametrize("at", [3, 9])
def test_resumed_it_is_the_same(rings: list[Prepared], tmp_path: Path, at: int) -> None:
    """Killed before the clusters are made, and after: the same bits come out."""
    whole = trained(TINY, rings, tmp_path / "whole")

    def stop(step: int, *_: Any) -> None:
        if step == at:
            raise Killed

    settings = replace(SETTINGS, checkpoint_every=at)
    with pytest.raises(Killed):
        train(TINY, rings[:2], rings[2:], settings, checkpoint=tmp_path / "cut", report=stop)
    resumed = train(TINY, rings[:2], rings[2:], settings, checkpoint=tmp_path / "cut").module
    for (name, a), b in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_fits_are_better_than_no_codes(rings: list[Prepared], tmp_path: Path) -> None:
    """Quantized codes of a shape that was not trained on, through decoders of a few steps."""
    trainee = replace(TINY, coarse_steps=40)
    module = trained(trainee, rings, tmp_path / "checkpoint", n_steps=60)
    points, distances = rings[2].arrays["points"], rings[2].arrays["distances"]
    found = {
        price: fit_codes(points, distances, module.decoders(), CodeFit(60, bit_price=price), torch.Generator())
        for price in (1e-3, 1.0)
    }
    errors = {price: codes.errors(points, distances).mean() for price, codes in found.items()}
    assert errors[1e-3] < 0.95 * errors[1.0]
    assert found[1e-3].bits_a_region > 3 * found[1.0].bits_a_region
    assert set(found[1e-3].networks) <= {0, 1, 2}
    assert (found[1e-3].symbols[found[1e-3].networks == 0, 4:] == 0).all()


def test_it_can_be_trained_by_name() -> None:
    assert "lpdif" in TRAINABLE
    assert trainee_of("lpdif") == LpdifTrainee()


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch, quick: None) -> None:
    monkeypatch.setattr("sdfz.codec.lpdif.trials._ITERATIONS", (30,) * 9)


def test_a_file_says_its_error(light: None) -> None:
    """With the bundled pack: decoded anew it is as far from the shape as the header says, which is near."""
    mesh = shapes.torus()
    encoded = encode_mesh(*mesh, EncodeSettings("lpdif", quality=40, effort=1, device="cpu"))
    pack = load_pack(BUNDLED / "lpdif.sdfm")
    assert encoded.header.pack_hash == pack.short
    assert len(encoded.data) < 2000
    found = Reference(*mesh, 20_000).measure(
        *decode_bytes(encoded.data, packs=PackSearch((), (BUNDLED,))).triangles(96)
    )
    assert found.cd == pytest.approx(encoded.header.errors.cd, rel=0.1)
    assert found.cd < 0.01


def test_a_pack_of_ones_own(rings: list[Prepared], tmp_path: Path, light: None) -> None:
    model = TINY.to_pack(trained(TINY, rings, tmp_path / "checkpoint"), {})
    write_model(tmp_path / "own.sdfm", model)
    settings = EncodeSettings("lpdif", quality=30, effort=1, device="cpu", pack=read_model(tmp_path / "own.sdfm"))
    encoded = encode_mesh(*shapes.torus(), settings)
    assert encoded.header.pack_hash == model.short
    decode_bytes(encoded.data, packs=PackSearch((), (tmp_path,))).triangles(32)


def test_an_open_surface_stays_open(light: None) -> None:
    """The level set does not run on to the ends of its regions."""
    vertices, faces = shapes.height_field(24)
    encoded = encode_mesh(vertices, faces, EncodeSettings("lpdif", quality=30, effort=1, device="cpu"))
    decoded = decode_bytes(encoded.data).triangles(64)
    assert Reference(vertices, faces, 20_000).measure(*decoded).backward.mean < 0.03


def test_the_bundled_pack() -> None:
    path = BUNDLED / "lpdif.sdfm"
    model = read_model(path)
    assert path.stat().st_size < 1 << 20
    decoders_of_pack(model)
    assert set(model.notes) == {"corpus", "licences", "commit", "command", "log"}
    assert model.notes["command"].startswith("sdfz train lpdif ")
