"""What runs in a process of its own: one group of rate points of one codec on one shape, from the file to its rows.

    load -> version (imports) -> prepare -> encode every point -> peak memory -> decode and measure each, one row a time

Times are wall seconds of the codec alone: imports, reading the mesh and measuring are not in them.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .corpus import CorpusShape
from .peers.contract import Mesh, Peer, RatePoint, Unavailable
from .rows import FAILED, SKIPPED, Row

if TYPE_CHECKING:
    from ..codec.distortion import Distortion, Reference

N_SAMPLES = 100_000
SEED = 20_000  # encoders measure with seeds 0 and 1: those samples would be the ones they were tuned on

Send = Callable[[Row], None]


@dataclass(frozen=True)
class Group:
    """A unit of work.

    Attributes
    ----------
    shape : CorpusShape
    faces, vertices : int
        Of the shape's mesh.
    peer : Peer
        Picklable.
    version : str
        Of the peer, as known when the work was planned; rows tell the version found when they were measured.
    name : str
        The group's name among those of the peer.
    points : tuple of RatePoint
        What is left to be measured of it.
    """

    shape: CorpusShape
    faces: int
    vertices: int
    peer: Peer
    version: str
    name: str = ""
    points: tuple[RatePoint, ...] = ()

    def row(self, point: RatePoint | None, machine: str) -> Row:
        """A row without figures, for a point or for the codec as a whole."""
        return Row(
            shape=self.shape.name,
            sha256=self.shape.sha256,
            faces=self.faces,
            vertices=self.vertices,
            codec=self.peer.name,
            point=point.name if point else "",
            settings=dict(point.settings) if point else {},
            version=self.version,
            machine=machine,
        )

    def failed(self, points: tuple[RatePoint, ...], reason: str, machine: str) -> list[Row]:
        """A row for each of these points that says why it has no figures."""
        return [replace(self.row(point, machine), status=FAILED, reason=reason) for point in points]


@dataclass(frozen=True)
class Measuring:
    """How everything is measured.

    Attributes
    ----------
    n_samples : int
        Points on each surface.
    papers : bool
        The papers' variants of the metrics too.
    memory_bytes : int
        Address space a process may have; 0 for no limit.
    machine : str
        For the rows.
    """

    n_samples: int = N_SAMPLES
    papers: bool = False
    memory_bytes: int = 0
    machine: str = ""


@dataclass(frozen=True)
class _Coded:
    point: RatePoint
    data: bytes
    seconds: float


def run_group(group: Group, measuring: Measuring, connection: Connection) -> None:
    """Measure a group and send its rows: the target of a worker process.

    The process leads a session of its own, so that it and the programs it runs can be ended together.
    """
    if hasattr(os, "setsid"):
        os.setsid()
        threading.Thread(target=_end_with_parent, daemon=True).start()
    os.dup2(2, 1)  # what libraries print must not get among the rows that the command prints
    # Python warnings of the libraries below are for developers, and stderr is shared with a progress bar.
    logging.captureWarnings(True)
    _limit_memory(measuring.memory_bytes)
    measure_group(group, measuring, connection.send)
    connection.close()


def measure_group(group: Group, measuring: Measuring, send: Send) -> None:
    """Measure the points of a group and send one row for each, as soon as it is known.

    Whatever the codec raises becomes rows that failed; `Unavailable` one row that was skipped.
    """
    try:
        mesh = group.shape.load()
        group = replace(group, version=group.peer.version(), faces=len(mesh.faces), vertices=len(mesh.vertices))
        started = time.perf_counter()
        prepared = group.peer.prepare(mesh, group.name)
        prepare_seconds = time.perf_counter() - started
        group = _with_notes(group, prepared)
        coded = _encode_all(group, prepared, prepare_seconds, measuring, send)
    except Unavailable as error:
        send(replace(group.row(None, measuring.machine), status=SKIPPED, reason=reason(error)))
        return
    except Exception as error:
        for row in group.failed(group.points, reason(error), measuring.machine):
            send(row)
        return
    del prepared
    peak_mb = _peak_mb()
    metrics = _Metrics(mesh, measuring)
    for each in coded:
        row = replace(group.row(each.point, measuring.machine), encode_s=each.seconds, peak_mb=peak_mb)
        try:
            send(_decoded(row, group.peer, each, metrics))
        except Exception as error:
            send(replace(row, status=FAILED, reason=reason(error), bytes=len(each.data)))


def _with_notes(group: Group, prepared: Any) -> Group:
    """The group with what `prepare` decided added to the settings of its points."""
    notes = getattr(prepared, "notes", {})
    points = tuple(replace(point, settings={**point.settings, **notes}) for point in group.points)
    return replace(group, points=points)


def _encode_all(
    group: Group, prepared: Any, prepare_seconds: float, measuring: Measuring, send: Send
) -> list[_Coded]:  # fmt: skip
    """The files of those points that can be encoded; the others' rows are sent."""
    coded = []
    for point in group.points:
        try:
            started = time.perf_counter()
            data = group.peer.encode(prepared, point)
            seconds = time.perf_counter() - started
        except Unavailable:
            raise
        except Exception as error:
            for row in group.failed((point,), reason(error), measuring.machine):
                send(row)
        else:
            coded.append(_Coded(point, data, prepare_seconds + seconds))
    return coded


