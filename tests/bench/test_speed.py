"""Timings of a small shape with a light encoder: what is timed, and how it is put in a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import shapes
from sdfz.bench import speed
from sdfz.bench.peers.contract import Mesh, Unavailable
from sdfz.bench.speed import DECIMATED, DECODE, DRACO, ENCODE, OURS, Timing, TimingsError, read_timings, write_timings

PARTS = {
    "grid": {
        "encode: distance tree",
        "encode: cells",
        "encode: distance samples",
        "decode: network",
        "decode: field",
        "decode: mesher",
    },
    "scaffold": {"decode: subdivision"},
    "hashgrid": {"decode: field", "decode: mesher"},
}
EVERY = {"encode: preparing", "encode: fit", "encode: entropy coding", "encode: measuring", "decode: entropy"}


def run(repeats: int, said: list[str], method: str = "auto") -> dict[tuple[str, str], Timing]:
    meshes = [("ball", Mesh(*shapes.sphere(0.8, 3)))]
    found = speed.run(meshes, method=method, quality=10, effort=1, repeats=repeats, progress=said.append)
    assert all(timing.shape == "ball" and timing.device == "cpu" for timing in found)
    return {(timing.codec, timing.stage): timing for timing in found}


@pytest.mark.parametrize("method", PARTS)
def test_whole_and_parts_are_timed_and_compared_with_draco(method: str, quick: None) -> None:
    pytest.importorskip("DracoPy")
    pytest.importorskip("fast_simplification")
    said: list[str] = []
    found = run(2, said, method)
    assert said == ["ball: repeat 1 of 2", "ball: repeat 2 of 2"]
    parts = {(OURS, part) for part in EVERY | PARTS[method]}
    assert set(found) == parts | {(codec, stage) for codec in (OURS, DRACO, DECIMATED) for stage in (ENCODE, DECODE)}
    for timing in found.values():
        assert 0 < timing.seconds_min <= timing.seconds_median <= timing.seconds_max
    assert found[OURS, ENCODE].throughput == pytest.approx(1280 / found[OURS, ENCODE].seconds_median)
    assert found[OURS, "encode: fit"].seconds_min < found[OURS, ENCODE].seconds_max
    for stage in (ENCODE, DECODE):
        ratio = found[OURS, stage].seconds_median / found[DRACO, stage].seconds_median
        assert found[OURS, stage].ratio_to_draco == pytest.approx(ratio)
        assert found[DRACO, stage].ratio_to_draco == 1
    assert found[OURS, "decode: entropy"].ratio_to_draco is None


def test_without_draco_the_rest_is_timed_and_the_reason_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str, distribution: str) -> None:
        raise Unavailable(f"no {distribution}")

    def three_seconds(mesh: Mesh, settings: Any, watch: Any) -> int:
        watch.add(OURS, settings.device, ENCODE, 3.0, len(mesh.faces), "triangles")
        return 1000

    monkeypatch.setattr(speed, "optional", missing)
    monkeypatch.setattr(speed, "_warm_up", lambda settings: None)
    monkeypatch.setattr(speed, "_time_ours", three_seconds)
    said: list[str] = []
    found = run(1, said)
    assert said[:2] == ["draco is not timed: no DracoPy", "decimated-draco is not timed: no DracoPy"]
    rate = pytest.approx(1280 / 3)
    assert list(found.values()) == [Timing("ball", OURS, "cpu", ENCODE, 3.0, 3.0, 3.0, rate, "triangles/s", None)]


def test_a_table_of_timings_is_read_as_it_was_written(tmp_path: Path) -> None:
    timings = [
        Timing("ball", OURS, "cuda", DECODE, 0.25, 0.125, 0.5, 4e6, "triangles/s", 3.5),
        Timing("ball", OURS, "cuda", "decode: network", 0.25, 0.125, 0.5, None, "", None),
    ]
    write_timings(tmp_path / "speed.tsv", timings)
    assert read_timings(tmp_path / "speed.tsv") == timings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shape\tbytes\n", "columns"),
        ("\t".join(speed.COLUMNS) + "\nball\tsdfz\tcpu\tdecode\tfast\t1\t1\t\t\t\n", "line 2"),
    ],
)
def test_what_is_no_table_of_timings_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "speed.tsv").write_text(text)
    with pytest.raises(TimingsError, match=message):
        read_timings(tmp_path / "speed.tsv")
