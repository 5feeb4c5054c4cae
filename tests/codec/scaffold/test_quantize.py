"""Control meshes quantized for few bits at little error."""

from dataclasses import dataclass

import numpy as np
import pytest
from sdfz.codec.scaffold.coder import decode_control, encode_control
from sdfz.codec.scaffold.correspondences import match
from sdfz.codec.scaffold.decimate import decimate
from sdfz.codec.scaffold.fit import FitSettings, Fitted, choose_creases, fit_control
from sdfz.codec.scaffold.fit_target import FitTarget
from sdfz.codec.scaffold.quantize import Steps, quantize
from sdfz.codec.scaffold.steps import TANGENTIAL_STEPS, lattice_unit
from sdfz.codec.scaffold.subdivision import creased
from shapes import box, plane, torus

SAMPLES = 3000


@dataclass(frozen=True, eq=False)
class Example:
    target: FitTarget
    fitted: Fitted
    steps: Steps
    price: float


def _example(mesh, n_faces, step_of_error=8.0, least_error=1e-4):
    target = FitTarget(*mesh)
    settings = FitSettings(least_samples=SAMPLES, crease_angles=(180.0, 45.0))
    first, _ = choose_creases(target, *decimate(target.points, target.faces, n_faces), settings)
    fitted = fit_control(target, first, settings)
    error = max(fitted.matches.cd, least_error)
    price = 2 * error**2 / (18 * fitted.dense.control.n_vertices)
    return Example(target, fitted, Steps.near(step_of_error * error * target.scale, 2.0), price)


@pytest.fixture(scope="module")
def ring():
    return _example(torus(n_major=48, n_minor=24), 200)


def _quantized(example, **settings):
    fitted = example.fitted
    return quantize(
        example.target, fitted.dense, fitted.positions, example.steps, example.price, n_samples=SAMPLES, **settings
    )


def _decoded(example, found):
    """Control mesh and normalized positions from nothing but bytes and header."""
    mesh = decode_control(
        found.encoded.data,
        len(found.positions),
        len(found.traversal.faces),
        TANGENTIAL_STEPS[found.steps.tangential],
    )
    return mesh, mesh.positions * lattice_unit(found.steps.normal) + found.shift / 64


@pytest.mark.parametrize("mesh", [torus(n_major=24, n_minor=12), box(subdivisions=2), plane(6)])
def test_positions_and_creases_are_what_the_bytes_decode_to(mesh):
    example = _example(mesh, 60)
    found = _quantized(example, n_rounds=2)
    decoded, positions = _decoded(example, found)
    target = example.target
    assert np.allclose((positions - target.origin) / target.scale, found.positions[found.traversal.order])
    control = creased(decoded.topology.faces, len(positions), decoded.sharpness, decoded.pinned)
    own = example.fitted.dense.control
    assert (control.kinds == own.kinds[found.traversal.order]).all()
    assert np.sort(control.sharpness).tolist() == np.sort(own.sharpness).tolist()


def test_fewer_bytes_than_rounding_at_the_same_error(ring):
    found = _quantized(ring)
    # Rounding to finer steps, so that its error comes out no better.
    rounded = []
    for finer in (2.0, 4.0, 5.6, 8.0):
        unit = ring.steps.unit(ring.target.scale) / finer
        fitted = ring.fitted.positions
        encoded = encode_control(found.traversal, (fitted - fitted[found.traversal.order[0]]) / unit, 16)
        lattice = np.empty((len(fitted), 3))
        lattice[found.traversal.order] = encoded.mesh.positions
        dense = ring.fitted.dense
        points = dense.matrix @ (lattice * unit + fitted[found.traversal.order[0]])
        rounded.append((match(ring.target, dense, points, SAMPLES).cd, len(encoded.data)))
    as_good = [n_bytes for error, n_bytes in rounded if error <= found.matches.cd]
    assert as_good and found.n_bytes < 0.85 * min(as_good), (rounded, found.matches.cd, found.n_bytes)


def test_dearer_bits_make_fewer_bytes_and_more_error(ring):
    cheap, dear = (
        quantize(
            ring.target,
            ring.fitted.dense,
            ring.fitted.positions,
            ring.steps,
            factor * ring.price,
            n_rounds=1,
            n_samples=SAMPLES,
        )
        for factor in (0.1, 300.0)
    )
    assert dear.n_bytes < 0.97 * cheap.n_bytes
    assert dear.matches.cd > cheap.matches.cd


def test_steps_are_those_of_the_format():
    steps = Steps.near(2.0**-6, 2.0)
    assert steps == Steps(48, 2)
    assert steps.tangential_units == 16
    assert steps.unit(2.0) == 2.0**-6 / 8 / 2


def test_a_triangle_goes_through():
    example = _example((np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]])), 1)
    found = _quantized(example, n_rounds=2)
    assert np.isfinite(found.positions).all()
    assert found.matches.cd < 8e-4
