"""The branches and the grid that files share, in a model pack: quantized and entropy-coded, for packs are counted too.

Layout 1 of a pack of this method:

- ``sizes``, (6,) int32: the fields of `CompactSizes` in their order.
- ``steps``, (1 + L,) uint8: steps of the grid and of the layers, coarse branch first: `latent_code.step_of_code`.
- ``coded``, (B,) uint8: one stream of adaptive numbers: the grid, feature by feature, each in eight passes by the
  parity of its nodes; then the layers, row by row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ...formats.errors import CorruptPackError, FormatError
from ...formats.limits import DEFAULT, Limits
from ...formats.model_pack import ModelPack
from ..latent_code import MAX_CODE, code_of_step, step_of_code
from ..numbers import MOST_NUMBER, NumberDecoder, NumberEncoder
from ..parity import parity_passes
from .networks import CompactSizes

IntArray = npt.NDArray[np.int64]
# Codes some numbers or decodes them: (kinds, places, near, the numbers if they are known) -> numbers.
Exchange = Callable[[IntArray, IntArray, IntArray, IntArray | None], IntArray]

METHOD = "compact"
LAYOUT = 1
_MOST = {"n_code": MAX_CODE, "n_octaves": 16, "resolution": 256, "n_features": 256, "width": 1024, "n_hidden": 16}
_LEAST = {"n_octaves": 0, "resolution": 2}  # others 1
_GRID_KIND, _LAYER_KINDS, _MOST_LAYER = 0, 8, 55
_STEPS = ((0, 0, 1), (0, 1, 0), (1, 0, 0))


@dataclass(frozen=True, eq=False)
class PackNumbers:
    """What a pack says, as integers.

    Attributes
    ----------
    sizes : CompactSizes
    steps : list of int
        Step codes of the arrays.
    arrays : list of integer array
        The grid (F, R, R, R), then the layers (O, I) of both branches, coarse first.
    """

    sizes: CompactSizes
    steps: list[int]
    arrays: list[IntArray]


@dataclass(frozen=True, eq=False)
class Branches:
    """What a pack holds, to be evaluated.

    Attributes
    ----------
    sizes : CompactSizes
    grid : (F, R, R, R) float32 tensor
    coarse, fine : list of (O, I) float32 tensor
        Layers of the two branches.
    """

    sizes: CompactSizes
    grid: torch.Tensor
    coarse: list[torch.Tensor]
    fine: list[torch.Tensor]

    def to(self, device: torch.device) -> Branches:
        """The same on a device."""
        coarse, fine = ([layer.to(device) for layer in layers] for layers in (self.coarse, self.fine))
        return replace(self, grid=self.grid.to(device), coarse=coarse, fine=fine)


def pack_of_branches(branches: Branches, steps: Sequence[float], notes: dict[str, str]) -> ModelPack:
    """The pack of branches, rounded to multiples of steps: one for the grid, then one for each layer."""
    codes = [code_of_step(step) for step in steps]
    tensors = [branches.grid, *branches.coarse, *branches.fine]
    rounded = [
        np.rint(tensor.detach().cpu().numpy() / step_of_code(code)).clip(-MOST_NUMBER, MOST_NUMBER).astype(np.int64)
        for tensor, code in zip(tensors, codes, strict=True)
    ]
    coder = NumberEncoder()

    def put(kinds: IntArray, places: IntArray, near: IntArray, numbers: IntArray | None) -> IntArray:
        assert numbers is not None
        coder.put(numbers, kinds, places, near)
        return numbers

    _walk(branches.sizes, put, rounded)
    arrays: dict[str, npt.NDArray[Any]] = {
        "sizes": np.array(astuple(branches.sizes), np.int32),
        "steps": np.array(codes, np.uint8),
        "coded": np.frombuffer(coder.finish(), np.uint8),
    }
    return ModelPack(METHOD, LAYOUT, arrays, notes)


def branches_of_pack(pack: ModelPack, n_code: int | None = None, limits: Limits = DEFAULT) -> Branches:
    """The branches and the grid of a pack; arguments and errors as of `numbers_of_pack`."""
    return branches_of_numbers(numbers_of_pack(pack, n_code, limits))


def branches_of_numbers(numbers: PackNumbers) -> Branches:
    """The branches and the grid that integers stand for."""
    tensors = [
        torch.from_numpy((array * step_of_code(code)).astype(np.float32))
        for array, code in zip(numbers.arrays, numbers.steps, strict=True)
    ]
    n_coarse = 1 + len(numbers.sizes.coarse_shapes)
    return Branches(numbers.sizes, tensors[0], tensors[1:n_coarse], tensors[n_coarse:])


def numbers_of_pack(pack: ModelPack, n_code: int | None = None, limits: Limits = DEFAULT) -> PackNumbers:
    """The integers of a pack.

    Parameters
    ----------
    pack : ModelPack
    n_code : int, optional
        Numbers of a file's latent code.
    limits : Limits

    Raises
    ------
    PackMethodError
        The pack has another layout.
    CorruptPackError
        Its arrays are not what the layout says.
    FormatError
        The file has a code of another length.
    LimitError
        The grid and the layers have more numbers than the limits allow symbols.
    """
    pack.check_layout(LAYOUT)
    sizes, steps, coded = _checked(pack)
    if n_code is not None and n_code != sizes.n_code:
        raise FormatError(f"compact payload: a code of {n_code} numbers, but its model pack is for {sizes.n_code}")
    n_numbers = math.prod(sizes.grid_shape)
    n_numbers += sum(rows * columns for rows, columns in (*sizes.coarse_shapes, *sizes.fine_shapes))
    limits.check("max_symbols", n_numbers, "numbers of a model pack")
    coder = NumberDecoder(coded.tobytes())
    try:
        arrays = _walk(sizes, lambda kinds, places, near, _: coder.take(kinds, places, near))
        coder.finish("numbers")
    except FormatError as error:
        raise CorruptPackError(f"model pack {pack.short.hex()}: {error}") from error
    return PackNumbers(sizes, steps.tolist(), arrays)


def _checked(pack: ModelPack) -> tuple[CompactSizes, npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Sizes, step codes and coded bytes of a pack."""
    wrong = CorruptPackError(f"model pack {pack.short.hex()}: its arrays are not sizes, steps and coded numbers")
    if set(pack.arrays) != {"sizes", "steps", "coded"}:
        raise wrong
    found, steps, coded = (pack.arrays[name] for name in ("sizes", "steps", "coded"))
    names = [field.name for field in fields(CompactSizes)]
    if found.dtype != np.int32 or found.shape != (len(names),) or coded.dtype != np.uint8 or coded.ndim != 1:
        raise wrong
    values = dict(zip(names, found.tolist(), strict=True))
    if any(not _LEAST.get(name, 1) <= value <= _MOST[name] for name, value in values.items()):
        raise CorruptPackError(f"model pack {pack.short.hex()}: sizes {found.tolist()} are not allowed")
    sizes = CompactSizes(**values)
    if steps.dtype != np.uint8 or steps.shape != (1 + len(sizes.coarse_shapes) + len(sizes.fine_shapes),):
        raise wrong
    return sizes, steps, coded


