"""Draco alone: the mesh as it is, positions quantized."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .contract import Mesh, RatePoint
from .packages import optional, version_of

COMPRESSION_LEVEL = 10  # the smallest files; speed is not what Draco is compared for here
_BITS = tuple(range(6, 15))
_QUICK_BITS = (8, 10, 12)


def encode_draco(mesh: Mesh, bits: int) -> bytes:
    """A Draco file with nothing but triangles: positions of `bits` bits along the longest side of the bounding box.

    Order is not kept and no metadata are written, which is Draco at its smallest.
    """
    return bytes(
        optional("DracoPy", "DracoPy").encode(
            np.ascontiguousarray(mesh.vertices, dtype=np.float32),
            np.ascontiguousarray(mesh.faces, dtype=np.uint32),
            quantization_bits=bits,
            compression_level=COMPRESSION_LEVEL,
            preserve_order=False,
            create_metadata=False,
        )
    )


def decode_draco(data: bytes) -> Mesh:
    """The mesh in a Draco file."""
    found = optional("DracoPy", "DracoPy").decode(data)
    return Mesh(np.asarray(found.points, np.float64).reshape(-1, 3), np.asarray(found.faces, np.int64).reshape(-1, 3))


class Draco:
    """The input's own triangles through Draco."""

    name = "draco"
    title = "Draco"
    how = f"DracoPy: all triangles of the input, geometry only, level {COMPRESSION_LEVEL}, 6 to 14 bits a coordinate."
    caveat = "Keeps the input's connectivity, which a codec for the surface need not do."

    def version(self) -> str:
        optional("DracoPy", "DracoPy")
        return version_of("DracoPy")

    def points(self, mesh: Mesh, quick: bool) -> Sequence[RatePoint]:
        bits = _QUICK_BITS if quick else _BITS
        return [RatePoint(f"qp{b}", "all", {"qp": b, "level": COMPRESSION_LEVEL}) for b in bits]

    def prepare(self, mesh: Mesh, group: str) -> Mesh:
        return mesh

    def encode(self, prepared: Mesh, point: RatePoint) -> bytes:
        return encode_draco(prepared, point.settings["qp"])

    def decode(self, data: bytes) -> Mesh:
        return decode_draco(data)
