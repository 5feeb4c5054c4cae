"""The opponent, quadric decimation and Draco, and the expert, who refits the vertices in between.

    opponent   decimate                -> Draco
    expert     decimate -> refit       -> Draco     and all that the opponent has

One file means little: each is a ladder of face counts times coordinate bits, and its rate-distortion curve is the lower
envelope of all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...codec.distortion import Reference
from . import decimate, refit
from .contract import Mesh, RatePoint
from .draco import COMPRESSION_LEVEL, decode_draco, encode_draco
from .packages import optional, version_of

_FEWEST_FACES = 60
_STEPS_AN_OCTAVE = 2
_NEAR_THE_INPUT = 0.85  # rungs above this share of the input's faces are as good as the input
# Coordinate bits, by the most faces they are for: the finer the triangles, the finer the steps that suit them.
# By the rows of an independent measurement with more of them, these lose at most 0.5 % on bunny, armadillo, nefertiti,
# rocker-arm, spot and fandisk; on a wire lattice of Euler number -636, 8 % at a mean error of 1e-3 and nothing below.
# The finest step at few faces is for CAD: without it, fandisk takes a quarter more bytes at 5e-5.
_BITS = (
    (1_500, (7, 8, 9, 10, 11, 12)),
    (4_000, (8, 9, 10, 11, 12)),
    (20_000, (9, 10, 11, 12)),
    (None, (10, 11, 12, 13)),
)
_BITS_OF_THE_INPUT = (10, 11, 12, 13, 14)
_QUICK_BITS = ((4_000, (9, 10)), (20_000, (10, 11)), (None, (11, 12)))
_QUICK_FACES = (200, 20_000)
_CHOICE_SAMPLES = 20_000
_MOST_REFITTED = 20_000  # faces; above it a refit changes less than the quantization does
# Raise them when a change here, in decimate.py, cleaning.py or refit.py moves the results.
_REVISION = 3
_REFIT_REVISION = 4


@dataclass(frozen=True, eq=False)
class Decimated:
    """What the points of a face count share.

    Attributes
    ----------
    mesh : Mesh
        Decimated, and refitted by the expert.
    notes : mapping
        For the rows: the decimator that was the best.
    """

    mesh: Mesh
    notes: Mapping[str, str]


class Opponent:
    """Quadric decimation, then Draco."""

    name = "opponent"
    title = "decimation + Draco"
    how = (
        "Quadric decimation to 60 faces and on by factors of 1.41 up to all of them (the best of libigl's qslim, our "
        "own decimation and fast_simplification), DracoPy level 10 at 7 to 14 bits; the curve is the lower envelope."
    )
    caveat = "Its encode time covers all decimators tried for a face count; peak memory leaves out qslim's own process."
    _revision = _REVISION

    def version(self) -> str:
        optional("DracoPy", "DracoPy")
        decimate.warm_up()
        programs = ", ".join(version_of(name) for name in ("DracoPy", "libigl", "fast-simplification"))
        return f"{programs}, revision {self._revision}"

    def points(self, mesh: Mesh, quick: bool) -> Sequence[RatePoint]:
        n_all = len(mesh.faces)
        return [
            RatePoint(f"f{n}-qp{bits}", f"f{n}", {"faces": n, "qp": bits, "level": COMPRESSION_LEVEL})
            for n in (_quick_ladder(n_all) if quick else ladder(n_all))
            for bits in _bits(n, n_all, quick)
        ]

    def prepare(self, mesh: Mesh, group: str) -> Decimated:
        made, decimator = decimate.decimated(
            mesh, int(group[1:]), Reference(mesh.vertices, mesh.faces, _CHOICE_SAMPLES)
        )
        return Decimated(made, {"decimator": decimator})

    def encode(self, prepared: Decimated, point: RatePoint) -> bytes:
        return encode_draco(prepared.mesh, point.settings["qp"])

    def decode(self, data: bytes) -> Mesh:
        return decode_draco(data)


class Expert(Opponent):
    """Quadric decimation, a least-squares refit of the vertices, then Draco."""

    name = "expert"
    title = "decimation + refit + Draco"
    how = (
        "As the opponent, the decimated vertices refitted to the original by least squares, point to plane, both ways, "
        f"up to {_MOST_REFITTED:,} faces; the curve is the lower envelope of these points and the opponent's."
    )
    caveat = "The refit is ours: no tool offers it. Its encode time covers all decimators tried."
    _revision = _REFIT_REVISION

    def points(self, mesh: Mesh, quick: bool) -> Sequence[RatePoint]:
        n_most = min(_MOST_REFITTED, len(mesh.faces) - 1)  # the input itself needs no refit
        return [point for point in super().points(mesh, quick) if point.settings["faces"] <= n_most]

    def prepare(self, mesh: Mesh, group: str) -> Decimated:
        plain = super().prepare(mesh, group)
        reference = Reference(mesh.vertices, mesh.faces, _CHOICE_SAMPLES)
        moved = refit.refitted(plain.mesh, refit.original(mesh, len(plain.mesh.faces), reference))
        return Decimated(moved, plain.notes)


def ladder(n_all: int) -> list[int]:
    """Face counts to decimate a mesh of `n_all` faces to, ascending; `n_all` is the last.

    >>> ladder(500)
    [60, 85, 120, 170, 240, 339, 500]
    """
    counts = []
    step = 0
    while (count := round(_FEWEST_FACES * 2 ** (step / _STEPS_AN_OCTAVE))) < _NEAR_THE_INPUT * n_all:
        counts.append(count)
        step += 1
    return [*counts, n_all]


def _quick_ladder(n_all: int) -> list[int]:
    """Every other rung where the curves are compared; the input itself if there is none."""
    low, high = _QUICK_FACES
    return [n for n in ladder(n_all)[::_STEPS_AN_OCTAVE] if low <= n <= high and n < n_all] or [n_all]


def _bits(n_faces: int, n_all: int, quick: bool) -> Sequence[int]:
    if n_faces == n_all and not quick:
        return _BITS_OF_THE_INPUT
    table = _QUICK_BITS if quick else _BITS
    return next(bits for most, bits in table if most is None or n_faces < most)
