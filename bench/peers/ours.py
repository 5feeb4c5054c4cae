"""sdfz itself, in this process, so that its times compare with those of the libraries it is measured against."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence, Set
from importlib import import_module
from pathlib import Path

from ... import __version__
from ...codec.methods import METHOD_IDS
from .contract import Mesh, RatePoint

# Mean errors of 1.6e-3 to 1e-4 of the diagonal.
_QUALITIES = (40, 50, 60, 70, 80, 90, 100)
_QUICK_QUALITIES = (50, 70, 90)
_QUALITIES_OF_A_METHOD = (40, 60, 80, 100)
# What decides the bytes and what they decode to.
_SOURCES = (("codec", ("*.py", "*.npz", "*.safetensors")), ("formats", ("*.py",)))


class Sdfz:
    """The codec of this package, which chooses a method for a shape, or one method alone.

    Parameters
    ----------
    method : str
        'auto' or a method's name.
    """

    caveat = ""

    def __init__(self, method: str = "auto") -> None:
        self._method = method
        self._methods = ("scaffold", "grid") if method == "auto" else (method,)
        self.name = "sdfz" if method == "auto" else f"sdfz-{method}"
        self.title = "sdfz" if method == "auto" else f"sdfz, {method}"
        self._qualities = _QUALITIES if method == "auto" else _QUALITIES_OF_A_METHOD
        self.how = f"encode_mesh in this process at the default effort, at {len(self._qualities)} qualities."

    def version(self) -> str:
        """The version and a digest of the sources: a row stays valid until the codec itself changes."""
        # Imported before anything is timed: a library's user pays for them once, not for each mesh.
        for module in ("encode", "decode", *(f"{m}.{part}" for m in self._methods for part in ("trials", "decode"))):
            import_module(f"sdfz.codec.{module}")
        if self._method == "auto":
            import_module("sdfz.codec.scaffold.surface")
        return f"{__version__} {_digest(Path(__file__).resolve().parents[2], set(METHOD_IDS) - set(self._methods))}"

    def points(self, mesh: Mesh, quick: bool) -> Sequence[RatePoint]:
        from ...codec.encode import EncodeSettings

        settings = {"effort": EncodeSettings().effort} | ({} if self._method == "auto" else {"method": self._method})
        qualities = _QUICK_QUALITIES if quick else self._qualities
        return [RatePoint(f"q{q}", f"q{q}", {"quality": q, **settings}) for q in qualities]

    def prepare(self, mesh: Mesh, group: str) -> Mesh:
        return mesh

    def encode(self, prepared: Mesh, point: RatePoint) -> bytes:
        from ...codec.encode import EncodeSettings, encode_mesh

        return encode_mesh(prepared.vertices, prepared.faces, EncodeSettings(**point.settings)).data

    def decode(self, data: bytes) -> Mesh:
        from ...codec.decode import decode_bytes

        return Mesh(*decode_bytes(data).triangles())


def _digest(root: Path, without: Set[str]) -> str:
    """Eight hexadecimal digits that change when a source of the codec does, but for some methods' own."""
    found = hashlib.sha256()
    for folder, patterns in _SOURCES:
        paths = {path for pattern in patterns for path in (root / folder).rglob(pattern)}
        paths -= {path for path in paths if path.relative_to(root / folder).parts[0] in without}
        for path in sorted(paths, key=lambda path: path.relative_to(root).as_posix()):
            found.update(f"{path.relative_to(root).as_posix()}\0{path.stat().st_size}\0".encode())
            found.update(path.read_bytes())
    return found.hexdigest()[:8]
