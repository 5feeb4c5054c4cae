"""`sdfz encode`: options to settings, files, messages and exit codes. The encoder itself is a stand-in here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from quick_codec import FACES, VERTICES, QuickCodec, container_bytes
from sdfz.codec.settings import DEFAULT_QUALITY, ErrorBound
from sdfz.formats.container import unpack
from sdfz.formats.errors import MeshError
from sdfz.formats.mesh_io import mesh_bytes
from sdfz.formats.metadata import Metadata

Run = Callable[..., Result]
WARNING = "sdfz: warning: shape.obj: not kept: the original triangles\n"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_one_file(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    result = run("encode", "shape.obj", "-o", "out.sdfz")
    assert result.exit_code == 0
    assert result.stdout == ""
    warning, line = result.stderr.splitlines()
    assert warning + "\n" == WARNING
    n_bytes = len(container_bytes())
    assert line.startswith(
        f"sdfz: shape.obj -> out.sdfz: {n_bytes} bytes; cd 0.05% (0.00122), rms 0.1% (0.00245), hd 0.4% (0.0098) "
        "of the diagonal; "
    )
    assert mesh_file.with_name("out.sdfz").read_bytes() == container_bytes()
    assert files(mesh_file.parent) == ["out.sdfz", "shape.obj"]


def test_defaults(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    run("encode", "shape.obj")
    call = codec.encodings[0]
    settings = call.settings
    assert (settings.method, settings.effort, settings.seed, settings.metric) == ("auto", 5, 0, "hd")
    assert (settings.device, settings.backend, settings.threads) == ("auto", "auto", None)
    assert settings.quality is settings.max_error is settings.target_size is None
    assert call.metadata is call.progress is None


def test_options_reach_the_encoder(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    options = "--target-size 8kB -e 9 --method grid --seed 7 --device cpu --backend torch -j 2 --metadata --units mm"
    assert run("encode", "shape.obj", *options.split()).exit_code == 0
    call = codec.encodings[0]
    settings = call.settings
    assert (settings.method, settings.effort, settings.seed, settings.target_size) == ("grid", 9, 7, 8000)
    assert (settings.device, settings.backend, settings.threads) == ("cpu", "torch", 2)
    assert call.metadata == Metadata("shape.obj", "mm", 4, 4)


def test_default_name_is_said(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    result = run("encode", mesh_file)
    assert f"sdfz: {mesh_file} -> {mesh_file.with_suffix('.sdfz')}: " in result.stderr
    assert mesh_file.with_suffix(".sdfz").exists()


@pytest.mark.parametrize(
    ("options", "bound"),
    [
        (["--max-error", "0.1%"], ErrorBound(0.001, relative=True)),
        (["--max-error", "0.25"], ErrorBound(0.25, relative=False)),
        (["--max-error", "0.25mm", "--units", "mm"], ErrorBound(0.25, relative=False)),
        (["--max-error", "25mm", "--units", "m"], ErrorBound(0.025, relative=False)),
    ],
)
def test_error_bounds(run: Run, codec: QuickCodec, mesh_file: Path, options: list[str], bound: ErrorBound) -> None:
    result = run("encode", "shape.obj", *options, "--metric", "cd")
    assert result.exit_code == 0
    assert "the unit of its coordinates is not known" not in result.stderr
    assert codec.encodings[0].settings.max_error == bound
    assert codec.encodings[0].settings.metric == "cd"


def test_a_unit_that_cannot_be_converted_is_said(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    result = run("encode", "shape.obj", "--max-error", "0.25mm")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[1] == (
        "sdfz: shape.obj: the unit of its coordinates is not known, so --max-error 0.25mm is taken as 0.25 of them; "
        "--units says what they are"
    )
    assert codec.encodings[0].settings.max_error == ErrorBound(0.25, relative=False)


def test_a_file_that_knows_its_unit(run: Run, codec: QuickCodec, tmp_path: Path) -> None:
    (tmp_path / "shape.glb").write_bytes(mesh_bytes(VERTICES, FACES, "glb"))
    result = run("encode", "shape.glb", "--max-error", "25mm")
    assert codec.encodings[0].settings.max_error == ErrorBound(0.025, relative=False)
    assert "hd 0.4% (0.0098 m)" in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ["-q", "50", "--max-error", "0.1%"],
        ["-q", "0", "--target-size", "8kB"],
        ["--max-error", "0.1%", "--target-size", "8kB"],
        ["--metric", "cd"],
        ["-q", "50", "--metric", "cd"],
        ["--quiet", "-v"],
        ["-q", "101"],
        ["-q", "best"],
        ["-e", "0"],
        ["-e", "10"],
        ["--max-error", "-1%"],
        ["--max-error", "0.1 parsec"],
        ["--target-size", "small"],
        ["--method", "jpeg"],
        ["--units", "km"],
        ["--seed", "-1"],
        ["-j", "0"],
        ["--input-format", "step"],
        ["--no-such-option"],
    ],
    ids=" ".join,
)
def test_usage_errors(run: Run, codec: QuickCodec, mesh_file: Path, options: list[str]) -> None:
    result = run("encode", "shape.obj", *options)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Error: " in result.stderr
    assert files(mesh_file.parent) == ["shape.obj"]
    assert codec.encodings == []


def test_quality_options_exclude_each_other(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    result = run("encode", "shape.obj", "-q", 50, "--max-error", "1%")
    assert result.stderr.splitlines()[-1] == "Error: --max-error and -q/--quality are mutually exclusive; give one."


def test_input_is_needed(run: Run, codec: QuickCodec) -> None:
    assert run("encode").exit_code == 2


def test_stdin_to_stdout(run: Run, codec: QuickCodec) -> None:
    result = run("encode", "-", stdin=mesh_bytes(VERTICES, FACES, "ply"))
    assert result.exit_code == 0
    assert result.stdout_bytes == container_bytes()
    assert "sdfz: stdin -> stdout: " in result.stderr


def test_stdin_named_by_format(run: Run, codec: QuickCodec, tmp_path: Path) -> None:
    data = mesh_bytes(VERTICES, FACES, "obj")
    result = run("encode", "-", "--input-format", "OBJ", "-o", "x.sdfz", "--metadata", stdin=data)
    assert result.exit_code == 0
    assert unpack((tmp_path / "x.sdfz").read_bytes()).metadata == Metadata(None, None, 4, 4)
    wrong = run("encode", "-", "--input-format", "ply", "-o", "y.sdfz", stdin=data)
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("sdfz: error: stdin: cannot be read as PLY: ")


def test_file_to_stdout(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    assert run("encode", "shape.obj", "-o", "-").stdout_bytes == container_bytes()
    assert files(mesh_file.parent) == ["shape.obj"]


def test_json_and_the_file_do_not_share_stdout(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    result = run("encode", "shape.obj", "-o", "-", "--json")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "--json prints on stdout, where the file goes" in result.stderr


def test_existing_output_is_kept_without_force(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    old = mesh_file.with_name("out.sdfz")
    old.write_bytes(b"old")
    result = run("encode", "shape.obj", "-o", "out.sdfz")
    assert result.exit_code == 1
    assert result.stderr == "sdfz: error: shape.obj: out.sdfz exists; -f overwrites it\n"
    assert codec.encodings == []  # refused before any work
    assert old.read_bytes() == b"old"
    assert run("encode", "shape.obj", "-o", "out.sdfz", "-f").exit_code == 0
    assert old.read_bytes() == container_bytes()


def test_missing_output_directory(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    result = run("encode", "shape.obj", "-o", "nowhere/out.sdfz")
    assert (result.exit_code, result.stderr) == (1, "sdfz: error: output directory does not exist: nowhere\n")


def test_missing_input(run: Run, codec: QuickCodec) -> None:
    result = run("encode", "a/missing.obj", "-o", "out.sdfz")
    assert (result.exit_code, result.stderr) == (1, "sdfz: error: a/missing.obj: No such file or directory\n")


def test_broken_input_is_one_line(run: Run, codec: QuickCodec, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/points.obj").write_text("v 0 0 0\nv 1 0 0\n")
    result = run("encode", "sub/points.obj")
    assert result.exit_code == 1
    assert result.stderr == (
        "sdfz: error: sub/points.obj: cannot be read as OBJ: it has no faces, only points or lines\n"
    )


@pytest.mark.parametrize("error", [MeshError("too thin"), MemoryError(), OSError(28, "No space left on device")])
def test_nothing_is_left_of_a_failed_encoding(run: Run, codec: QuickCodec, mesh_file: Path, error: Exception) -> None:
    codec.error = error
    result = run("encode", "shape.obj", "--quiet")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("sdfz: error: shape.obj: ")
    assert files(mesh_file.parent) == ["shape.obj"]


def test_nothing_is_left_of_a_failed_write(
    run: Run, codec: QuickCodec, mesh_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "out.sdfz")

    monkeypatch.setattr("os.replace", full)
    result = run("encode", "shape.obj", "-o", "out.sdfz", "--quiet")
    assert result.exit_code == 1
    assert result.stderr == "sdfz: error: shape.obj: out.sdfz: No space left on device\n"
    assert files(mesh_file.parent) == ["shape.obj"]


def test_missed_target_is_written_and_said(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    codec.target_met = False
    for options, reason in {
        ("--max-error", "0.1%"): "hd 0.4% of the diagonal, 0.1% asked",
        ("--max-error", "0.001mm", "--units", "mm"): "hd 0.0098 mm, 0.001mm asked",
        ("--target-size", "40"): f"{len(container_bytes())} bytes, 40 asked",
    }.items():
        result = run("encode", "shape.obj", "-o", "out.sdfz", "-f", "--quiet", *options)
        assert result.exit_code == 3
        assert result.stderr == (f"sdfz: target not met: shape.obj: {reason}; the best file is in out.sdfz\n")
        assert mesh_file.with_name("out.sdfz").read_bytes() == container_bytes()


def test_several_inputs_and_a_broken_one(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    folder = mesh_file.parent
    (folder / "broken.ply").write_bytes(b"ply\nbroken")
    (folder / "other.obj").write_bytes(mesh_file.read_bytes())
    (folder / "out").mkdir()
    result = run("encode", "shape.obj", "broken.ply", "other.obj", "-o", "out", "--json")
    assert result.exit_code == 1
    assert files(folder / "out") == ["other.sdfz", "shape.sdfz"]
    assert result.stderr.splitlines()[-1] == "sdfz: error: 1 of 3 inputs failed: broken.ply"
    first, second, third = map(json.loads, result.stdout.splitlines())
    assert (first["output"], third["output"]) == ("out/shape.sdfz", "out/other.sdfz")
    assert second["input"] == "broken.ply"
    assert second["error"]["type"] == "MeshError"


def test_failures_count_more_than_missed_targets(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    codec.target_met = False
    result = run("encode", "shape.obj", "missing.obj", "--target-size", "40")
    assert result.exit_code == 1
    assert "target not met: shape.obj" in result.stderr


def test_json(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    result = run("encode", "shape.obj", "-o", "out.sdfz", "--json", "--quiet", "--units", "mm", "--max-error", "1%")
    assert result.stderr == ""
    report = json.loads(result.stdout)
    assert report.pop("seconds") > 0
    assert report.pop("diagonal") == pytest.approx(6**0.5, rel=1e-4)
    assert report.pop("errors_in_units") == pytest.approx(
        {"cd": 0.0005 * 6**0.5, "rms": 0.001 * 6**0.5, "hd": 0.004 * 6**0.5}, rel=1e-4
    )
    n_bytes = len(container_bytes())
    assert report == {
        "input": "shape.obj",
        "output": "out.sdfz",
        "bytes": n_bytes,
        "n_vertices": 4,
        "n_faces": 4,
        "bits_per_vertex": 2 * n_bytes,
        "errors": {"cd": 0.0005, "rms": 0.001, "hd": 0.004},
        "units": "mm",
        "target_met": True,
        "not_kept": ["the original triangles"],
        "seconds_by_stage": {"fit": 0.25},
    }


def test_what_is_not_kept_is_one_line(run: Run, codec: QuickCodec, tmp_path: Path) -> None:
    (tmp_path / "coloured.off").write_text(
        "COFF\n3 1 0\n0 0 0 255 0 0 255\n1 0 0 0 255 0 255\n0 1 0 0 0 255 255\n3 0 1 2\n"
    )
    result = run("encode", "coloured.off", "-o", "x.sdfz")
    warnings = [line for line in result.stderr.splitlines() if "warning" in line]
    assert len(warnings) == 1
    assert warnings[0].startswith("sdfz: warning: coloured.off: not kept: the original triangles, ")


def test_quiet_and_verbose(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    assert run("encode", "shape.obj", "--quiet").output == ""
    result = run("encode", "shape.obj", "-f", "-v")
    assert "sdfz: fit: 0.25 s\nsdfz: n_latents: 7\n" in result.stderr


def test_help_names_the_default_quality(run: Run) -> None:
    assert f"default: -q {DEFAULT_QUALITY:g})" in run("encode", "--help").stdout
