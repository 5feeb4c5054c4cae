"""A tetrahedron, .sdfz files of real container bytes, and a stand-in for the codec that makes and reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from sdfz.formats.container import Section, pack, unpack
from sdfz.formats.frame import Frame
from sdfz.formats.header import Header, MeasuredErrors
from sdfz.formats.metadata import Metadata

VERTICES = np.array([[0, 0, 0], [2, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float64)
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def container_bytes(metadata: Metadata | None = None, *, hd: float = 0.004) -> bytes:
    """A whole file of two sections whose payloads mean nothing."""
    return pack(make_header(hd), [Section(1, b"base payload"), Section(2, b"detail")], metadata)


def make_header(hd: float) -> Header:
    frame = Frame.enclosing([0, 0, 0], [2, 1, 1])
    errors = MeasuredErrors(cd=hd / 8, rms=hd / 4, hd=hd)
    return Header(method=1, frame=frame, errors=errors, diagonal=6**0.5 / frame.scale)


@dataclass
class QuickCodec:
    """Stands in for the encoder and the decoder: real container bytes, made and read at once.

    Attributes
    ----------
    encodings : list
        What `encode_mesh` was called with.
    decodings : list
        What `decode_bytes` and `triangles` were called with.
    hd : float
        The error that encodings report, a fraction of the diagonal; cd is an eighth, rms a quarter of it.
    target_met : bool
        What encodings report.
    error : BaseException or None
        Raised instead.
    """

    encodings: list[SimpleNamespace] = field(default_factory=list)
    decodings: list[SimpleNamespace] = field(default_factory=list)
    hd: float = 0.004
    target_met: bool = True
    error: BaseException | None = None

    def encode_mesh(self, vertices: Any, faces: Any, settings: Any, metadata: Any = None, progress: Any = None) -> Any:
        self.encodings.append(SimpleNamespace(settings=settings, metadata=metadata, progress=progress))
        if self.error is not None:
            raise self.error
        if progress is not None:
            progress("fit", 1, 2)
            progress("fit", 2, 2)
        errors = SimpleNamespace(cd=self.hd / 8, rms=self.hd / 4, hd=self.hd)
        return SimpleNamespace(
            data=container_bytes(metadata, hd=self.hd),
            header=make_header(self.hd),
            distortion=errors,
            target_met=self.target_met,
            seconds={"fit": 0.25},
            detail={"n_latents": 7},
        )

    def decode_bytes(self, data: bytes, **options: Any) -> Any:
        container = unpack(data, allow_truncated=options.get("allow_truncated", False))
        if self.error is not None:
            raise self.error

        def triangles(resolution: int, progress: Any = None, *, uniform: bool = False) -> Any:
            self.decodings.append(SimpleNamespace(resolution=resolution, uniform=uniform, **options))
            return VERTICES, FACES

        shape = SimpleNamespace(triangles=triangles, header=container.header, truncated=container.truncated)
        shape.frames, shape.frame = (shape,), lambda number: shape
        return shape

    def check_bytes(self, data: bytes, **_: Any) -> dict[str, object]:
        unpack(data)
        return {"method": "grid", "n_cells": 3}
