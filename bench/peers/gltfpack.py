"""gltfpack, meshoptimizer's own simplifier and codec: what web viewers load."""

from __future__ import annotations

from collections.abc import Sequence

from ...formats.gltf import write_glb
from ...formats.mesh_io import read_mesh
from .contract import Mesh, RatePoint
from .opponent import ladder
from .packages import optional, version_of
from .programs import convert, find, help_of

_PROGRAM = "gltfpack"
_NAMES = ("source.glb", "target.glb")
_ZSTD_LEVEL = 19
# Position bits, by the most faces they are for.
_BITS = ((2_000, (8, 9, 10)), (20_000, (9, 10, 11)), (None, (10, 11, 12)))
_QUICK_FACES = (400, 8_000)


class Gltfpack:
    """Simplified, quantized and compressed glTF."""

    name = "gltfpack"
    title = "gltfpack + zstd"
    how = (
        "gltfpack -si -se 1 -vp -cz, its own simplifier, by factors of two in faces; then zstd -19, as a server would."
    )
    caveat = "A file for a viewer: about a kilobyte of it is glTF's JSON before zstd."

    def version(self) -> str:
        find(_PROGRAM)
        optional("zstandard", "zstandard")
        return f"{help_of(_PROGRAM, '-v').strip()}, {version_of('zstandard')}"

    def points(self, mesh: Mesh, quick: bool) -> Sequence[RatePoint]:
        n_all = len(mesh.faces)
        counts = ladder(n_all)[:-1:2]
        if quick:
            counts = [n for n in counts if _QUICK_FACES[0] <= n <= _QUICK_FACES[1]]
        return [
            RatePoint(f"f{n}-vp{bits}", "all", {"faces": n, "ratio": n / n_all, "vp": bits})
            for n in [*counts, n_all]
            for bits in (_bits(n)[1:2] if quick else _bits(n))
        ]

    def prepare(self, mesh: Mesh, group: str) -> bytes:
        return write_glb(mesh.vertices, mesh.faces, centre=(mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2)

    def encode(self, prepared: bytes, point: RatePoint) -> bytes:
        simplify = ["-si", f"{point.settings['ratio']:.8f}", "-se", "1"] if point.settings["ratio"] < 1 else []
        packed = convert(
            _PROGRAM,
            prepared,
            _NAMES,
            ["-i", "{source}", "-o", "{target}", *simplify, "-vp", str(point.settings["vp"]), "-cz"],
        )
        return bytes(optional("zstandard", "zstandard").ZstdCompressor(level=_ZSTD_LEVEL).compress(packed))

    def decode(self, data: bytes) -> Mesh:
        packed = optional("zstandard", "zstandard").ZstdDecompressor().decompress(data)
        # gltfpack reads what it writes; without quantization it writes what everybody reads.
        plain = convert(_PROGRAM, packed, _NAMES, ["-i", "{source}", "-o", "{target}", "-noq"])
        found = read_mesh(plain, "glb")
        return Mesh(found.vertices, found.faces)


def _bits(n_faces: int) -> Sequence[int]:
    return next(bits for most, bits in _BITS if most is None or n_faces < most)
