"""The field that a `deepsdf` file and its model pack describe."""

from __future__ import annotations

import torch

from ..lgcl.networks import SdfNetwork
from ..tensor_field import TensorField
from ..whole import WHOLE
from .symbols import CodeSymbols, step_of_code


class CodeField(TensorField):
    """Signed distance field of decoded symbols.

    Parameters
    ----------
    symbols : CodeSymbols
    network : SdfNetwork
        Of the pack; moved to the device.
    device : torch.device, optional
    """

    def __init__(self, symbols: CodeSymbols, network: SdfNetwork, device: torch.device | None = None) -> None:
        super().__init__(WHOLE, device)
        self._network = network.to(self.device)
        self._code = torch.from_numpy(symbols.code).to(self.device) * step_of_code(symbols.step_code)

    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        """(N,) signed distances at (N, 3) points."""
        found: torch.Tensor = self._network(points, self._code.expand(len(points), -1))
        return found
