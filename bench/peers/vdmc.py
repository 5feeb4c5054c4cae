"""V-DMC through its test model: a decimated base mesh, subdivided, displacements as a video.

Written from the test model's documentation and common test conditions; it has been run against a stand-in only.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from ...formats.mesh_io import mesh_bytes, read_mesh
from .contract import Mesh, RatePoint, Unavailable
from .programs import Cube, convert, find, help_of, options

_ENCODER, _DECODER = "encode", "decode"
_VIDEO_CONFIG = "VDMC_VIDEO_CONFIG"
_DEPTH = 12  # bits of the input's coordinates; more changes nothing at these rates
# Share of the faces kept, base bits, displacement quantizer, subdivisions: coarse to fine.
_POINTS = (
    *((0.0025, 9, 40, 3), (0.005, 9, 36, 3), (0.01, 9, 36, 3), (0.01, 10, 30, 3), (0.02, 10, 32, 3), (0.03, 10, 28, 3)),
    *((0.03, 11, 22, 3), (0.06, 10, 30, 2), (0.06, 11, 22, 3), (0.12, 11, 22, 2), (0.12, 11, 16, 2), (0.24, 12, 16, 2)),
)
_QUICK = (2, 5, 8)
_FITTING = {"ai_deformNormalThres": -2, "ai_deformFlipThres": -2, "ai_smoothMotion": 0}  # as in the test conditions
_TANGENTIAL = 12  # the displacements along the surface are quantized this much more coarsely, as by default


@dataclass(frozen=True, eq=False)
class Scaled:
    """The mesh as an OBJ file in units of its cube."""

    obj: bytes
    cube: Cube


class Vdmc:
    """Version 4 of the test model; its programs are called encode and decode."""

    name = "vdmc"
    title = "V-DMC"
    how = (
        "The test model's encode and decode (options of version 4), one frame, no texture, 0.25 to 24 % of the faces, "
        "9 to 12 base bits, 2 or 3 subdivisions; 16 bytes for the frame."
    )
    caveat = "Made for moving, textured meshes; its containers cost some hundred bytes."

    def version(self) -> str:
        for program in (_ENCODER, _DECODER):
            find(program)
            if "--compressed" not in help_of(program, "--help"):
                raise Unavailable(f"the program {program} on PATH is not the V-DMC test model's")
        _video_config()
        return "test model 4"

    def points(self, mesh: Mesh, quick: bool) -> Sequence[RatePoint]:
        chosen = [_POINTS[index] for index in _QUICK] if quick else _POINTS
        return [
            RatePoint(f"t{t:g}b{b}q{q}s{s}", "all", {"target": t, "bits": b, "qp": q, "subdivisions": s})
            for t, b, q, s in chosen
        ]

    def prepare(self, mesh: Mesh, group: str) -> Scaled:
        cube = Cube.around(mesh, 2**_DEPTH - 1)
        return Scaled(mesh_bytes(cube.inside(mesh.vertices), mesh.faces, "obj"), cube)

    def encode(self, prepared: Scaled, point: RatePoint) -> bytes:
        wanted = point.settings
        top, qp = 2**_DEPTH - 1, wanted["qp"]
        arguments = {
            "fcount": 1,
            "enctex": 0,
            "target": wanted["target"],
            "minPosition": "0,0,0",
            "maxPosition": f"{top},{top},{top}",
            "gdepth": _DEPTH,
            "gqp": wanted["bits"],
            "ai_subdivIt": wanted["subdivisions"],
            "liftingIt": wanted["subdivisions"],
            "dqp": f"{qp},{qp + _TANGENTIAL},{qp + _TANGENTIAL}",
            **_FITTING,
            "gvencconfig": _video_config(),
            "imesh": "{source}",
            "compressed": "{target}",
        }
        return prepared.cube.pack() + convert(_ENCODER, prepared.obj, ("mesh.obj", "mesh.vmesh"), options(arguments))

    def decode(self, data: bytes) -> Mesh:
        cube, stream = Cube.unpack(data)
        arguments = options({"compressed": "{source}", "decmesh": "{target}"})
        found = read_mesh(convert(_DECODER, stream, ("mesh.vmesh", "mesh.obj"), arguments), "obj")
        return Mesh(cube.outside(found.vertices), found.faces)


def _video_config() -> str:
    """Path of the video encoder's configuration for displacements, which comes with the test model's sources.

    Raises
    ------
    Unavailable
        The environment does not say where it is.
    """
    path = os.environ.get(_VIDEO_CONFIG, "")
    if not os.path.isfile(path):
        raise Unavailable(
            f"{_VIDEO_CONFIG} is not the path of the test model's video configuration (cfg/hm/*-ai-main10.cfg)"
        )
    return path
