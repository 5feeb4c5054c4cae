"""Rate and distortion of sequences: what is counted, and that a table goes on where it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapes
from click.testing import CliRunner
from sdfz.bench import sequence_rd
from sdfz.bench.lgcl_sequences import HEIGHT
from sdfz.bench.peers.contract import Mesh
from sdfz.bench.records import read_records
from sdfz.bench.sequence_rd import Frames, Result, main, single_frames

VERTICES, FACES = shapes.sphere(3.0, 3)
FRAMES = np.stack([VERTICES, VERTICES * 1.5, VERTICES * 2.0])
BALLS = Frames("balls", FRAMES, FACES, [0, 2])


def test_a_row_in_the_units_of_the_table() -> None:
    """A surface that is a hundredth of the radius too small: of the diagonal, and as if in millimetres."""

    def encode(mesh: Mesh) -> bytes:
        return bytes(int(np.abs(mesh.vertices).max()))

    def decode(data: bytes) -> tuple[Any, Any]:
        return VERTICES * (len(data) / 3.0) * 0.99, FACES

    row = single_frames(BALLS, "codec", "setting", encode, decode)
    assert (row.n_frames, row.n_measured, row.bytes_per_frame) == (3, 2, 4.5)
    assert row.cd == pytest.approx(1e4 * 0.01 / (2 * np.sqrt(3)), rel=0.05)
    assert row.ed == pytest.approx(0.01 * HEIGHT / 2 * (1 + 2) / 2, rel=0.05)


def test_connectivity_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("DracoPy")
    row = sequence_rd.draco_shared(BALLS, 10)
    alone = single_frames(BALLS, "", "", lambda m: sequence_rd.encode_draco(m, 10), sequence_rd._mesh_of_draco)
    once = len(sequence_rd.encode_draco(Mesh(VERTICES, FACES), 1))
    assert row.bytes_per_frame == pytest.approx(alone.bytes_per_frame - 2 / 3 * once)
    assert row.cd == alone.cd


def test_the_table_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "balls.npz", vertices=FRAMES.astype(np.float32), faces=FACES.astype(np.int32))
    made = []

    def few(sequence: Frames) -> Any:
        for codec in ("one", "other"):

            def row(codec: str = codec) -> Result:
                made.append(codec)
                return Result("balls", codec, "s", 3, len(sequence.measured), 10.0 + len(made), 1, 2, 3, 4, 5)

            yield codec, "s", row

    monkeypatch.setattr(sequence_rd, "points", few)
    table, picture = tmp_path / "table.tsv", tmp_path / "curves.png"
    options = [str(tmp_path / "balls.npz"), "-o", str(table), "--every", "2"]
    CliRunner().invoke(main, [*options, "--codec", "one"], catch_exceptions=False)
    CliRunner().invoke(main, [*options, "--plot", str(picture)], catch_exceptions=False)
    assert made == ["one", "other"]
    assert [(row.codec, row.n_measured) for row in read_records(table, Result)] == [("one", 2), ("other", 2)]
    assert picture.read_bytes().startswith(b"\x89PNG")
