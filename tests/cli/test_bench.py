"""`sdfz bench`: sweeps into a table, what is said of them, and comparisons of what is in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import shapes
from click.testing import Result
from fake_peers import Missing, Rounding
from sdfz.bench.rows import Row, read_rows, write_rows
from sdfz.formats.mesh_io import mesh_bytes

Run = Callable[..., Result]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A ball and a torus."""
    folder = tmp_path / "meshes"
    folder.mkdir()
    for name, mesh in (("ball", shapes.sphere(1.0, 1)), ("ring", shapes.torus(n_major=12, n_minor=6))):
        (folder / f"{name}.ply").write_bytes(mesh_bytes(*mesh, "ply"))
    return folder


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bench knows two codecs, one of which is missing."""
    known = {"rounding": Rounding, "missing": Missing}
    monkeypatch.setattr("sdfz.bench.peers.PEERS", known)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two codecs on two shapes: `sdfz` takes half the bytes on `a`; on `b` the curves have nothing in common."""
    path = tmp_path / "results.tsv"
    write_rows(path, [*rows("a", "opponent", 2.0), *rows("a", "sdfz", 1.0), *rows("b", "opponent", 2.0),
                      *rows("b", "sdfz", 1.0, (0.05, 0.02))])  # fmt: skip
    return path


def rows(shape: str, codec: str, factor: float, errors: Sequence[float] = (2e-3, 4e-4, 8e-5)) -> list[Row]:
    """Rows of a curve with bytes = factor / cd, of RMS 1.25 CD and HD 8 CD."""
    return [
        Row(shape, "0" * 12, 10, 10, codec, f"p{i}", bytes=round(factor / e), cd=e, rms=1.25 * e, hd=8 * e)
        for i, e in enumerate(errors)
    ]


def test_rd(run: Run, corpus: Path, peers: None, tmp_path: Path) -> None:
    arguments = ("bench", "rd", "-o", "t.tsv", "--corpus", "meshes", "--shapes", "ball", "--samples", 1000, "-j", 1)
    result = run(*arguments, "--quick", "--json")
    assert result.exit_code == 0, result.output
    ok, missing = (json.loads(line) for line in result.stdout.splitlines()[::-1])
    assert (ok["shape"], ok["codec"], ok["point"], ok["status"]) == ("ball", "rounding", "b4", "ok")
    assert 0 < ok["cd"] < ok["hd"] < 0.1
    assert (missing["codec"], missing["status"], missing["cd"]) == ("missing", "skipped", None)
    assert [row.key for row in read_rows(tmp_path / "t.tsv")] == [("ball", "missing", ""), ("ball", "rounding", "b4")]
    assert result.stderr.splitlines() == [
        "sdfz: warning: ball missing: skipped: the program missing is not on PATH",
        "sdfz: t.tsv: 2 rows of these shapes and codecs: 1 ok, 1 skipped",
    ]
    again = run(*arguments, "--quick", "--codecs", "rounding", "-v")
    assert again.stderr == "sdfz: t.tsv: 1 row of these shapes and codecs: 1 ok\n"


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (["--codecs", "rounding,other"], "no codec is called 'other'; there are rounding, missing"),
        (["--codecs", ","], "there is no name in it"),
        (["--shapes", "cone"], "the corpus has no shape cone"),
        (["--folder", "dev"], "the corpus has no folder 'dev'"),
        (["-j", "0"], "0 is not in the range"),
    ],
)
def test_rd_usage(run: Run, corpus: Path, peers: None, wrong: list[str], complaint: str, tmp_path: Path) -> None:
    result = run("bench", "rd", "-o", "t.tsv", "--corpus", "meshes", *wrong)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert not (tmp_path / "t.tsv").exists()


def test_rd_writes_only_tables(run: Run, corpus: Path, peers: None, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("something of value\n")
    result = run("bench", "rd", "-o", "notes.txt", "--corpus", "meshes")
    assert result.exit_code == 1
    assert result.stderr == "sdfz: error: notes.txt: not a table of measurements: no column 'shape' in line 1\n"
    assert (tmp_path / "notes.txt").read_text() == "something of value\n"
    result = run("bench", "rd", "-o", "nowhere/t.tsv", "--corpus", "meshes")
    assert (result.exit_code, result.stderr) == (1, "sdfz: error: nowhere/t.tsv: its folder does not exist\n")


def test_bdrate(run: Run, table: Path) -> None:
    result = run("bench", "bdrate", "results.tsv", "--metric", "hd")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "sdfz against opponent: bytes at equal error, and the errors compared\n"
        "\n"
        "shape      hd  0.0008..0.008\n"
        "a      -50.0%  0.0008..0.008\n"
        "b           -\n"
        "mean   -50.0%  1 of 2 shapes\n"
        "\n"
        "b, hd: the curves do not meet within 0.0008..0.008\n"
    )


