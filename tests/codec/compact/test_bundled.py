"""The pack that comes with sdfz: small, said where it is from, and taken where none is named."""

from __future__ import annotations

import numpy as np
import pytest
import shapes
from sdfz.codec.compact.networks import SMALL
from sdfz.codec.compact.shared import branches_of_pack
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.distortion import Reference
from sdfz.codec.encode import EncodeSettings, encode_mesh
from sdfz.codec.packs.bundled import bundled_pack
from sdfz.codec.packs.lookup import BUNDLED
from sdfz.formats.model_pack import NOTES


def test_it_is_small_and_says_where_it_is_from() -> None:
    pack = bundled_pack("compact")
    assert (BUNDLED / "compact.sdfm").stat().st_size < 60_000
    assert set(pack.notes) == set(NOTES)
    assert branches_of_pack(pack).sizes == SMALL


@pytest.mark.parametrize(("quality", "most_bytes", "most_error"), [(50, 80, 0.04), (55, 500, 0.01)])
def test_a_file_of_it_is_the_shape(
    quality: float, most_bytes: int, most_error: float, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A code alone is a blob, a residual of some 40 cells is close; the decoder finds the pack by itself."""
    monkeypatch.setattr("sdfz.codec.latent_trials._ITERATIONS", (200,) * 9)
    monkeypatch.setattr("sdfz.codec.latent_fit.CodeFit.n_samples", 8000)
    mesh = shapes.sphere(subdivisions=4)
    encoded = encode_mesh(*mesh, EncodeSettings("compact", quality=quality, effort=1, device="cpu"))
    assert encoded.header.pack_hash == bundled_pack("compact").short
    assert len(encoded.data) < most_bytes
    assert check_bytes(encoded.data)["n_numbers"] == SMALL.n_code
    decoded = decode_bytes(encoded.data).triangles(64)
    assert np.isfinite(decoded[0]).all()
    assert Reference(*mesh, 20_000).measure(*decoded).cd < most_error
