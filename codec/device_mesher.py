"""Triangles of the zero level set of a field, found on the device that evaluates it, with one copy back.

::

    occupied cells -> blocks of voxels --probe, halve--> voxels near the surface --march--> triangles --project--> mesh

The same region, bounds and projection as `mesher`, which asks a field less often: three values a vertex instead of
about fifteen, in many small steps that keep a CPU busy. A device would rather have the values at once.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray

from .cases import EDGES, triangle_table
from .mesher import LEAST_VALUE, LONGEST_STEP, Progress, extract
from .occupancy import OCTANTS
from .tensor_field import TensorField
from .tiles import LIPSCHITZ

_CHUNK = 1 << 21  # points that a field is asked at once: bounds the memory
_SHIFT = 1 << 11  # coordinates are counted from here below the lattice's origin
_BITS = 21  # of a coordinate in a name


def surface_of(
    field: TensorField, resolution: int, *, margin: float = 0.25, progress: Progress | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The mesh of a field, made where the field is: arguments and result as those of `mesher.extract`."""
    if field.device.type == "cpu":
        return extract(field, resolution, margin=margin, progress=progress)
    return extract_on_device(field, resolution, margin=margin, progress=progress)


def extract_on_device(
    field: TensorField, resolution: int, *, margin: float = 0.25, progress: Progress | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Mesh of a field's zero level set: as `mesher.extract`, in torch on the field's device.

    Where a voxel's signs are ambiguous the two may connect the same crossings in different ways.
    """
    report = progress or (lambda stage, done, total: None)
    lattice = _Lattice(field, resolution, margin)
    report("mesh", 0, 3)
    nodes = _Nodes(lattice)
    voxels = nodes.follow_surface(lattice.voxels_near_surface())
    report("mesh", 1, 3)
    vertices, faces = _march(nodes, voxels)
    report("mesh", 2, 3)
    vertices = _project(lattice, vertices, faces)
    report("mesh", 3, 3)
    return vertices.cpu().numpy(), faces.cpu().numpy()


class _Lattice:
    """Voxels over the occupied cells: node (i, j, k) lies at -1 + voxel * (i, j, k); the voxel of that name above."""

    def __init__(self, field: TensorField, resolution: int, margin: float) -> None:
        region = field.region
        self.field, self.device = field, field.device
        self.voxels_per_cell = max(1, round(resolution / (1 << region.depth)))
        self.voxel = region.cell_size / self.voxels_per_cell
        self.margin = int(np.ceil(margin * self.voxels_per_cell - 1e-9))
        self.cells = torch.from_numpy(region.coords.astype(np.int64)).to(self.device)
        self.corners = torch.from_numpy(OCTANTS.astype(np.int64)).to(self.device)
        self._names = _name(self.cells).sort().values

    def position(self, nodes: torch.Tensor) -> torch.Tensor:
        return (nodes.double() * self.voxel - 1.0).float()

    def values(self, nodes: torch.Tensor) -> torch.Tensor:
        """(N,) field values at (N, 3) nodes, whole or not, in voxels."""
        with torch.inference_mode():
            parts = [self.field.evaluate(self.position(part)) for part in nodes.split(_CHUNK)]
        return torch.cat(parts).clone() / self.voxel if parts else nodes.new_zeros(0, dtype=torch.float32)

    def voxels_near_surface(self) -> torch.Tensor:
        """(M, 3) voxels of the region, by the values at the middles of ever smaller blocks that hold them."""
        side = 1 << (self.voxels_per_cell - 1).bit_length()
        low = torch.div(self.cells * self.voxels_per_cell - self.margin, side, rounding_mode="floor")
        high = (self.cells + 1) * self.voxels_per_cell + self.margin - 1
        blocks = self._filled(low, torch.div(high, side, rounding_mode="floor"))
        while side > 1:
            side //= 2
            blocks = _distinct((blocks[:, None] * 2 + self.corners).reshape(-1, 3))
            blocks = blocks[self.in_region(blocks * side, side)]
            if side > 1:  # of single voxels, the values at their corners tell more
                reach = LIPSCHITZ * 3**0.5 / 2 * side
                blocks = blocks[~(self.values(blocks * side + side / 2).abs() > reach)]
        return blocks

    def _filled(self, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
        """Distinct integer points of the boxes from low to high, inclusive."""
        spans = int((high - low).max()) + 1 if len(low) else 0
        parts = []
        for offset in itertools.product(range(spans), repeat=3):
            there = low + torch.tensor(offset, device=self.device)
            parts.append(there[(there <= high).all(1)])
        return _distinct(torch.cat(parts)) if parts else low

    def in_region(self, low: torch.Tensor, side: int) -> torch.Tensor:
        """Whether blocks of side^3 voxels come within the margin of an occupied cell."""
        first = torch.div(low - self.margin, self.voxels_per_cell, rounding_mode="floor")
        last = torch.div(low + side - 1 + self.margin, self.voxels_per_cell, rounding_mode="floor")
        found = torch.zeros(len(low), dtype=torch.bool, device=self.device)
        for offset in itertools.product(range(int((last - first).max()) + 1 if len(low) else 0), repeat=3):
            names = _name(torch.minimum(first + torch.tensor(offset, device=self.device), last))
            found |= _is_among(names, self._names)
        return found


def _name(coords: torch.Tensor) -> torch.Tensor:
    """(N,) a number for each of (N, 3) integer coordinates from -2048 up."""
    coords = coords + _SHIFT
    return (coords[:, 0] << 2 * _BITS) | (coords[:, 1] << _BITS) | coords[:, 2]


def _unname(names: torch.Tensor) -> torch.Tensor:
    mask = (1 << _BITS) - 1
    return torch.stack([names >> 2 * _BITS, names >> _BITS & mask, names & mask], 1) - _SHIFT


def _distinct(coords: torch.Tensor) -> torch.Tensor:
    return _unname(torch.unique(_name(coords)))


def _is_among(names: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """(N,) whether each name is among others, which are sorted."""
    if not len(others):
        return torch.zeros_like(names, dtype=torch.bool)
    return others[torch.searchsorted(others, names).clamp(max=len(others) - 1)] == names


class _Nodes:
    """The values at the corners of voxels, each asked once."""

    def __init__(self, lattice: _Lattice) -> None:
        self.lattice = lattice
        self._names = torch.zeros(0, dtype=torch.int64, device=lattice.device)  # sorted
        self.values = torch.zeros(0, device=lattice.device)  # (N,) float32, in voxels

    @property
    def coords(self) -> torch.Tensor:
        """(N, 3) int64."""
        return _unname(self._names)

    def corners(self, voxels: torch.Tensor) -> torch.Tensor:
        """(M, 8) rows of the corners of (M, 3) voxels, which are asked for where they are new."""
        names, corner = torch.unique(
            _name((voxels[:, None] + self.lattice.corners).reshape(-1, 3)), return_inverse=True
        )
        new = names[~_is_among(names, self._names)]
        all_names, order = torch.cat([self._names, new]).sort()
        self.values = torch.cat([self.values, self.lattice.values(_unname(new))])[order]
        self._names = all_names
        return torch.searchsorted(all_names, names)[corner].view(-1, 8)

    def follow_surface(self, voxels: torch.Tensor) -> torch.Tensor:
        """(M', 3) these and the voxels into which the surface leaves them: a field may change faster than the bound."""
        names, fresh = _name(voxels).sort().values, voxels
        while len(fresh):
            corner = self.corners(fresh)
            negative = (self.values[corner] < 0).view(-1, 2, 2, 2)
            exits = []
            for axis, end in itertools.product(range(3), range(2)):
                face = negative.select(axis + 1, end).flatten(1)
                there = fresh[face.any(1) & ~face.all(1)]
                there[:, axis] += 1 if end else -1
                exits.append(there[~_is_among(_name(there), names)])
            fresh = _distinct(torch.cat(exits))
            fresh = fresh[self.lattice.in_region(fresh, 1)]
            names = torch.cat([names, _name(fresh)]).sort().values
        return _unname(names)


def _march(nodes: _Nodes, voxels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Vertices (V, 3) float64, normalized units, and faces (F, 3) int64 of voxels."""
    lattice, corner = nodes.lattice, nodes.corners(voxels)
    coords, values = nodes.coords, nodes.values.double()
    negative = values < 0
    case = (negative[corner].long() << torch.arange(8, device=lattice.device)).sum(1)
    is_known = ~values.isnan()[corner].any(1)
    # A vertex stays off the nodes, where those of several edges would coincide.
    values = torch.where(negative, values.clamp(max=-LEAST_VALUE), values.clamp(min=LEAST_VALUE))
    table = torch.from_numpy(triangle_table()).to(lattice.device)
    triangles = table[torch.where(is_known, case, 0)]  # (M, T, 3)
    voxel, which = (triangles[:, :, 0] >= 0).nonzero(as_tuple=True)
    used = triangles[voxel, which]  # (F, 3) edges of the voxel
    edges = torch.from_numpy(EDGES).to(lattice.device)
    start, axis = corner[voxel[:, None], edges[used, 0]], edges[used, 1]
    end = corner[voxel[:, None], edges[used, 0] + torch.tensor([4, 2, 1], device=lattice.device)[axis]]
    key, faces = torch.unique(start * 3 + axis, return_inverse=True)
    other = torch.zeros_like(key).scatter_(0, faces.ravel(), end.ravel())
    first, second = values[key // 3], values[other]
    ratio = first / (first - second)
    position = coords[key // 3] + ratio[:, None] * (coords[other] - coords[key // 3])
    return position * lattice.voxel - 1.0, faces


def _project(lattice: _Lattice, vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """Vertices after two Newton steps towards the zero set, but where these turn a triangle over."""
    moved = vertices
    for _ in range(2 if len(faces) else 0):
        step = torch.cat([_newton(lattice, part) for part in moved.split(_CHUNK)])
        away = moved + step - vertices
        length = away.norm(dim=1, keepdim=True).clamp(min=LONGEST_STEP * lattice.voxel)
        moved = vertices + away * (LONGEST_STEP * lattice.voxel / length)
    normals = _normals(vertices, faces)
    for _ in range(8):
        after = _normals(moved, faces)
        turned = ((normals * after).sum(1) <= 0) | (after.square().sum(1) <= (1e-9 * lattice.voxel**2) ** 2)
        if not bool(turned.any()):
            return moved
        back = faces[turned].ravel()
        moved = moved.index_copy(0, back, vertices[back])
    return vertices


def _newton(lattice: _Lattice, vertices: torch.Tensor) -> torch.Tensor:
    values, gradient = (part.double() for part in lattice.field.values_and_gradient(vertices.float()))
    square = gradient.square().sum(1)
    usable = (square > 1e-2) & values.isfinite() & square.isfinite()
    return torch.where(usable[:, None], -(values / square)[:, None] * gradient, 0.0)


def _normals(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return torch.linalg.cross(b - a, c - a)
