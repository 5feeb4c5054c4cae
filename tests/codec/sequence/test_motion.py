"""Nodes that move, and surfaces that they carry."""

from __future__ import annotations

import numpy as np
import pytest
import shapes
from sdfz.codec.sequence.base import contact, reference_of
from sdfz.codec.sequence.carry import Carrier, NodeFrames, carrying_nodes
from sdfz.codec.sequence.fit import MotionSettings, fit_motion, frames_to_follow
from sdfz.codec.sequence.motion import positions_of, residuals_of
from sdfz.codec.sequence.surface import MovingSurface
from sdfz.codec.sequence.tracks import Tracks

RNG = np.random.default_rng(3)
NODES = RNG.normal(size=(12, 3))
KNOWN = np.array([[j if j < k else -1 for j in range(4)] for k in range(12)])
EDGES = np.array([(k, j) for k in range(12) for j in KNOWN[k] if j >= 0])


def turn(angle: float) -> np.ndarray:
    """A rotation about the z axis."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def test_a_rigid_motion_is_predicted_from_a_few_nodes() -> None:
    """Those that see enough others before them to tell a rotation by have no residual."""
    wanted = np.stack([NODES @ turn(0.2 * t).T + [0.1 * t, 0, 0] for t in range(1, 5)])
    back = np.ones(4, np.int64)
    residuals, positions = residuals_of(NODES, KNOWN, back, wanted, 1e-3, 0.0)
    np.testing.assert_allclose(positions, wanted, atol=0.5e-3 + 1e-12)
    assert np.abs(residuals[:, 4:]).max() < 0.15 * np.abs(residuals[:, :2]).max()
    assert np.array_equal(positions_of(NODES, KNOWN, back, residuals, 1e-3), positions)


def test_a_frame_that_comes_again_costs_nothing() -> None:
    wanted = np.stack([NODES, NODES + RNG.normal(size=NODES.shape), NODES])
    back = frames_to_follow(wanted)
    assert back.tolist() == [1, 1, 2]
    residuals, _ = residuals_of(NODES, KNOWN, back, wanted, 1e-3, 0.0)
    assert residuals[1].any()
    assert not residuals[2].any()


def test_a_dead_zone_makes_residuals_smaller() -> None:
    wanted = NODES[None] + RNG.normal(size=(3, 12, 3))
    plain, lazy = (residuals_of(NODES, KNOWN, np.ones(3, np.int64), wanted, 0.5, zone)[0] for zone in (0.0, 0.4))
    assert np.abs(lazy).sum() < np.abs(plain).sum()


@pytest.mark.parametrize("stretch", [1.0, 1.3])
def test_surroundings_turn_and_stretch(stretch: float) -> None:
    wanted = turn(2.0) @ np.diag([stretch, 1.0, 1.0])
    frames, before = NodeFrames(NODES, EDGES), None
    for share in np.linspace(0.1, 1, 10):  # in small steps, as from frame to frame
        part = turn(2.0 * share) @ np.diag([1 + share * (stretch - 1), 1.0, 1.0])
        before = frames.of(NODES @ part.T, before)
    np.testing.assert_allclose(before, np.broadcast_to(wanted, before.shape), atol=0.1 * (stretch - 1) + 1e-3)


def test_a_rigid_motion_carries_the_surface() -> None:
    vertices, faces = shapes.sphere(1.0, 3)
    chosen, weights = carrying_nodes(vertices, faces, NODES)
    np.testing.assert_allclose(weights.sum(1), 1)
    carrier, moved = Carrier(vertices, NODES, chosen, weights), NODES @ turn(0.5).T + 1.0
    found = carrier.carried(moved, NodeFrames(NODES, EDGES).of(moved))
    np.testing.assert_allclose(found, vertices @ turn(0.5).T + 1.0, atol=2e-3)


def test_paths_are_along_the_surface() -> None:
    """Two sheets that nearly touch follow nodes of their own; a part without a node, those that are near."""
    corners = np.array([[x, y, z] for z in (0.0, 0.01, 5.0) for y in range(4) for x in range(4)], float)
    quads = [(k, k + 1, k + 5, k + 4) for k in range(11) if k % 4 < 3]
    sheet = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    faces = np.concatenate([sheet, sheet + 16, sheet + 32])
    nodes = np.concatenate([corners[[0, 3, 12, 15]], corners[16:32:5] + [0, 0, 0.01]])
    chosen, weights = carrying_nodes(corners, faces, nodes)
    assert np.where(weights[:16] > 0, chosen[:16], 0).max() < 4
    assert np.where(weights[16:32] > 0, chosen[16:32], 4).min() >= 4
    np.testing.assert_allclose(weights.sum(1), 1)


class _Still:
    """A mesh as a surface."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        self._mesh = vertices, faces

    def mesh(self, resolution: int, progress: object = None, *, uniform: bool = False):  # type: ignore[no-untyped-def]
        return self._mesh


def test_a_bend_is_fitted() -> None:
    """A bar that bends: with nodes enough, its surface is where it should be, and a coarser one is farther off."""
    vertices, faces = shapes.sphere(0.2, 3)
    vertices = vertices * [1.0, 1.0, 4.0]
    frames = []
    for t in range(4):
        angle = 0.3 * t * vertices[:, 2]
        x, z = vertices[:, 0] * np.cos(angle), vertices[:, 2] + vertices[:, 0] * np.sin(angle)
        frames.append(np.stack([x + 0.15 * t * vertices[:, 2] ** 2, vertices[:, 1], z], 1))
    tracks = Tracks(vertices, faces, np.stack(frames), faces, 0)
    errors = []
    for n_nodes in (5, 40):
        moving = MovingSurface(_Still(vertices, faces), fit_motion(tracks, MotionSettings(n_nodes, 1e-3)))
        assert moving.n_frames == 4
        errors.append(np.linalg.norm(moving.mesh(3, 64)[0] - frames[3], axis=1).mean())
    assert errors[1] < 0.01
    assert errors[1] < 0.4 * errors[0]


def test_a_base_without_a_surface() -> None:
    vertices, faces = shapes.sphere(0.5, 2)
    symbols = fit_motion(Tracks(vertices, faces, np.stack([vertices]), faces, 0), MotionSettings(4, 0.1))
    empty = _Still(np.zeros((0, 3)), np.zeros((0, 3), np.int64))
    assert not len(MovingSurface(empty, symbols).mesh(0, 64)[1])


def test_the_base_is_a_frame_whose_parts_keep_apart() -> None:
    vertices, faces = shapes.sphere(1.0, 2)
    pairs = [np.concatenate([vertices, vertices + [gap, 0, 0]]) for gap in (2.02, 3.0, 2.05)]
    both = np.concatenate([faces, faces + len(vertices)])
    assert [contact(pair, both) > 0 for pair in pairs] == [True, False, True]
    assert reference_of(np.stack(pairs), both) == 1
