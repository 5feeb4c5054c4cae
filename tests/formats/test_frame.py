from fractions import Fraction

import numpy as np
import pytest
import strategies
from hypothesis import assume, given
from hypothesis import strategies as st
from sdfz.formats import Frame, MeshError
from sdfz.formats.frame import MAX_CENTRE_STEPS, MAX_SCALE_CODE, MIN_SCALE_CODE, code_of_scale, scale_of_code

coordinates = st.floats(-1e30, 1e30)
corners = st.tuples(coordinates, coordinates, coordinates)


@given(corners, corners, st.floats(0.25, 1))
def test_enclosing_never_lets_the_shape_out(one, other, fill):
    lower, upper = np.minimum(one, other), np.maximum(one, other)
    try:
        frame = Frame.enclosing(lower, upper, fill)
    except MeshError:
        half = (upper - lower).max() / 2
        assert half < 1.2e-38 * fill or np.abs(lower + upper).max() / 2 > half * 2e13
        return
    inside = np.abs(frame.to_normalized([lower, upper]))
    assert inside.max() <= fill
    # ... and is not much larger than it has to be
    assert inside.max() >= fill / 1.06


@given(st.integers(MIN_SCALE_CODE, MAX_SCALE_CODE - 1))
def test_scale_rounds_up_to_a_bfloat16(code):
    scale = scale_of_code(code)
    assert scale == np.array([code << 16], "<u4").view("<f4")[0]
    assert code_of_scale(scale) == code
    assert code_of_scale(np.nextafter(scale, np.inf)) == code + 1


@pytest.mark.parametrize(
    ("offset", "size"), [(0, 1), (1e6, 1), (-3e9, 0.01), (0, 1e-6), (5, 1e-6), (1e6, 1e-3), (0, 1e30), (0, 1e-30)]
)
def test_far_and_small_shapes_come_back(offset, size):
    points = offset + size * np.random.default_rng(0).random((1000, 3))
    frame = Frame.enclosing(points.min(axis=0), points.max(axis=0))
    normalized = frame.to_normalized(points)
    assert 0.8 < np.abs(normalized).max() <= 0.9
    # one rounding at the size of the coordinates, nothing from the frame
    np.testing.assert_allclose(frame.from_normalized(normalized), points, rtol=0, atol=np.spacing(abs(offset) + size))


def test_normalizing_is_exact_where_the_coordinates_are():
    """1e6 away from the origin, coordinates on a grid that the frame divides: not one bit is lost."""
    points = 1e6 + np.random.default_rng(0).integers(0, 1 << 10, (1000, 3)) / 1024
    frame = Frame.enclosing(points.min(axis=0), points.max(axis=0))
    np.testing.assert_array_equal(frame.from_normalized(frame.to_normalized(points)), points)


@given(strategies.frames)
def test_the_centre_is_one_rounding_of_the_exact_one(frame):
    for value, steps in zip(frame.centre.tolist(), frame.centre_steps, strict=True):
        exact = Fraction(frame.scale) * steps / 64
        assume(abs(exact) < 2**1000)
        assert value == float(exact)


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        ([0, 0, 0], [0, 0, 0], "single point"),
        ([0, 0, 0], [1, np.nan, 1], "not all finite"),
        ([np.inf] * 3, [np.inf] * 3, "not all finite"),
        ([0, 0, 0], [1e-39, 0, 0], "size"),
        ([-1e308] * 3, [1e308] * 3, "size"),
        ([1e15, 0, 0], [1e15 + 1, 1, 1], "from the origin"),
    ],
)
def test_refused_boxes(lower, upper, message):
    with pytest.raises(MeshError, match=message):
        Frame.enclosing(lower, upper)


@pytest.mark.parametrize(
    ("code", "steps"), [(0, (0, 0, 0)), (0x7F80, (0, 0, 0)), (0x3F80, (0, 0, MAX_CENTRE_STEPS + 1)), (0x3F80, (0, 0))]
)
def test_refused_frames(code, steps):
    with pytest.raises(ValueError, match=r"scale_code|centre_steps"):
        Frame(code, steps)
