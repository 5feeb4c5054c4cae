"""A shape to encode and a goal: what every method's search for the best file shares."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..formats.container import Section, pack
from ..formats.frame import Frame
from ..formats.header import Header, MeasuredErrors
from ..formats.metadata import Metadata
from ..formats.model_pack import ModelPack
from .distortion import Distortion, Reference
from .methods import METHOD_IDS, decoder_of
from .search import Trial
from .settings import METRICS, EncodeSettings
from .shape import DEFAULT_RESOLUTION
from .target import Target

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]

_MOST_ERROR = 60000.0  # what half precision holds, for shapes that are nowhere


class Clock:
    """Seconds by stage, added up."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


@dataclass(frozen=True, eq=False)
class Encoded:
    """A file and how it came about.

    Attributes
    ----------
    data : bytes
        The file.
    header : Header
        As written.
    distortion : Distortion
        Of the decoded mesh against the input.
    target_met : bool
        Whether the goal holds; if not, this is the best file found.
    seconds : dict
        Time by stage.
    detail : dict
        Counts for people who want to know.
    """

    data: bytes
    header: Header
    distortion: Distortion
    target_met: bool
    seconds: dict[str, float] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Job:
    """A shape to encode and a goal.

    Attributes
    ----------
    target : Target
    reference : Reference
        The same shape, to measure decoded meshes against.
    settings : EncodeSettings
    metadata : Metadata or None
        Stored in the file.
    progress : callable or None
        Called with (stage, steps done, steps in all).
    clock : Clock
        For the stages "fit" and "code"; `trial` itself counts "decode" and "measure".
    """

    target: Target
    reference: Reference
    settings: EncodeSettings
    metadata: Metadata | None = None
    progress: Progress | None = None
    clock: Clock = field(default_factory=Clock)

    def trial(
        self,
        method: str,
        size: float,
        frame: Frame,
        sections: Sequence[Section],
        detail: dict[str, Any],
        pack_needed: ModelPack | None = None,
    ) -> Trial[Encoded]:
        """The file of some sections, with the error of what a decoder makes of them.

        Parameters
        ----------
        method : str
            By which the sections are coded.
        size : float
            What the method searches over.
        frame : Frame
            Of the shape that they hold.
        sections : sequence of Section
        detail : dict
            Counts of the method's own.
        pack_needed : ModelPack, optional
            Which the sections need.
        """
        distortion = self._measure(method, sections, frame, pack_needed)
        errors = MeasuredErrors(*(min(getattr(distortion, name), _MOST_ERROR) for name in METRICS))
        diagonal = self.target.diagonal / frame.scale
        short = None if pack_needed is None else pack_needed.short
        header = Header(method=METHOD_IDS[method], frame=frame, errors=errors, diagonal=diagonal, pack_hash=short)
        data = pack(header, sections, self.metadata)
        excess = self._excess(data, errors)
        logger.info("%s of size %.4g: %d bytes, cd %.3g, hd %.3g, excess %.3f",
                    method, size, len(data), errors.cd, errors.hd, excess)  # fmt: skip
        return Trial(size, excess, Encoded(data, header, distortion, excess <= 1, {}, detail))

    def _measure(
        self, method: str, sections: Sequence[Section], frame: Frame, pack_needed: ModelPack | None
    ) -> Distortion:
        options: dict[str, Any] = {"device": self.settings.device, "backend": self.settings.backend}
        if pack_needed is not None:
            options["pack"] = pack_needed
        with self.clock("decode"):
            decode = getattr(decoder_of(METHOD_IDS[method]), f"decode_{method}")
            vertices, faces = decode(sections, **options).mesh(DEFAULT_RESOLUTION)
        with self.clock("measure"):
            return self.reference.measure(self.target.to_home(vertices, frame), faces)

    def pack_of(self, method: str) -> ModelPack | None:
        """The model pack that files of a method are to need."""
        pack_given = self.settings.pack
        return pack_given if pack_given is not None and pack_given.method == method else None

    @property
    def allowed_error(self) -> float | None:
        """The bound of the metric asked for, as a fraction of the diagonal; None where there is none."""
        bound = self.settings.max_error
        if bound is None:
            return None
        return bound.value if bound.relative else bound.value / self.target.diagonal

    def _excess(self, data: bytes, errors: MeasuredErrors) -> float:
        """Measured over allowed; 0 where nothing is asked."""
        if self.settings.target_size is not None:
            return len(data) / self.settings.target_size
        if self.allowed_error is None:
            return 0.0
        return float(getattr(errors, self.settings.metric) / self.allowed_error)
