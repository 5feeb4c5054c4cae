"""Whole, cut and coarser files; what a decoder refuses, and what it does not need."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from encoded import EXAMPLES, RESOLUTION, ExampleFiles
from repository import modules
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.distortion import Reference
from sdfz.codec.grid.stream import pack_symbols, unpack_symbols
from sdfz.codec.methods import METHOD_IDS, METHOD_NAMES
from sdfz.formats.container import pack, unpack
from sdfz.formats.errors import BackendError, FormatError, LimitError, TruncatedError
from sdfz.formats.limits import DEFAULT
from sdfz.formats.metadata import Metadata


@pytest.fixture(scope="module")
def in_sections(files: ExampleFiles) -> bytes:
    """The box's file, one section a level."""
    whole = unpack(files.encoded("box").data)
    sections = pack_symbols(unpack_symbols(whole.sections), n_base_levels=1)
    assert len(sections) == 4
    return pack(whole.header, sections)


def boundaries(data: bytes) -> list[int]:
    """Where each section but the last ends: what a cut file may be cut to."""
    found = []
    for length in range(1, len(data)):
        try:
            unpack(data[:length], allow_truncated=True)
        except FormatError:
            continue
        n_sections = len(unpack(data[:length], allow_truncated=True).sections)
        if n_sections > len(found):
            found.append(length)
    return found


# -- coarser shapes ---------------------------------------------------------------------------------------------------


def test_fewer_levels_are_coarser_and_still_the_shape(in_sections: bytes) -> None:
    example = EXAMPLES["box"]
    reference = Reference(example.vertices, example.faces, 20_000)
    levels = [reference.measure(*decode_bytes(in_sections, lod=lod).triangles(RESOLUTION)) for lod in (0, 1, 2)]
    errors = [level.cd for level in levels]
    assert errors == sorted(errors)
    assert errors[0] < 0.5 * errors[1]
    assert errors[2] < 0.05
    coarsest = decode_bytes(in_sections, lod=3).triangles(RESOLUTION)
    beyond = decode_bytes(in_sections, lod=99).triangles(RESOLUTION)
    assert np.array_equal(coarsest[0], beyond[0])  # one level always stays


def test_a_cut_file_is_the_coarser_shape(in_sections: bytes) -> None:
    ends = boundaries(in_sections)
    assert len(ends) == 3
    for lod, end in zip((3, 2, 1), ends, strict=True):
        cut = decode_bytes(in_sections[: end + 3], allow_truncated=True)
        assert cut.truncated
        coarse = decode_bytes(in_sections, lod=lod)
        assert not coarse.truncated
        assert np.array_equal(cut.triangles(32)[0], coarse.triangles(32)[0])
        with pytest.raises(TruncatedError):
            decode_bytes(in_sections[:end])


def test_a_whole_file_may_be_truncated(in_sections: bytes) -> None:
    assert not decode_bytes(in_sections, allow_truncated=True).truncated


# -- shapes -----------------------------------------------------------------------------------------------------------


def test_resolution(files: ExampleFiles) -> None:
    shape, diagonal = files.shape("torus"), EXAMPLES["torus"].diagonal
    coarse, fine = shape.mesh(24), shape.mesh(RESOLUTION)
    assert isinstance(fine, trimesh.Trimesh)
    assert 4 * len(coarse.faces) < len(fine.faces)
    assert coarse.is_watertight
    assert coarse.bounds == pytest.approx(fine.bounds, abs=0.02 * diagonal)
    with pytest.raises(ValueError, match="at least 16"):
        shape.mesh(15)
    with pytest.raises(LimitError, match="max_resolution allows 1024"):
        shape.mesh(1025)


def test_limits_raise_the_largest_resolution(files: ExampleFiles) -> None:
    limits = replace(DEFAULT, max_resolution=64)
    shape = decode_bytes(files.encoded("torus").data, limits=limits)
    assert len(shape.mesh(64).faces)
    with pytest.raises(LimitError, match="max_resolution allows 64"):
        shape.mesh(65)


def test_meshing_twice_gives_the_same(files: ExampleFiles) -> None:
    first, again = (decode_bytes(files.encoded("bowl").data, device="cpu").triangles(64) for _ in range(2))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])


