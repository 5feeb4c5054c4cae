"""The mesh as a binary PLY file, raw and through general-purpose compressors: what costs no thought."""

from __future__ import annotations

import lzma
from collections.abc import Sequence

from ...formats.mesh_io import read_mesh
from ...formats.ply import write_ply
from .contract import Mesh, RatePoint, Unavailable
from .packages import optional, version_of

_ZSTD_MAGIC, _XZ_MAGIC = b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00"
_ZSTD_LEVEL, _XZ_PRESET = 19, 9 | lzma.PRESET_EXTREME


class PlainPly:
    """float32 positions and int32 indices."""

    name = "ply"
    title = "PLY"
    how = "Binary PLY, float32 positions: raw, through zstd -19 (zstandard) and through xz -9e (lzma)."
    caveat = "Lossless but for the rounding to float32."

    def version(self) -> str:
        try:
            optional("zstandard", "zstandard")
        except Unavailable:
            return "without zstandard"
        return version_of("zstandard")

    def points(self, mesh: Mesh, quick: bool) -> Sequence[RatePoint]:
        return [
            RatePoint("xz", "xz", {"preset": "9e"}),
            RatePoint("zstd", "zstd", {"level": _ZSTD_LEVEL}),
            RatePoint("raw", "raw", {}),
        ]

    def prepare(self, mesh: Mesh, group: str) -> bytes:
        if group == "zstd":
            optional("zstandard", "zstandard")
        return write_ply(mesh.vertices, mesh.faces)

    def encode(self, prepared: bytes, point: RatePoint) -> bytes:
        if point.name == "xz":
            return lzma.compress(prepared, preset=_XZ_PRESET)
        if point.name == "zstd":
            return bytes(optional("zstandard", "zstandard").ZstdCompressor(level=_ZSTD_LEVEL).compress(prepared))
        return prepared

    def decode(self, data: bytes) -> Mesh:
        if data.startswith(_XZ_MAGIC):
            data = lzma.decompress(data)
        elif data.startswith(_ZSTD_MAGIC):
            data = optional("zstandard", "zstandard").ZstdDecompressor().decompress(data)
        found = read_mesh(data, "ply")
        return Mesh(found.vertices, found.faces)