def test_bdrate_json(run: Run, table: Path) -> None:
    result = run("bench", "bdrate", "results.tsv", "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each["metric"] for each in found] == ["cd", "rms", "hd"]
    for each in found:
        assert each["shapes"]["a"]["percent"] == pytest.approx(-50, abs=0.1)
        assert each["shapes"]["b"]["percent"] is None
        assert each["shapes"]["b"]["reason"].startswith("the curves do not meet")
        assert each["mean_percent"] == pytest.approx(-50, abs=0.1)


def test_bytes_at(run: Run, table: Path) -> None:
    result = run("bench", "bdrate", "results.tsv", "--at")
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["shape", "codec", "cd", "0.001", "cd", "0.0005", "cd", "0.0002", "cd", "0.0001", "cd", "5e-05"],
        ["a", "opponent", "2,000", "4,000", "10,000", "20,000", "-"],
        ["a", "sdfz", "1,000", "2,000", "5,000", "10,000", "-"],
        ["b", "opponent", "2,000", "4,000", "10,000", "20,000", "-"],
        ["b", "sdfz", "-", "-", "-", "-", "-"],
    ]
    result = run("bench", "bdrate", "results.tsv", "--at", "--json", "--metric", "rms")
    first = json.loads(result.stdout.splitlines()[0])
    assert (first["shape"], first["codec"], first["metric"]) == ("a", "opponent", "rms")
    assert first["bytes_at"][0] == {"error": 1.25e-3, "bytes": pytest.approx(2000), "at_most": None}


def test_bdrate_failures(run: Run, table: Path) -> None:
    result = run("bench", "bdrate", "results.tsv", "--codec", "draco")
    assert result.exit_code == 1
    assert result.stderr == "sdfz: error: results.tsv: no row of draco; there are opponent, sdfz\n"
    assert run("bench", "bdrate", "missing.tsv").exit_code == 1
    assert run("bench", "bdrate", "results.tsv", "--metric", "emd").exit_code == 2
    table.write_text(table.read_text()[:-40] + "\n")
    result = run("bench", "bdrate", "results.tsv")
    assert result.exit_code == 1
    assert result.stderr.startswith("sdfz: error: results.tsv: line ")
    assert len(result.stderr.splitlines()) == 1


def test_report_and_speed_check_first(run: Run, corpus: Path, table: Path) -> None:
    result = run("bench", "report", "results.tsv", "-o", "no/where")
    assert (result.exit_code, result.stderr) == (1, "sdfz: error: no/where: its folder does not exist\n")
    assert run("bench", "report", "results.tsv").exit_code == 2
    assert run("bench", "speed", "--corpus", "meshes", "--shapes", "cone").exit_code == 2
    assert run("bench", "speed", "--devices", "tpu").exit_code == 2
    assert run("bench", "speed", "--corpus", "meshes", "-o", "no/speed.tsv").exit_code == 1


def test_report_is_handed_everything(run: Run, corpus: Path, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sdfz.bench import report

    asked: dict[str, object] = {}

    def write_report(results: tuple[Path, ...], out: Path, **options: object) -> report.Report:
        asked.update(options, results=results, out=out)
        return report.Report(out / "report.md", out / "report.html", out / "images")

    monkeypatch.setattr(report, "write_report", write_report)
    result = run("bench", "report", "results.tsv", "own.tsv", "-o", "out", "--corpus", "meshes", "--no-pictures",
                 "--date", "today")  # fmt: skip
    assert (result.exit_code, result.stderr) == (0, "sdfz: out/report.md and out/report.html\n")
    assert asked["results"] == (Path("results.tsv"), Path("own.tsv"))
    assert (asked["out"], asked["corpus"]) == (Path("out"), Path("meshes"))
    assert (asked["pictures"], asked["noise"], asked["reference"], asked["date"]) == (False, True, "opponent", "today")


def test_speed(run: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sdfz.bench import speed

    def timed(meshes: Sequence[tuple[str, object]], **options: object) -> list[speed.Timing]:
        assert options["devices"] == ("cpu",) and options["repeats"] == 2
        return [speed.Timing(name, "sdfz", "cpu", "encode", 2.0, 1.5, 2.5, 1234.5, "triangles/s", 40.0)
                for name, _ in meshes]  # fmt: skip

    monkeypatch.setattr(speed, "run", timed)
    result = run("bench", "speed", "--corpus", "meshes", "--shapes", "ring", "--repeats", 2, "--devices", "cpu",
                 "-o", "speed.tsv")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["shape", "codec", "device", "stage", "seconds", "from", "to", "throughput", "against", "Draco"],
        ["ring", "sdfz", "cpu", "encode", "2", "1.5", "2.5", "1,234", "triangles/s", "40x"],
    ]
    (timing,) = speed.read_timings(tmp_path / "speed.tsv")
    assert (timing.shape, timing.seconds_median, timing.ratio_to_draco) == ("ring", 2.0, 40.0)