def test_distance_takes_points(files: ExampleFiles) -> None:
    shape = files.shape("torus")
    on_the_ring = EXAMPLES["torus"].vertices.mean(axis=0) + [0.6, 0, 0]
    assert shape.distance([on_the_ring]) == pytest.approx([-0.25], abs=0.03)
    assert shape.distance(np.float32([on_the_ring])).dtype == np.float64
    assert shape.distance(np.zeros((0, 3))).shape == (0,)
    for wrong in (on_the_ring, np.zeros((4, 2))):
        with pytest.raises(ValueError, match="not \\(N, 3\\)"):
            shape.distance(wrong)


def test_a_shape_introduces_itself(files: ExampleFiles) -> None:
    shape = files.shape("torus")
    assert repr(shape).startswith("<sdfz.Shape, measured errors cd 0.00")
    assert shape.metadata is None


def test_progress(files: ExampleFiles) -> None:
    calls: list[tuple[str, int, int]] = []
    files.shape("torus").triangles(32, lambda *call: calls.append(call))
    assert calls[-1][1] == calls[-1][2]


# -- what is refused --------------------------------------------------------------------------------------------------


def test_methods_are_for_ever() -> None:
    ids = {"grid": 1, "scaffold": 3, "overfit": 4, "hashgrid": 5, "lpdif": 6, "lgcl": 7, "deepsdf": 8, "compact": 9}
    assert ids == METHOD_IDS
    assert {number: name for name, number in ids.items()} == METHOD_NAMES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": 200}, "method 200 is unknown"),
        ({"method": 2}, "method 2 was written by sdfz 0.2.0 only"),
        ({"pack_hash": bytes(range(8))}, "model pack 0001020304050607"),
    ],
)
@pytest.mark.parametrize("function", [decode_bytes, check_bytes])
def test_headers_of_other_decoders(function: Any, change: dict[str, Any], message: str, files: ExampleFiles) -> None:
    whole = unpack(files.encoded("torus").data)
    with pytest.raises(FormatError, match=message):
        function(pack(replace(whole.header, **change), whole.sections))


@pytest.mark.parametrize("function", [decode_bytes, check_bytes])
@pytest.mark.parametrize("limit", ["max_cells", "max_depth", "max_file_bytes"])
def test_limits(function: Any, limit: str, files: ExampleFiles) -> None:
    with pytest.raises(LimitError, match=limit):
        function(files.encoded("torus").data, limits=replace(DEFAULT, **{limit: 1}))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"lod": -1}, "lod -1"), ({"device": "gpu"}, "device 'gpu'"), ({"backend": "jax"}, "backend 'jax'")],
)
def test_arguments(options: dict[str, Any], message: str, files: ExampleFiles) -> None:
    with pytest.raises(ValueError, match=message):
        decode_bytes(files.encoded("torus").data, **options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("options", [{"device": "cuda"}, {"backend": "tcnn"}])
def test_no_gpu(options: dict[str, str], files: ExampleFiles) -> None:
    with pytest.raises(BackendError, match="cuda|CUDA"):
        decode_bytes(files.encoded("torus").data, **options)


def test_check_counts(files: ExampleFiles) -> None:
    file = files.encoded("torus")
    symbols = unpack_symbols(unpack(file.data).sections)
    counts = check_bytes(file.data)
    assert counts["method"] == "grid"
    assert counts["n_cells"] == len(symbols.cells) == file.detail["cells"]
    assert counts["n_latents"] == [len(latents) for latents in symbols.latents]


# -- what is not needed -----------------------------------------------------------------------------------------------


def test_decoding_loads_nothing_of_encoding(files: ExampleFiles, tmp_path: Path) -> None:
    whole = unpack(files.encoded("torus").data)
    path = tmp_path / "torus.sdfz"
    path.write_bytes(pack(whole.header, whole.sections, Metadata(units="m")))
    fitting = [name for name in modules() if name.rpartition(".")[2] in ("encode", "fit", "target", "search")]
    assert "sdfz.codec.grid.fit" in fitting
    program = f"""
import sys, sdfz
shape = sdfz.open({str(path)!r}, device="cpu")
assert shape.metadata.units == "m"
assert sdfz.decode({str(path)!r}, resolution=16).is_watertight
shape.mesh(16)
print(*(name for name in {fitting} if name in sys.modules))
"""
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == ([], "")
