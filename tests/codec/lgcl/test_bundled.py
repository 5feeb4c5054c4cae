"""The pack that comes with sdfz: small, said where it is from, and taken where none is named."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import shapes
from sdfz.codec.decode import decode_bytes
from sdfz.codec.distortion import Reference
from sdfz.codec.encode import EncodeSettings, encode_mesh
from sdfz.codec.job import Clock
from sdfz.codec.lgcl import trials
from sdfz.codec.lgcl.fit import FitSettings
from sdfz.codec.lgcl.shared import network_of_pack
from sdfz.codec.lgcl.symbols import LocalSymbols
from sdfz.codec.lgcl.train import SMALL
from sdfz.codec.packs.bundled import bundled_pack
from sdfz.codec.packs.lookup import BUNDLED, PackSearch
from sdfz.formats.model_pack import NOTES


def test_it_is_small_and_says_where_it_is_from() -> None:
    pack = bundled_pack("lgcl")
    assert (BUNDLED / "lgcl.sdfm").stat().st_size < 500_000
    assert set(pack.notes) == set(NOTES)
    assert network_of_pack(pack).sizes == SMALL


def test_files_of_the_pack_before_it_find_theirs() -> None:
    """0.4.0 and 0.5.0 wrote files that need it."""
    assert PackSearch().find(bytes.fromhex("e5f15736587650bb"), "lgcl").short != bundled_pack("lgcl").short


def test_a_file_of_it_is_the_shape(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few steps and 40-odd key points: within two percent of the diagonal; the decoder finds the pack by itself."""
    monkeypatch.setattr("sdfz.codec.lgcl.trials._ITERATIONS", (60,) * 9)
    monkeypatch.setattr("sdfz.codec.lgcl.fit.FitSettings.n_samples", 8000)
    mesh = shapes.torus()
    encoded = encode_mesh(*mesh, EncodeSettings("lgcl", quality=20, effort=1, device="cpu"))
    assert encoded.header.pack_hash == bundled_pack("lgcl").short
    assert len(encoded.data) < 400
    decoded = decode_bytes(encoded.data).triangles(64)
    assert np.isfinite(decoded[0]).all()
    assert Reference(*mesh, 20_000).measure(*decoded).cd < 0.02


@pytest.mark.parametrize(("effort", "n_draft", "n_whole"), [(1, 60, 100), (5, 180, 600)])
def test_drafts_have_steps_enough(effort: int, n_draft: int, n_whole: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also at the lowest effort, whose fits are short."""
    steps, symbols = [], LocalSymbols(2, np.zeros((1, 3), np.int32), 4, 128, np.zeros((1, 3), np.int32))

    def encode(target: object, settings: FitSettings, progress: object) -> tuple[None, LocalSymbols]:
        steps.append(settings.n_iterations)
        return None, symbols

    monkeypatch.setattr(trials, "encode_lgcl", encode)
    job: Any = SimpleNamespace(
        settings=EncodeSettings("lgcl", effort=effort), clock=Clock(), target=None, progress=None,
        trial=lambda *_: None, pack_of=bundled_pack,
    )  # fmt: skip
    monkeypatch.setattr(trials, "sized_trials", lambda _, __, trial_of: [trial_of(20.0, d) for d in (True, False)])
    trials.lgcl_trials(job)
    assert steps == [n_draft, n_whole]
