"""The losses of LP-DIF, in the units of the regions (half an edge each).

The paper counts in units of the whole shape, where a cube of 16^3 regions has half an edge of 1/16: what it says of
distances is in here times 16.
"""

from __future__ import annotations

import torch

# The 100 of Eq. 6, for regions of a sixteenth of the shape.
SHARPNESS = 100 / 16


def smooth_l1(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Eq. 5: half the square of an error below one, beyond that a straight line."""
    return torch.nn.functional.smooth_l1_loss(found, wanted, reduction="none", beta=1.0)


def clamped(distances: torch.Tensor, most: float) -> torch.Tensor:
    """Distances cut off at `most` on either side (DeepSDF [1]_, Eq. 4): farther away only the sign is to be right.

    References
    ----------
    .. [1] J. J. Park, P. Florence, J. Straub, R. Newcombe, S. Lovegrove, DeepSDF: Learning Continuous Signed Distance
       Functions for Shape Representation, CVPR 2019.
    """
    return distances.clamp(-most, most)


def gradient_loss(gradients: torch.Tensor, directions: torch.Tensor, distances: torch.Tensor) -> torch.Tensor:
    """Eq. 6: one minus the cosine between the field's gradient and the distance's, where the surface is near.

    Parameters
    ----------
    gradients : (..., 3) float32 tensor
        Of the field.
    directions : (..., 3) float32 tensor
        Of the signed distance: unit vectors, the normal at the closest point of the surface.
    distances : (...) float32 tensor
        In the units of the regions.
    """
    cosines = torch.nn.functional.cosine_similarity(gradients, directions, dim=-1)
    return torch.exp(-((SHARPNESS * distances) ** 2)) * (1 - cosines)
