"""Error of a hash grid at samples and its gradient, in one pass over them: what a step of the fit costs.

Written out by hand because the networks are tiny: compiled, a sample takes a quarter of a microsecond, an eighth of
what sparse matrices and autograd need. A sample whose distance is within its bounds has no gradient and is passed over.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ..compiled import njit

Floats = npt.NDArray[np.float32]


class MeanError(torch.autograd.Function):
    """Mean distance of f from its bounds, a scalar, with gradients for tables, gains and weights.

    Its arguments are those of `error_and_gradient`: the first four as tensors, the others as arrays.
    """

    @staticmethod
    def forward(ctx, values, gains, first, second, entries, shares, local, signs, low, high):  # type: ignore[no-untyped-def]
        """The mean error; gradients are made along with it."""
        arrays = [np.ascontiguousarray(t.detach().numpy()) for t in (values, gains, first.T, second[0])]
        gradients = [np.zeros_like(array) for array in arrays]
        total = error_and_gradient(*arrays, entries, shares, local, signs, low, high, *gradients)
        ctx.gradients = [torch.from_numpy(g) / len(signs) for g in gradients]
        return torch.tensor(total / len(signs), dtype=torch.float32)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        """The gradients that `forward` made."""
        values, gains, first, second = (gradient * g for g in ctx.gradients)
        return values, gains, first.T, second[None], None, None, None, None, None, None


@njit(cache=True, fastmath=True)
def error_and_gradient(
    values: Floats, gains: Floats, first: Floats, second: Floats,
    entries: npt.NDArray[np.int32], shares: Floats, local: Floats, signs: Floats, low: Floats, high: Floats,
    values_gradient: Floats, gains_gradient: Floats, first_gradient: Floats, second_gradient: Floats,
) -> float:  # fmt: skip
    """Sum of the distances of sign * f from [low, high] over samples; adds its gradients to the last four arrays.

    Parameters
    ----------
    values : (P, F) float32
        Entries of all levels' tables.
    gains : (L,) float32
        What the entries of a level are multiplied by.
    first : (L F + M + 1, W) float32
        First layer, an input a row, the constant 1 last.
    second : (W,) float32
        Second layer.
    entries : (B, L, 8) int32
        Rows of `values` around each sample.
    shares : (B, L, 8) float32
    local : (B, M) float32
        Further inputs.
    signs, low, high : (B,) float32
    """
    n_levels, n_features = len(gains), values.shape[1]
    n_inputs, width = first.shape
    inputs, sums = np.ones(n_inputs, np.float32), np.zeros((n_levels, n_features), np.float32)
    hidden, back = np.zeros(width, np.float32), np.zeros(width, np.float32)
    total = 0.0
    for b in range(len(signs)):
        for level in range(n_levels):
            for f in range(n_features):
                value = np.float32(0)
                for k in range(8):
                    value += shares[b, level, k] * values[entries[b, level, k], f]
                sums[level, f] = value
                inputs[level * n_features + f] = value * gains[level]
        inputs[n_levels * n_features : n_inputs - 1] = local[b]
        hidden[:] = 0
        for i in range(n_inputs):
            for j in range(width):
                hidden[j] += inputs[i] * first[i, j]
        answer = np.float32(0)
        for j in range(width):
            answer += max(hidden[j], np.float32(0)) * second[j]
        outward = answer * signs[b]
        if low[b] <= outward <= high[b]:
            continue
        total += low[b] - outward if outward < low[b] else outward - high[b]
        slope = -signs[b] if outward < low[b] else signs[b]
        for j in range(width):
            second_gradient[j] += slope * max(hidden[j], np.float32(0))
            back[j] = slope * second[j] if hidden[j] > 0 else np.float32(0)
        for i in range(n_inputs):
            for j in range(width):
                first_gradient[i, j] += inputs[i] * back[j]
        for level in range(n_levels):
            for f in range(n_features):
                i = level * n_features + f
                slope_here = np.float32(0)
                for j in range(width):
                    slope_here += first[i, j] * back[j]
                gains_gradient[level] += slope_here * sums[level, f]
                scaled = slope_here * gains[level]
                for k in range(8):
                    values_gradient[entries[b, level, k], f] += scaled * shares[b, level, k]
    return total
