"""sdfz itself, in this process, so that its times compare with those of the libraries it is measured against."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from ... import __version__
from .contract import Mesh, RatePoint

# Mean errors of 1.6e-3 to 1e-4 of the diagonal.
_QUALITIES = (40, 50, 60, 70, 80, 90, 100)
_QUICK_QUALITIES = (50, 70, 90)
# Imported before anything is timed: a library's user pays for them once, not for each mesh.
_MODULES = ("encode", "decode", "scaffold.trials", "scaffold.decode", "scaffold.surface")
# What decides the bytes and what they decode to.
_SOURCES = (("codec", ("*.py", "*.npz", "*.safetensors")), ("formats", ("*.py",)))


class Sdfz:
    """The codec of this package."""

    name = "sdfz"
    title = "sdfz"
    how = "encode_mesh in this process at the default effort, at seven qualities."
    caveat = ""

    def version(self) -> str:
        """The version and a digest of the sources: a row stays valid until the codec itself changes."""
        for module in _MODULES:
            import_module(f"sdfz.codec.{module}")
        return f"{__version__} {_digest(Path(__file__).resolve().parents[2])}"

    def points(self, mesh: Mesh, quick: bool) -> Sequence[RatePoint]:
        from ...codec.encode import EncodeSettings

        effort = EncodeSettings().effort
        qualities = _QUICK_QUALITIES if quick else _QUALITIES
        return [RatePoint(f"q{q}", f"q{q}", {"quality": q, "effort": effort}) for q in qualities]

    def prepare(self, mesh: Mesh, group: str) -> Mesh:
        return mesh

    def encode(self, prepared: Mesh, point: RatePoint) -> bytes:
        from ...codec.encode import EncodeSettings, encode_mesh

        return encode_mesh(prepared.vertices, prepared.faces, EncodeSettings(**point.settings)).data

    def decode(self, data: bytes) -> Mesh:
        from ...codec.decode import decode_bytes

        return Mesh(*decode_bytes(data).triangles())


def _digest(root: Path) -> str:
    """Eight hexadecimal digits that change when a source of the codec does."""
    found = hashlib.sha256()
    for folder, patterns in _SOURCES:
        paths = {path for pattern in patterns for path in (root / folder).rglob(pattern)}
        for path in sorted(paths, key=lambda path: path.relative_to(root).as_posix()):
            found.update(f"{path.relative_to(root).as_posix()}\0{path.stat().st_size}\0".encode())
            found.update(path.read_bytes())
    return found.hexdigest()[:8]
