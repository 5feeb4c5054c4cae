"""Density-adaptive weights of regions (LP-DIF, section 3.3): rare patterns count more.

The density of codes is estimated by Gaussian kernels; a region's weight is one over the density at its code. With
weights that are *fixed*, the codes are those of the coarse network, once; *dynamic* ones follow the codes that are
being learned.
"""

from __future__ import annotations

import torch

BANDWIDTH = 0.35
# Beyond these times the mean, a weight is the noise of a region that nothing resembles.
_MOST = 10.0
_AT_ONCE = 1 << 12


def weights_of(codes: torch.Tensor, among: torch.Tensor, bandwidth: float = BANDWIDTH) -> torch.Tensor:
    """Weights 1 / D of regions, of mean one.

    Parameters
    ----------
    codes : (R, C) float32 tensor
        Where the density D is estimated.
    among : (K, C) float32 tensor
        Of what: the codes of all regions of a cluster, or a sample of them.
    bandwidth : float
        Of the kernel, h.

    Returns
    -------
    weights : (R,) float32 tensor
    """
    scale = 2 * bandwidth**2
    parts = [torch.logsumexp(-(torch.cdist(part, among) ** 2) / scale, 1) for part in codes.split(_AT_ONCE)]
    logs = torch.cat(parts)  # of D, up to a constant
    weights = torch.softmax(-logs, 0) * len(codes)
    weights = weights.clamp(max=_MOST)
    return weights / weights.mean()
