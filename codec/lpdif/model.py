"""The field that an `lpdif` file describes: each region's network at its own code, blended across the regions' faces.

::

    point --> its region, and those beyond the faces that it is near to --> coordinates in each
          --> network of the region, at the region's code --> distances --> weighted mean

Near a face the paper averages a region with its neighbours (section 3.2), which halves the step at the face and makes
two more of it, at the ends of the border. Here the share of the neighbour rises linearly from nothing at the border's
end to a half at the face, so that there is no step at all between regions that are there.
"""

from __future__ import annotations

import numpy as np
import torch

from ..occupancy import OCTANTS, find_cells
from ..region import Region
from ..tensor_field import TensorField
from .network import PLANE_ROWS, code_part, evaluate, has_planes
from .shared import LpdifDecoders
from .steps import step_of_code
from .symbols import BORDER_UNIT, LpdifSymbols

_AT_ONCE = 1 << 16  # points that a network sees at once


class LpdifField(TensorField):
    """Signed distance field of decoded symbols.

    Parameters
    ----------
    symbols : LpdifSymbols
    decoders : LpdifDecoders
        For these symbols.
    device : torch.device, optional
    """

    def __init__(self, symbols: LpdifSymbols, decoders: LpdifDecoders, device: torch.device | None = None) -> None:
        super().__init__(Region(symbols.depth, symbols.cells), device)
        self._border = symbols.border / BORDER_UNIT
        self._cells = symbols.cells
        self._networks = torch.from_numpy(symbols.networks.astype(np.int64)).to(self.device)
        self._layers = [[torch.from_numpy(layer.copy()).to(self.device) for layer in n] for n in decoders.networks]
        width = max(layers[0].shape[0] for layers in self._layers) + PLANE_ROWS
        self._of_codes = torch.zeros(len(symbols.cells), width, device=self.device)
        for number, layers in enumerate(self._layers):
            rows = np.flatnonzero(symbols.networks == number)
            values = symbols.codes[rows, : symbols.n_codes[number]] * step_of_code(symbols.step_codes[number])
            part = code_part(layers, torch.from_numpy(values.astype(np.float32)).to(self.device))
            self._of_codes[torch.from_numpy(rows).to(self.device), : part.shape[1]] = part

    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        """(N,) signed distances at (N, 3) points; NaN where no region is near."""
        row, point, local, weight = self._visits(points)
        values = self._answers(row, local) * weight
        total = torch.zeros(len(points), device=self.device).index_add(0, point, values)
        weights = torch.zeros_like(total).index_add(0, point, weight)
        return total / weights * (self.region.cell_size / 2)

    def _visits(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Which regions speak at which points.

        Returns
        -------
        row : (V,) int64 tensor
            Region.
        point : (V,) int64 tensor
        local : (V, 3) float32 tensor
            The point in the region's coordinates.
        weight : (V,) float32 tensor
        """
        scaled = (points + 1) / self.region.cell_size
        own = scaled.detach().floor()
        place = scaled - own  # (N, 3), 0 to 1
        beyond = torch.where(place.detach() < 0.5, -1.0, 1.0)  # towards the nearest face of each axis
        distance = torch.minimum(place, 1 - place)
        share = 0.5 * (1 - distance / self._border).clamp(min=0) if self._border else torch.zeros_like(place)
        rows, numbers, locals_, weights = [], [], [], []
        spoken = torch.zeros(len(points), dtype=torch.bool, device=self.device)
        for octant in torch.from_numpy(OCTANTS).to(self.device):
            weight = torch.where(octant == 1, share, 1 - share).prod(1)
            near = torch.nonzero(weight.detach() > 0)[:, 0]
            step = octant * beyond[near]
            row = self._rows(own[near] + step)
            near, step, row = near[row >= 0], step[row >= 0], row[row >= 0]
            spoken[near] = True
            rows.append(row)
            numbers.append(near)
            locals_.append(2 * (place[near] - step) - 1)
            weights.append(weight[near])
        lost = torch.nonzero(~spoken)[:, 0]
        if len(lost):
            row, near, local = self._nearest(lost, own, place)
            rows.append(row)
            numbers.append(near)
            locals_.append(local)
            weights.append(torch.ones_like(local[:, 0]))
        return torch.cat(rows), torch.cat(numbers), torch.cat(locals_), torch.cat(weights)

    def _nearest(
        self, lost: torch.Tensor, own: torch.Tensor, place: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """For points outside all regions and borders, the nearest region around them, if there is one."""
        best = torch.full((len(lost),), torch.inf, device=self.device)
        row = torch.full((len(lost),), -1, device=self.device)
        step = torch.zeros(len(lost), 3, device=self.device)
        offsets = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)
        for offset in torch.from_numpy(offsets).to(self.device):
            found = self._rows(own[lost] + offset)
            away = (2 * (place[lost].detach() - offset) - 1).abs().amax(1)
            closer = (found >= 0) & (away < best)
            best, row = torch.where(closer, away, best), torch.where(closer, found, row)
            step = torch.where(closer[:, None], offset.to(step.dtype), step)
        kept = row >= 0
        return row[kept], lost[kept], 2 * (place[lost[kept]] - step[kept]) - 1

    def _rows(self, cells: torch.Tensor) -> torch.Tensor:
        """Rows of (N, 3) cells, -1 where there is no region."""
        found = find_cells(self._cells, cells.cpu().numpy().astype(np.int64))
        return torch.from_numpy(found).to(self.device)

    def _answers(self, row: torch.Tensor, local: torch.Tensor) -> torch.Tensor:
        """(V,) distances that regions give at points in their coordinates, in halves of an edge."""
        answers = torch.zeros(len(row), device=self.device)
        networks = self._networks[row]
        for number, layers in enumerate(self._layers):
            width = layers[0].shape[0]
            width += PLANE_ROWS if has_planes(layers) else 0
            for part in torch.nonzero(networks == number)[:, 0].split(_AT_ONCE):
                found = evaluate(layers, self._of_codes[row[part], :width], local[part])
                answers = answers.index_put((part,), found)
        return answers
