"""`sdfz info` and `sdfz verify`: what is printed, and how fast."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import shapes
from click.testing import Result
from quick_codec import QuickCodec, container_bytes
from sdfz.formats.errors import SdfzError
from sdfz.formats.metadata import Metadata, pack_metadata

Run = Callable[..., Result]


def test_info(run: Run, sdfz_file: Path) -> None:
    data = sdfz_file.read_bytes()
    n_metadata = len(pack_metadata(Metadata("shape.obj", "mm", 4, 4)))
    result = run("info", "shape.sdfz")
    assert (result.exit_code, result.stderr) == (0, "")
    expected = f"""\
shape.sdfz: {len(data)} bytes, sdfz version 1, method grid
  mean error      0.05% of the diagonal, 0.00123 mm (cd)
  rms error       0.1% of the diagonal, 0.00245 mm (rms)
  largest error   0.4% of the diagonal, 0.0098 mm (hd)
  diagonal        2.45 mm
  frame           scale 1.11719, centre (0.994995, 0.506226, 0.506226)
  source          shape.obj, 4 vertices, 4 triangles, {2 * len(data):.2f} bits per vertex
  section 1       12 bytes at {data.index(b"base payload")}, base
  section 2       6 bytes at {data.index(b"detail")}, detail
  section 0       {n_metadata} bytes at {len(data) - 4 - n_metadata}, metadata
  overhead        {len(data) - 12 - 6 - n_metadata} bytes
"""
    assert result.stdout == expected


def test_offsets_are_where_the_payloads_are(run: Run, sdfz_file: Path) -> None:
    data = sdfz_file.read_bytes()
    report = json.loads(run("info", "shape.sdfz", "--json").stdout)
    base, detail, metadata = report["sections"]
    assert data[base["offset"] :][: base["bytes"]] == b"base payload"
    assert data[detail["offset"] :][: detail["bytes"]] == b"detail"
    assert b"shape.obj" in data[metadata["offset"] :][: metadata["bytes"]]
    assert report["overhead"] + sum(section["bytes"] for section in report["sections"]) == report["bytes"] == len(data)
    assert report["errors"]["hd"] == pytest.approx(0.004, rel=1e-3)
    assert (report["n_vertices"], report["units"], report["bits_per_vertex"]) == (4, "mm", 2 * len(data))


def test_info_verbose_shows_every_field(run: Run, codec: QuickCodec, sdfz_file: Path) -> None:
    output = run("info", "shape.sdfz", "-v").stdout
    for field in ("magic", "version", "method", "flags", "scale", "centre_x", "diagonal", "n_faces"):
        assert f"\n    {field} " in output
    assert "\n    n_cells       3\n" in output


def test_info_shows_the_bits_of_each_part(run: Run, tmp_path: Path) -> None:
    from sdfz.codec.encode import EncodeSettings, encode_mesh

    vertices, faces = shapes.box((1, 2, 3))
    data = encode_mesh(vertices, faces, EncodeSettings(preserve_mesh=True, quality=60)).data
    output = run("info", "-", "-v", stdin=data).stdout
    assert "\n  control mesh    vertices 8, triangles 12, subdivisions 0\n" in output
    (line,) = (line for line in output.splitlines() if line.startswith("    bits "))
    parts = dict(part.rsplit(" ", 1) for part in line.split(maxsplit=1)[1].split(", "))
    assert list(parts) == ["header", "connectivity", "joins", "seeds", "normal", "tangential", "creases"]
    assert 0 < sum(int(bits.replace(",", "")) for bits in parts.values()) < 8 * len(data)


def test_info_of_a_file_without_metadata_on_stdin(run: Run) -> None:
    result = run("info", "-", stdin=container_bytes())
    assert result.exit_code == 0
    assert result.stdout.startswith("stdin: ")
    assert "source" not in result.stdout


def test_info_of_a_cut_file(run: Run, sdfz_file: Path) -> None:
    sdfz_file.write_bytes(sdfz_file.read_bytes()[:-30])
    assert run("info", "shape.sdfz").exit_code == 1
    result = run("info", "shape.sdfz", "--allow-truncated")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].endswith(", cut short")


def test_verify(run: Run, codec: QuickCodec, sdfz_file: Path) -> None:
    n_bytes = len(sdfz_file.read_bytes())
    assert run("verify", "shape.sdfz").output == f"shape.sdfz: ok, {n_bytes} bytes\n"
    assert run("verify", "shape.sdfz", "--quiet").output == ""
    report = {"input": "shape.sdfz", "bytes": n_bytes, "method": "grid", "n_cells": 3}
    assert json.loads(run("verify", "shape.sdfz", "--json").stdout) == report


def test_verify_finds_every_flipped_byte_and_every_cut(run: Run) -> None:
    data = container_bytes()
    broken = [data[:n] for n in range(len(data))] + [data + b"\0"]
    broken += [data[:i] + bytes([data[i] ^ 0x10]) + data[i + 1 :] for i in range(len(data))]
    for bad in broken:
        result = run("verify", "-", stdin=bad)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("sdfz: error: stdin: ")
        assert result.stderr.count("\n") == 1


def test_verify_goes_on_after_a_failure(run: Run, codec: QuickCodec, sdfz_file: Path) -> None:
    (sdfz_file.parent / "bad.sdfz").write_bytes(sdfz_file.read_bytes()[:-1])
    result = run("verify", "bad.sdfz", "missing.sdfz", "shape.sdfz")
    assert result.exit_code == 1
    assert result.stdout.startswith("shape.sdfz: ok, ")
    bad, missing, summary = result.stderr.splitlines()
    assert bad.startswith("sdfz: error: bad.sdfz: ")
    assert missing == "sdfz: error: missing.sdfz: No such file or directory"
    assert summary == "sdfz: error: 2 of 3 inputs failed: bad.sdfz, missing.sdfz"


def test_the_error_classes_of_a_failure_are_in_its_json(run: Run) -> None:
    report = json.loads(run("verify", "-", "--json", stdin=b"solid").stdout)
    assert report["input"] == "stdin"
    assert report["error"]["type"] in {cls.__name__ for cls in _tree(SdfzError)}


def _tree(cls: type) -> set[type]:
    return {cls}.union(*(_tree(child) for child in cls.__subclasses__()))
