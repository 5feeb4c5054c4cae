"""Files of shapes that a model pack was fitted to: their codes were learned with it, and are only rounded."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...formats.errors import MeshError
from ...formats.model_pack import ModelPack
from ..job import Encoded, Job
from ..latent_code import LatentCode, code_of_step, step_of_code
from ..settings import EncodeSettings
from ..target import Target
from ..whole import FILL
from .shared import METHOD
from .stream import pack_symbols

_MEASURE_SAMPLES = 50_000


def encode_learned(
    vertices: npt.ArrayLike,
    faces: npt.ArrayLike,
    code: npt.NDArray[np.float32],
    fineness: float,
    settings: EncodeSettings,
    pack: ModelPack,
) -> Encoded:
    """The file of a mesh whose code is known.

    Parameters
    ----------
    vertices : (V, 3) array_like of float
        Input units.
    faces : (F, 3) array_like of int
    code : (d,) float32
        As it was learned with the pack.
    fineness : float
        Quantization steps in a unit of the code: the size of `trials.CODES`.
    settings : EncodeSettings
        Of which neither quality nor goals count.
    pack : ModelPack

    Raises
    ------
    MeshError
        The mesh has no usable surface, or what the code stands for has none.
    """
    target = Target(vertices, faces, settings.seed)
    job = Job(target, target.reference(_MEASURE_SAMPLES), settings)
    step_code = code_of_step(1 / fineness)
    symbols = LatentCode(step_code, np.rint(code / step_of_code(step_code)).astype(np.int32))
    with job.clock("code"):
        sections = pack_symbols(symbols)
    detail = {"numbers": len(code), "step": step_code}
    encoded = job.trial(METHOD, fineness, target.frame(FILL), sections, detail, pack).result
    if not np.isfinite(encoded.distortion.cd):
        raise MeshError("what was learned of it has no surface: train longer")
    return encoded
