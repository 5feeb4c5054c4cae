"""Which method `auto` takes: the scaffold, and the grid where the scaffold does badly and the grid measures better."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import shapes
from sdfz.codec.encode import Encoded, EncodeSettings, ErrorBound, encode_mesh
from sdfz.codec.job import Job
from sdfz.codec.search import Trial

TETRAHEDRON = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]
CD_BOUND = ErrorBound(1e-3)


@dataclass
class Methods:
    """Stands in for the methods' searches: each finds one file, of so many bytes and of such an error.

    Attributes
    ----------
    finds : dict
        By method, bytes and mean error.
    jobs : dict
        What each was asked for.
    """

    finds: dict[str, tuple[int, float]] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)

    def trials(self, job: Job, method: str) -> list[Trial[Encoded]]:
        self.jobs[method] = job
        n_bytes, cd = self.finds[method]
        settings = job.settings
        excess = cd / CD_BOUND.value if settings.max_error else n_bytes / (settings.target_size or n_bytes)
        errors: Any = SimpleNamespace(cd=cd)
        header: Any = SimpleNamespace(method=method)
        return [Trial(1.0, excess, Encoded(bytes(n_bytes), header, errors, excess <= 1))]


@pytest.fixture
def methods(monkeypatch: pytest.MonkeyPatch) -> Methods:
    found = Methods()
    monkeypatch.setattr("sdfz.codec.encode._trials", found.trials)
    return found


@pytest.mark.parametrize(
    ("goal", "scaffold", "grid", "best"),
    [
        ({}, (500, 5e-4), None, "scaffold"),
        ({}, (500, 5e-2), (480, 2e-2), "grid"),
        ({}, (500, 5e-2), (480, 6e-2), "scaffold"),
        ({}, (500, 5e-2), (501, 1e-2), "scaffold"),
        ({"max_error": CD_BOUND}, (500, 9e-4), None, "scaffold"),
        ({"max_error": CD_BOUND}, (500, 2e-3), (900, 9e-4), "grid"),
        ({"max_error": CD_BOUND}, (500, 2e-3), (900, 3e-3), "scaffold"),
        ({"target_size": 600}, (500, 5e-4), None, "scaffold"),
        ({"target_size": 600}, (500, 5e-2), (590, 4e-2), "grid"),
        ({"target_size": 600}, (700, 5e-2), None, "scaffold"),
        ({"preserve_mesh": True}, (500, 5e-2), None, "scaffold"),
        ({"method": "scaffold"}, (500, 5e-2), None, "scaffold"),
        ({"method": "grid"}, None, (500, 5e-2), "grid"),
    ],
)  # fmt: skip
def test_the_better_of_those_worth_trying(
    methods: Methods,
    goal: dict[str, Any],
    scaffold: tuple[int, float] | None,
    grid: tuple[int, float] | None,
    best: str,
) -> None:
    methods.finds = {name: find for name, find in (("scaffold", scaffold), ("grid", grid)) if find}
    file = encode_mesh(*TETRAHEDRON, EncodeSettings(metric="cd", **goal))
    assert file.header.method == best
    assert set(methods.jobs) == set(methods.finds)


def test_a_grid_instead_is_no_larger(methods: Methods) -> None:
    methods.finds = {"scaffold": (500, 5e-2), "grid": (480, 2e-2)}
    assert encode_mesh(*TETRAHEDRON, EncodeSettings(quality=30)).target_met
    assert methods.jobs["scaffold"].settings.quality == 30
    assert (methods.jobs["grid"].settings.quality, methods.jobs["grid"].settings.target_size) == (None, 500)


def test_a_scaffold_runs_no_network() -> None:
    """Neither its encoder nor its decoder loads torch, whatever number of threads is asked for."""
    vertices, faces = shapes.box((1, 2, 3), 2)
    code = f"""
import sys, numpy as np
from sdfz.codec.encode import EncodeSettings, encode_mesh
from sdfz.codec.decode import decode_bytes
settings = EncodeSettings(preserve_mesh=True, threads=1)
data = encode_mesh({vertices.tolist()}, {faces.tolist()}, settings).data
decode_bytes(data).distance(np.zeros((1, 3)))
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
