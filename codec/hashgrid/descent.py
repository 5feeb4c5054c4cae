"""Error of a hash grid at samples and its gradient: what a step of the fit costs.

On a CPU in one pass over the samples, written out by hand because the networks are tiny: compiled, a sample takes a
quarter of a microsecond, an eighth of what sparse matrices and autograd need. A sample whose distance is within its
bounds has no gradient and is passed over. On other devices by autograd.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch

from ..compiled import njit

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Observed:
    """Samples as the descent sees them; lengths in what the network counts in.

    Attributes
    ----------
    entries : (N, L, 8) int32 tensor
        Rows of `values` around each sample.
    shares : (N, L, 8) float32 tensor
        Of these rows.
    local : (N, M) float32 tensor
        Further inputs of the network.
    signs : (N,) float32 tensor
    low, high : (N,) float32 tensor
        Where |f| should lie.
    """

    entries: torch.Tensor
    shares: torch.Tensor
    local: torch.Tensor
    signs: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor

    def __len__(self) -> int:
        return len(self.signs)

    def tensors(self) -> list[torch.Tensor]:
        """The attributes, in their order."""
        return [getattr(self, each.name) for each in fields(self)]

    def part(self, start: int, size: int) -> Observed:
        """Some samples that follow each other."""
        return Observed(*(tensor[start : start + size] for tensor in self.tensors()))

    def to(self, device: torch.device) -> Observed:
        """The same on a device."""
        return Observed(*(tensor.to(device) for tensor in self.tensors()))


def mean_error(
    values: torch.Tensor, gains: torch.Tensor, first: torch.Tensor, second: torch.Tensor, observed: Observed
) -> torch.Tensor:
    """Mean distance of sign * f from its bounds, a scalar with gradients for the parameters.

    Parameters
    ----------
    values : (P, F) float32 tensor
        Entries of all levels' tables.
    gains : (L,) float32 tensor
        What the entries of a level are multiplied by.
    first : (W, L F + M + 1) float32 tensor
        First layer, the constant 1 its last input.
    second : (1, W) float32 tensor
        Second layer.
    observed : Observed
    """
    by = _CompiledError.apply if values.device.type == "cpu" else error_by_autograd
    error: torch.Tensor = by(values, gains, first, second, observed)
    return error


def error_by_autograd(
    values: torch.Tensor, gains: torch.Tensor, first: torch.Tensor, second: torch.Tensor, observed: Observed
) -> torch.Tensor:
    """`mean_error` in torch, on any device."""
    features = (values[observed.entries] * observed.shares[..., None]).sum(2)  # (N, L, F)
    ones = torch.ones_like(observed.signs)[:, None]
    inputs = torch.cat([(features * gains[:, None]).flatten(1), observed.local, ones], 1)
    outward = (torch.relu(inputs @ first.T) @ second[0]) * observed.signs
    return ((observed.low - outward).clamp(min=0) + (outward - observed.high).clamp(min=0)).mean()


class _CompiledError(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, gains, first, second, observed):  # type: ignore[no-untyped-def]
        arrays = [np.ascontiguousarray(t.detach().numpy()) for t in (values, gains, first.T, second[0])]
        gradients = [np.zeros_like(array) for array in arrays]  # made along with the error
        total = error_and_gradient(*arrays, *(tensor.numpy() for tensor in observed.tensors()), *gradients)
        ctx.gradients = [torch.from_numpy(g) / len(observed) for g in gradients]
        return torch.tensor(total / len(observed), dtype=torch.float32)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        values, gains, first, second = (gradient * g for g in ctx.gradients)
        return values, gains, first.T, second[None], None


@njit(cache=True, fastmath=True)
def error_and_gradient(
    values: Floats, gains: Floats, first: Floats, second: Floats,
    entries: npt.NDArray[np.int32], shares: Floats, local: Floats, signs: Floats, low: Floats, high: Floats,
    values_gradient: Floats, gains_gradient: Floats, first_gradient: Floats, second_gradient: Floats,
) -> float:  # fmt: skip
    """Sum of the distances of sign * f from [low, high] over samples; adds its gradients to the last four arrays.

    Parameters as of `mean_error` and `Observed`, but for the layers: `first` (L F + M + 1, W), an input a row, and
    `second` (W,).
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
