"""Codecs for tests of the bench: an honest one, and some that go wrong. Importable by the processes they run in."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence

import numpy as np
from sdfz.bench.peers.contract import Mesh, RatePoint, Unavailable

BITS = (4, 6, 8)


class Rounding:
    """Vertices rounded to a grid, the first two rate points in one group."""

    name = "rounding"
    title = "Rounding"
    how = "Coordinates of a few bits, deflated."
    caveat = ""
    current = "1"

    def version(self) -> str:
        return self.current

    def points(self, mesh: Mesh, quick: bool) -> Sequence[RatePoint]:
        groups = ("coarse", "coarse", "fine")
        points = [RatePoint(f"b{b}", group, {"bits": b}) for b, group in zip(BITS, groups, strict=True)]
        return points[:1] if quick else points

    def prepare(self, mesh: Mesh, group: str) -> Mesh:
        return mesh

    def encode(self, prepared: Mesh, point: RatePoint) -> bytes:
        scale = 2.0 ** point.settings["bits"]
        file = io.BytesIO()
        grid = np.rint(prepared.vertices * scale).astype(np.int32)
        np.savez(file, grid=grid, faces=prepared.faces, scale=scale)
        return zlib.compress(file.getvalue())

    def decode(self, data: bytes) -> Mesh:
        arrays = np.load(io.BytesIO(zlib.decompress(data)))
        return Mesh(arrays["grid"] / arrays["scale"], arrays["faces"])


class Newer(Rounding):
    """The next version of it."""

    current = "2"


class Halving(Rounding):
    """Raises for its second point, and cannot decode its third."""

    name = "halving"

    def encode(self, prepared: Mesh, point: RatePoint) -> bytes:
        if point.settings["bits"] == BITS[1]:
            raise ValueError("no such\nthing")
        return b"" if point.settings["bits"] == BITS[2] else super().encode(prepared, point)


class Crashing(Rounding):
    """Takes its process with it."""

    name = "crashing"

    def prepare(self, mesh: Mesh, group: str) -> Mesh:
        os._exit(7)


class Hungry(Rounding):
    """Wants more memory than there is."""

    name = "hungry"

    def prepare(self, mesh: Mesh, group: str) -> Mesh:
        return Mesh(np.ones((1 << 40, 3)), mesh.faces)


class Missing(Rounding):
    """Is not installed."""

    name = "missing"

    def version(self) -> str:
        raise Unavailable("the program missing is not on PATH")


class Sleeping(Rounding):
    """Starts a program, says its process id, and never ends."""

    name = "sleeping"

    def encode(self, prepared: Mesh, point: RatePoint) -> bytes:
        if point.settings["bits"] == BITS[0]:
            program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            raise ValueError(program.pid)
        time.sleep(600)
        return b""