# -- numbers -----------------------------------------------------------------------------------------------------------


def _walk(sizes: CompactSizes, exchange: Exchange, known: Sequence[IntArray] | None = None) -> list[IntArray]:
    """Code or decode the grid and all layers, in the order of the layout."""
    grid = _walk_grid(sizes, exchange, None if known is None else known[0])
    arrays, n_before = [grid], grid.size
    for number, shape in enumerate((*sizes.coarse_shapes, *sizes.fine_shapes)):
        numbers = None if known is None else known[1 + number].ravel()
        contexts = _layer_contexts(number, shape, n_before)
        arrays.append(exchange(*contexts, numbers).reshape(shape))
        n_before += arrays[-1].size
    return arrays


def _walk_grid(sizes: CompactSizes, exchange: Exchange, known: IntArray | None) -> IntArray:
    """A node is expected from its neighbours along the axes in passes before, and from itself in the feature before."""
    r, n_nodes = sizes.resolution, sizes.resolution**3
    nodes = np.stack(np.meshgrid(*[np.arange(r)] * 3, indexing="ij"), -1).reshape(-1, 3)
    passes = parity_passes(nodes)
    rank = np.empty(n_nodes, np.int64)
    rank[np.concatenate(passes)] = np.arange(n_nodes)
    around = _neighbours(nodes, r)  # (N, 6)
    before = np.where((around >= 0) & (rank[around] < rank[:, None]), rank[around], -1)
    order = np.argsort(before < 0, axis=1, kind="stable")
    before = np.take_along_axis(before, order, 1)
    grid = np.zeros((sizes.n_features, n_nodes), np.int64)
    for feature in range(sizes.n_features):
        first = feature * n_nodes
        for number, part in enumerate(passes):
            near = np.where(before[part] >= 0, first + before[part], -1)
            itself = (first - n_nodes + rank[part]) if feature else np.full(len(part), -1)
            numbers = None if known is None else known[feature].ravel()[part]
            kinds, places = np.full(len(part), _GRID_KIND + min(feature, 7)), np.full(len(part), number)
            grid[feature, part] = exchange(kinds, places, np.column_stack([near, itself]), numbers)
    return grid.reshape(sizes.grid_shape)


def _neighbours(nodes: IntArray, r: int) -> IntArray:
    """(N, 6) positions of the nodes beside each along the axes; -1 outside the grid."""
    found = []
    for step in (*_STEPS, *(tuple(-x for x in step) for step in _STEPS)):
        beside = nodes + np.array(step)
        inside = ((beside >= 0) & (beside < r)).all(1)
        found.append(np.where(inside, (beside[:, 0] * r + beside[:, 1]) * r + beside[:, 2], -1))
    return np.stack(found, 1)


def _layer_contexts(number: int, shape: tuple[int, int], n_before: int) -> tuple[IntArray, IntArray, IntArray]:
    """Kinds, places and near of a layer's numbers: a place for each of the first inputs, near is the row before."""
    rows, columns = shape
    n = rows * columns
    before = np.arange(n) - columns
    near = np.where(before >= 0, n_before + before, -1)[:, None]
    places = np.tile(np.minimum(np.arange(columns), 63), rows)
    return np.full(n, _LAYER_KINDS + min(number, _MOST_LAYER)), places, near
