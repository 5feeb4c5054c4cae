import math

import pytest
import torch
from sdfz.codec.overfit.losses import CURRICULUM, clamped_l1, curriculum, l1, slack_band


def value(loss, predicted, true, epoch=0):
    return float(loss(torch.tensor([predicted]), torch.tensor([true]), epoch))


def test_absolute_error():
    assert float(l1(torch.tensor([0.5, -0.1]), torch.tensor([0.2, 0.1]))) == pytest.approx(0.25)


@pytest.mark.parametrize(("predicted", "true", "expected"), [(0.5, 0.3, 0.0), (0.5, 0.05, 0.05), (-2.0, 0.04, 0.14)])
def test_distances_beyond_the_clamp_do_not_count(predicted, true, expected):
    assert value(clamped_l1, predicted, true) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
    ("epoch", "tolerance", "hardness"),
    [(0, 0.025, 0), (199, 0.025, 0), (200, 0.01, 0.1), (999, 0.0025, 0.2), (1000, 0, 0.5), (9000, 0, 0.8)],
)
def test_curriculum(epoch, tolerance, hardness):
    """Table 2; a wrong side and too small a size cost more, too large a size less; inside as outside."""
    loss = curriculum()
    for side in (-1, 1):
        assert value(loss, side * -0.02, side * 0.03, epoch) == pytest.approx((1 + hardness) * (0.05 - tolerance))
        assert value(loss, side * 0.07, side * 0.03, epoch) == pytest.approx((1 - hardness) * (0.04 - tolerance))


def test_lessons_start_at_once_and_get_harder():
    assert CURRICULUM[0].epoch == 0
    assert [lesson.tolerance for lesson in CURRICULUM] == sorted((le.tolerance for le in CURRICULUM), reverse=True)


@pytest.mark.parametrize("side", [-1, 1])
def test_slack(side):
    """Half as steep or half as steep again costs nothing near the surface; far away only the side counts."""
    loss = slack_band(0.5, 0.1)
    for predicted, true in [(0.011, 0.02), (0.029, 0.02), (0.05, 0.5), (9.0, 0.5)]:
        assert value(loss, side * predicted, side * true) == -math.inf
    assert value(loss, side * 0.04, side * 0.02) == pytest.approx(math.log(0.01), abs=1e-4)
    near, distant = (
        math.exp(value(loss, side * (low - 0.01), side * true)) for low, true in [(0.01, 0.02), (0.04, 0.5)]
    )
    assert distant == pytest.approx(10 * near, rel=1e-3)
