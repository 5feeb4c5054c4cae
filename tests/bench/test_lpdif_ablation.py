"""The ablation of LP-DIF: a row is measured, and what it says hangs together."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapes
from sdfz.bench import lpdif_ablation
from sdfz.bench.lpdif_ablation import VARIANTS, Variant, row_of
from sdfz.codec.lpdif.network import NetworkShape
from sdfz.codec.target import Target


def test_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lpdif_ablation, "_VOXELS", 48)
    monkeypatch.setattr(lpdif_ablation, "_SAMPLES", 48)
    target = Target(*shapes.torus(n_major=48, n_minor=24))
    small = {"coarse": NetworkShape(4, 8, 3), "pattern": NetworkShape(4, 8, 3), "coarse_steps": 20}
    row = row_of(Variant("small", 3, small), target, target.reference(5000), 60, tmp_path)
    assert (row.variant, row.depth, row.steps) == ("small", 3, 60)
    assert 0 <= row.easy <= row.regions and row.codes == 4 * row.regions
    errors = [float(entry.split(":")[2]) for entry in row.history.split()]
    seconds = [float(entry.split(":")[1]) for entry in row.history.split()]
    assert row.error == pytest.approx(errors[-1], rel=1e-2) and min(errors) < errors[0]
    assert seconds == sorted(seconds) and row.seconds >= seconds[-1] - 1
    assert row.pack_bytes > 2 * row.weights  # half precision, and names
    assert 0 < row.file_bytes < row.pack_bytes and 0 < row.file_cd < 0.2
    assert not list(tmp_path.iterdir())  # no checkpoint is left


def test_variants_have_names_of_their_own() -> None:
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)
