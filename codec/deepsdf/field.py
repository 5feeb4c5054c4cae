"""The field that a `deepsdf` file and its model pack describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ..latent_code import LatentCode
from ..lgcl.networks import SdfNetwork
from ..tensor_field import TensorField
from ..whole import WHOLE

if TYPE_CHECKING:
    from ..latent_fit import Evaluate


class CodeField(TensorField):
    """Signed distance field of decoded symbols.

    Parameters
    ----------
    symbols : LatentCode
    network : SdfNetwork
        Of the pack; moved to the device.
    device : torch.device, optional
    """

    def __init__(self, symbols: LatentCode, network: SdfNetwork, device: torch.device | None = None) -> None:
        super().__init__(WHOLE, device)
        self._evaluate = evaluator(network.to(self.device))
        self._code = torch.from_numpy(symbols.values).to(self.device)

    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        """(N,) signed distances at (N, 3) points."""
        return self._evaluate(points, self._code)


def evaluator(network: SdfNetwork) -> Evaluate:
    """(N, 3) points and a code (C,) -> (N,) distances."""

    def evaluate(points: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = network(points, code.expand(len(points), -1))
        return found

    return evaluate
