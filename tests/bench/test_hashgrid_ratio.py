"""Raw tables beside files: the grid that is worked out is that of the file."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapes
from sdfz.bench.hashgrid_ratio import ratios
from sdfz.bench.peers.contract import Mesh
from sdfz.bench.rows import Row
from sdfz.codec.encode import EncodeSettings, encode_mesh
from sdfz.codec.hashgrid.stream import unpack_symbols
from sdfz.formats import unpack


@pytest.mark.usefixtures("quick")
def test_the_grid_is_that_of_the_file(tmp_path: Path) -> None:
    mesh = Mesh(*shapes.torus())
    encoded = encode_mesh(*shapes.torus(), EncodeSettings("hashgrid", quality=30, effort=1))
    symbols = unpack_symbols(unpack(encoded.data).sections)
    row = Row("torus", "0" * 12, len(mesh.faces), len(mesh.vertices), "sdfz-hashgrid", "q30",
              {"method": "hashgrid", "quality": 30}, "ok", bytes=len(encoded.data), cd=0.01)  # fmt: skip
    other = Row("torus", "0" * 12, 0, 0, "sdfz-grid", "q30", {"method": "grid", "quality": 30}, "ok", bytes=9, cd=0.01)
    failed = Row("torus", "0" * 12, 0, 0, "sdfz-hashgrid", "q30", row.settings, "failed", "why")
    (found,) = ratios([other, failed, row], mesh)
    assert (found.depth, found.cells, found.log2_table) == (symbols.depth, len(symbols.cells), symbols.grid.log2_table)
    assert found.raw_bytes == 2 * symbols.grid.offsets[-1]
    assert found.ratio == pytest.approx(found.raw_bytes / len(encoded.data), abs=0.05)