def _decoded(row: Row, peer: Peer, coded: _Coded, metrics: _Metrics) -> Row:
    started = time.perf_counter()
    decoded = peer.decode(coded.data)
    seconds = time.perf_counter() - started
    found = metrics.distortion(decoded)
    return replace(
        row,
        bytes=len(coded.data),
        decode_s=seconds,
        decoded_faces=len(decoded.faces),
        cd=found.cd,
        cd_forward=found.forward.mean,
        cd_backward=found.backward.mean,
        rms=found.rms,
        hd=found.hd,
        p99=found.p99,
        normal_consistency=found.normal_consistency if len(decoded.faces) else None,
        f_scores=found.f_scores,
        papers=metrics.papers(decoded),
    )


class _Metrics:
    """The input as what all decoded surfaces of a group are measured against."""

    def __init__(self, mesh: Mesh, measuring: Measuring) -> None:
        self._mesh, self._measuring = mesh, measuring

    @cached_property
    def _reference(self) -> Reference:
        from ..codec.distortion import Reference

        return Reference(self._mesh.vertices, self._mesh.faces, self._measuring.n_samples, SEED)

    def distortion(self, decoded: Mesh) -> Distortion:
        if len(decoded.faces):
            return self._reference.measure(decoded.vertices, decoded.faces)
        return self._reference.measure_points(decoded.vertices)

    def papers(self, decoded: Mesh) -> dict[str, float]:
        if not self._measuring.papers or not len(decoded.faces):
            return {}
        from .metrics import papers_variants

        return papers_variants(self._mesh, decoded)


def _end_with_parent() -> None:
    """Wait until the process that started this one is gone, however that came about, and end this session with it."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.killpg(0, signal.SIGKILL)


def reason(error: Exception) -> str:
    """An exception as the reason in a row, one line."""
    if isinstance(error, MemoryError):
        return "out of memory"
    text = " ".join(str(error).split())
    return text if isinstance(error, Unavailable) else f"{type(error).__name__}: {text}".rstrip(": ")


def _limit_memory(n_bytes: int) -> None:
    """Bound the address space, so that running out of memory is an exception here and not the end of the machine."""
    if not n_bytes or sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = n_bytes if hard == resource.RLIM_INFINITY else min(n_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _peak_mb() -> float | None:
    """Most memory of this process and of those it waited for, 10^6 bytes; None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    own = _own_peak_bytes() or unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return max(own, unit * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1e6


def _own_peak_bytes() -> int:
    # Not ru_maxrss where it can be helped: on Linux that begins with the memory of the process that started this one.
    try:
        for line in Path("/proc/self/status").read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    return 0
