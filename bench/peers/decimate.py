"""Quadric decimation, the best of several decimators.

Which decimator is taken changes the error by up to a factor of four, and none is the best everywhere: libigl's qslim
and our own (the scaffold's, lent to the opponent) on most surfaces, fast_simplification on some. The default
aggressiveness of the latter is far from its best; lower ones are better and may end with too many faces.

qslim wants a manifold. Given anything else it returns nothing, or runs until the memory is gone. So a mesh that is
none is cut into sheets first, as a person would do, and the call is guarded all the same. A person would also delete
the scraps of a scan, and fill its pinholes, before asking for fewer faces than there are of them.
"""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable, Iterator
from functools import lru_cache, partial

import numpy as np

from ...codec.distortion import Reference
from ...codec.scaffold.decimate import decimate
from ...codec.scaffold.sheets import manifold_sheets
from .cleaning import large_parts, without_small_holes
from .contract import Mesh
from .guarded import Guard, GuardError
from .packages import optional

logger = logging.getLogger(__name__)

_AGGRESSIVENESS = 3
_CHOICE_SAMPLES = 20_000
_ENOUGH = 1.02  # times the wanted faces: more than that is another point of the curve

# Seconds after which qslim is given up: thirty times what it needs on an ordinary machine.
_LEAST_SECONDS, _SECONDS_A_FACE = 20.0, 3e-4


@lru_cache(maxsize=1)
def guard() -> Guard:
    """The child process in which qslim runs."""
    made = Guard()
    atexit.register(made.close)
    return made


def warm_up() -> None:
    """Import what decimation needs, here and in the child.

    Raises
    ------
    Unavailable
        fast_simplification is missing.
    """
    optional("fast_simplification", "fast-simplification")
    import igl  # noqa: F401

    guard().call(__name__, "ready", seconds=60)


def ready() -> None:
    """Nothing but the imports of this module and of libigl, in the child."""
    import igl  # noqa: F401


def decimated(mesh: Mesh, n_faces: int, reference: Reference | None = None) -> tuple[Mesh, str]:
    """A mesh of about `n_faces` faces, and the name of the decimator that made it.

    Parameters
    ----------
    mesh : Mesh
    n_faces : int
        Wanted. With as many as `mesh` has, it is returned as it is.
    reference : Reference, optional
        Measures which result is the closest; made from `mesh` if it is not there.

    Returns
    -------
    mesh : Mesh
        Of those the decimators make, the one with the least mean error.
    name : str
        "qslim", "qslim of sheets, cleaned", "fast_simplification agg 3" and so on; "none" for `mesh`.

    Raises
    ------
    ValueError
        No decimator leaves a face.
    """
    if n_faces >= len(mesh.faces):
        return mesh, "none"
    if reference is None:
        reference = Reference(mesh.vertices, mesh.faces, _CHOICE_SAMPLES)
    made = dict(_candidates(mesh, n_faces))
    if not made:
        raise ValueError(f"no decimator leaves a face of {len(mesh.faces)} when asked for {n_faces}")
    most = max(n_faces * _ENOUGH, min(len(found.faces) for found in made.values()))
    error = {
        name: reference.measure(found.vertices, found.faces).cd
        for name, found in made.items()
        if len(found.faces) <= most
    }
    best = min(error, key=error.__getitem__)
    return made[best], best


def _candidates(mesh: Mesh, n_faces: int) -> Iterator[tuple[str, Mesh]]:
    """What the decimators make of a mesh, by name; those that fail are left out.

    They work on a mesh around the origin whose diagonal is known: files come in any unit.
    """
    lower, upper = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    centre, diagonal = (lower + upper) / 2, float(np.linalg.norm(upper - lower))
    unit = Mesh((mesh.vertices - centre) / diagonal, mesh.faces)
    parts = manifold_sheets(unit.vertices, unit.faces)
    cut = Mesh(parts.vertices, parts.faces)
    kind = "qslim" if len(cut.vertices) == len(np.unique(mesh.faces)) else "qslim of sheets"
    seconds = _LEAST_SECONDS + _SECONDS_A_FACE * len(mesh.faces)
    attempts: list[tuple[str, Callable[[], Mesh]]] = [
        (kind, partial(_qslim, cut, n_faces, seconds)),
        ("sdfz decimate", partial(_own, cut, n_faces)),
        (f"fast_simplification agg {_AGGRESSIVENESS}", partial(_fast_simplification, unit, n_faces)),
    ]
    cleaned = without_small_holes(large_parts(cut, 1 / n_faces))
    if cleaned is not cut:
        attempts.append((f"{kind}, cleaned", partial(_qslim, cleaned, n_faces, seconds)))
    for name, attempt in attempts:
        try:
            found = _used(attempt())
        except GuardError as error:
            logger.info("%s to %d faces: %s", name, n_faces, error)
            continue
        if len(found.faces):
            yield name, Mesh(found.vertices * diagonal + centre, found.faces)


# -- the decimators ---------------------------------------------------------------------------------------------------


def run_qslim(mesh: Mesh, n_faces: int) -> Mesh:
    """libigl's qslim itself; called in the child."""
    import igl

    vertices = np.asfortranarray(mesh.vertices)
    found, faces, _, _ = igl.qslim(vertices, np.asfortranarray(mesh.faces, dtype=np.int32), n_faces)
    return Mesh(np.ascontiguousarray(found, np.float64), np.ascontiguousarray(faces, np.int64))


def _qslim(unit: Mesh, n_faces: int, seconds: float) -> Mesh:
    """qslim in the child."""
    found: Mesh = guard().call(__name__, "run_qslim", unit, n_faces, seconds=seconds)
    return found


def _own(unit: Mesh, n_faces: int) -> Mesh:
    return Mesh(*decimate(unit.vertices, unit.faces, n_faces))


def _fast_simplification(unit: Mesh, n_faces: int) -> Mesh:
    package = optional("fast_simplification", "fast-simplification")
    faces = np.ascontiguousarray(unit.faces, np.int32)
    found = package.simplify(unit.vertices, faces, target_count=n_faces, agg=_AGGRESSIVENESS)
    return Mesh(np.asarray(found[0], np.float64), np.asarray(found[1], np.int64))


def _used(mesh: Mesh) -> Mesh:
    """Without faces that use a vertex twice and without vertices that no face uses."""
    a, b, c = mesh.faces.T
    kept, renumbered = np.unique(mesh.faces[(a != b) & (b != c) & (c != a)], return_inverse=True)
    return Mesh(mesh.vertices[kept], renumbered.reshape(-1, 3).astype(np.int64))
