"""Sweeps: rows for what works and for what does not, nothing measured twice, no process left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import fake_peers
import pytest
import shapes
from fake_peers import BITS, Crashing, Halving, Hungry, Missing, Newer, Rounding, Sleeping
from sdfz.bench.corpus import CorpusShape, corpus_shapes
from sdfz.bench.machine import describe_machine
from sdfz.bench.peers.contract import Peer
from sdfz.bench.plan import plan_sweep
from sdfz.bench.pool import run_groups
from sdfz.bench.rd import measure_rd
from sdfz.bench.rows import FAILED, OK, SKIPPED, Row, read_rows, write_rows
from sdfz.bench.worker import Measuring, measure_group
from sdfz.codec.distortion import measure
from sdfz.formats.mesh_io import mesh_bytes

GB = 1_000_000_000
MEASURING = Measuring(n_samples=2000, memory_bytes=20 * GB, machine="here")


@pytest.fixture
def ball(tmp_path: Path) -> CorpusShape:
    (tmp_path / "meshes").mkdir()
    (tmp_path / "meshes" / "ball.ply").write_bytes(mesh_bytes(*shapes.sphere(1.0, 2), "ply"))
    return corpus_shapes(tmp_path / "meshes")[0]


def measured_here(shape: CorpusShape, *peers: Peer, measuring: Measuring = MEASURING) -> list[Row]:
    """What a sweep would measure, in this process."""
    found: list[Row] = []
    for group in plan_sweep([shape], peers, []).groups:
        measure_group(group, measuring, found.append)
    return found


def test_one_process_for_each_group(ball: CorpusShape, tmp_path: Path) -> None:
    """All that can go wrong in one sweep, and the honest codec beside it unharmed."""
    table = tmp_path / "table.tsv"
    peers = [Rounding(), Crashing(), Hungry(), Missing()]
    said: list[Row] = []
    found = measure_rd([ball], peers, table, MEASURING, jobs=2, timeout=120, on_row=said.append)
    assert found == read_rows(table)
    assert sorted(row.key for row in said) == sorted(row.key for row in found)
    by_codec = {peer.name: [row for row in found if row.codec == peer.name] for peer in peers}
    for name, status, reason in (
        ("rounding", OK, ""),
        ("crashing", FAILED, "its process ended with exit code 7"),
        ("hungry", FAILED, "out of memory"),
    ):
        rows = by_codec[name]
        assert [(row.point, row.status, row.reason) for row in rows] == [(f"b{b}", status, reason) for b in BITS]
    (missing,) = by_codec["missing"]
    assert (missing.point, missing.status, missing.reason) == ("", SKIPPED, "the program missing is not on PATH")


def test_figures(ball: CorpusShape) -> None:
    coarse, fine = (measured_here(ball, Rounding())[index] for index in (0, 2))
    assert (coarse.shape, coarse.sha256, coarse.faces, coarse.vertices) == ("ball", ball.sha256, 320, 162)
    assert (coarse.codec, coarse.point, coarse.settings, coarse.version) == ("rounding", "b4", {"bits": 4}, "1")
    assert coarse.decoded_faces == 320
    mesh, peer = ball.load(), Rounding()
    data = peer.encode(mesh, peer.points(mesh, quick=True)[0])
    decoded = peer.decode(data)
    expected = measure((mesh.vertices, mesh.faces), (decoded.vertices, decoded.faces), 2000, 20_000)
    assert coarse.bytes == len(data)
    for name in ("cd", "rms", "hd", "p99", "normal_consistency", "f_scores"):
        assert getattr(coarse, name) == getattr(expected, name)
    assert (coarse.cd_forward, coarse.cd_backward) == (expected.forward.mean, expected.backward.mean)
    assert coarse.cd is not None and fine.cd is not None and fine.cd < coarse.cd / 8
    assert coarse.peak_mb is not None and 20 < coarse.peak_mb < 20_000


def test_what_points_share_is_charged_to_each(ball: CorpusShape) -> None:
    class Slow(Rounding):
        def prepare(self, mesh: object, group: str) -> object:
            time.sleep(0.2 if group == "coarse" else 0)
            return mesh

    seconds = {row.point: row.encode_s or 0 for row in measured_here(ball, Slow())}
    assert min(seconds["b4"], seconds["b6"]) >= 0.2 > seconds["b8"]


def test_a_point_that_fails_leaves_the_others(ball: CorpusShape) -> None:
    found = {row.point: row for row in measured_here(ball, Halving())}
    assert (found["b4"].status, found["b6"].status, found["b8"].status) == (OK, FAILED, FAILED)
    assert found["b6"].reason == "ValueError: no such thing"
    assert found["b8"].reason.startswith("error: ")  # zlib's own
    assert (found["b8"].bytes, found["b8"].cd) == (0, None)


def test_points_have_no_normals(ball: CorpusShape) -> None:
    class Cloud(Rounding):
        def decode(self, data: bytes) -> object:
            mesh = super().decode(data)
            return type(mesh)(mesh.vertices, mesh.faces[:0])

    found = measured_here(ball, Cloud())[-1]
    assert (found.status, found.reason) == (OK, "")
    assert (found.decoded_faces, found.normal_consistency) == (0, None)
    # The vertices of a ball are on the surface; the surface is up to half an edge from the vertices.
    assert found.cd_backward is not None and found.cd_forward is not None
    assert found.cd_backward < 0.002 < 0.01 < found.cd_forward


def test_papers_variants_where_asked_for(ball: CorpusShape) -> None:
    assert measured_here(ball, Rounding())[0].papers == {}
    found = measured_here(ball, Rounding(), measuring=Measuring(n_samples=2000, papers=True))
    assert 0 < found[-1].papers["ed_mean"] < found[0].papers["ed_mean"]


def test_too_late(ball: CorpusShape) -> None:
    groups = plan_sweep([ball], [Sleeping()], []).groups
    found = list(run_groups(groups[:1], MEASURING, jobs=1, timeout=0.1))
    assert [(row.point, row.status) for row in found] == [("b4", FAILED), ("b6", FAILED)]
    assert found[1].reason == "not done after 0.1 s"


def test_an_interrupt_ends_what_the_processes_started(ball: CorpusShape) -> None:
    rows = run_groups(plan_sweep([ball], [Sleeping()], []).groups[:1], MEASURING, jobs=1, timeout=120)
    started = int(next(rows).reason.split()[-1])
    assert is_running(started)
    rows.close()  # as a KeyboardInterrupt in the consumer does
    assert ends(started)


def test_nothing_outlives_a_sweep_that_was_killed(ball: CorpusShape, tmp_path: Path) -> None:
    program = f"""if True:
        from pathlib import Path
        from fake_peers import Sleeping
        from sdfz.bench.corpus import corpus_shapes
        from sdfz.bench.rd import measure_rd
        from sdfz.bench.worker import Measuring
        measure_rd(corpus_shapes(Path({str(ball.path.parent)!r})), [Sleeping()], Path({str(tmp_path / "t.tsv")!r}),
                   Measuring(), jobs=1, timeout=600, on_row=lambda row: print(row.reason.split()[-1], flush=True))
    """
    sweep = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=Path(fake_peers.__file__).parent
    )
    assert sweep.stdout is not None
    with sweep.stdout:
        started = int(sweep.stdout.readline())
        sweep.kill()
        sweep.wait()
        assert ends(started)
    assert [row.point for row in read_rows(tmp_path / "t.tsv")] == ["b4"]


def ends(process: int) -> bool:
    """Whether a process is gone soon."""
    deadline = time.monotonic() + 10
    while is_running(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_running(process)


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# -- plans ------------------------------------------------------------------------------------------------------------


def known(shape: CorpusShape, point: str, status: str = OK, version: str = "1", sha256: str = "") -> Row:
    return Row(
        shape.name,
        sha256 or shape.sha256,
        320,
        162,
        "rounding",
        point,
        status=status,
        bytes=1,
        cd=1.0,
        rms=1.0,
        hd=1.0,
        version=version,
    )


def test_what_is_known_is_not_measured_again(ball: CorpusShape) -> None:
    rows = [known(ball, "b4"), known(ball, "b6", FAILED), known(ball, "other"), known(ball, "", SKIPPED)]
    plan = plan_sweep([ball], [Rounding()], rows)
    assert [(group.name, [point.name for point in group.points]) for group in plan.groups] == [
        ("coarse", ["b6"]),
        ("fine", ["b8"]),
    ]
    assert (plan.n_points, plan.n_known) == (2, 1)
    assert plan.outdated == {("ball", "rounding", "")}
    assert plan_sweep([ball], [Rounding()], rows, again=True).n_points == 3
    assert plan_sweep([ball], [Rounding()], rows, quick=True).n_points == 0


@pytest.mark.parametrize("changed", [{"version": "0"}, {"sha256": "f" * 12}])
def test_rows_of_another_file_or_version_go(ball: CorpusShape, changed: dict[str, str]) -> None:
    plan = plan_sweep([ball], [Rounding()], [known(ball, "b4", **changed), known(ball, "other", **changed)])
    assert plan.n_points == 3
    assert plan.outdated == {("ball", "rounding", "b4"), ("ball", "rounding", "other")}


def test_long_groups_come_first(tmp_path: Path) -> None:
    for name, level in (("a", 1), ("b", 3), ("c", 2)):
        (tmp_path / f"{name}.ply").write_bytes(mesh_bytes(*shapes.sphere(1.0, level), "ply"))
    groups = plan_sweep(corpus_shapes(tmp_path), [Rounding()], []).groups
    assert [(group.shape.name, len(group.points)) for group in groups] == [
        ("b", 2), ("b", 1), ("c", 2), ("c", 1), ("a", 2), ("a", 1),
    ]  # fmt: skip


def test_a_shape_that_cannot_be_read(ball: CorpusShape) -> None:
    ball.path.write_text("no mesh")
    plan = plan_sweep([ball], [Rounding()], [])
    assert plan.groups == []
    (row,) = plan.skipped
    assert (row.codec, row.point, row.status, row.faces) == ("rounding", "", FAILED, 0)
    assert row.reason.startswith("MeshError: ball.ply: cannot be read as PLY")


def test_rows_of_a_codec_that_is_missing_here_stay(ball: CorpusShape, tmp_path: Path) -> None:
    table = tmp_path / "table.tsv"
    before = [Row(**{**vars(known(ball, "b4")), "codec": "missing"})]
    write_rows(table, before)
    assert measure_rd([ball], [Missing()], table, MEASURING, jobs=1, timeout=60) == before


def test_a_sweep_goes_on_where_it_was_stopped(ball: CorpusShape, tmp_path: Path) -> None:
    table = tmp_path / "table.tsv"
    elsewhere = Row("cube", "0" * 12, 12, 8, "draco", "qp9", bytes=1, cd=1.0, rms=1.0, hd=1.0)
    write_rows(table, [known(ball, "b4"), known(ball, "b6"), elsewhere])
    with open(table, "a") as file:
        file.write("ball\tcut off")
    said: list[Row] = []
    found = measure_rd([ball], [Rounding()], table, MEASURING, jobs=1, timeout=120, on_row=said.append)
    assert [row.point for row in said] == ["b8"]
    assert [row.point for row in found] == ["b4", "b6", "b8"]
    assert read_rows(table) == [*found, elsewhere]
    assert plan_sweep([ball], [Newer()], found).n_points == 3


def test_the_machine_is_not_named() -> None:
    text = describe_machine()
    assert "cores, Python 3." in text
    assert os.uname().nodename not in text
