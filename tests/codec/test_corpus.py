"""What the codec must reach on scans: files this small for a mean error of 5e-4 of the diagonal."""

from __future__ import annotations

import pytest
from repository import ROOT
from sdfz.codec.decode import decode_bytes
from sdfz.codec.distortion import measure
from sdfz.codec.encode import EncodeSettings, ErrorBound, encode_mesh
from sdfz.formats.mesh_io import read_mesh

DEV = ROOT.parent / "shared" / "data" / "dev"


@pytest.mark.corpus
@pytest.mark.slow
@pytest.mark.skipif(not DEV.is_dir(), reason=f"the corpus is not beside the repository: no {DEV}")
@pytest.mark.parametrize(("name", "most_bytes"), [("nefertiti", 4500), ("bunny_zipper", 6000)])
def test_bytes_for_a_mean_error(name: str, most_bytes: int) -> None:
    mesh = read_mesh(DEV / f"{name}.ply")
    file = encode_mesh(mesh.vertices, mesh.faces, EncodeSettings(max_error=ErrorBound(5e-4), metric="cd"))
    assert file.target_met
    assert len(file.data) <= most_bytes
    again = measure((mesh.vertices, mesh.faces), decode_bytes(file.data).triangles(), seed=77)
    assert again.cd <= 5.05e-4
