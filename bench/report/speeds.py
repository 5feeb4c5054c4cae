"""The section of a report about time: of the sweep, and of a run that measured nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import geometric_mean

from ..rows import OK, Row
from ..speed import DECODE, ENCODE, Timing
from .document import Block, Heading, Paragraph, Table
from .tables import codecs_of, title_of
from .texts import NONE, middle, quantity


def speeds(rows: Sequence[Row], timings: Sequence[Timing]) -> list[Block]:
    """Medians of the sweep by codec; whole times against Draco's and our stages where they were measured."""
    blocks: list[Block] = [Heading(2, "Speed"), *_of_sweep(rows)]
    if timings:
        blocks += [*_against_draco(timings), *_stages(timings)]
    return blocks


def _of_sweep(rows: Sequence[Row]) -> list[Block]:
    lines = []
    for codec in codecs_of(rows):
        measured = [row for row in rows if row.codec == codec and row.status == OK]
        if measured:
            rates = [row.faces / row.encode_s / 1e3 for row in measured if row.encode_s]
            lines.append(
                (
                    title_of(codec),
                    f"{len(measured):,}",
                    middle([row.encode_s for row in measured]),
                    middle(rates),
                    middle([row.decode_s for row in measured]),
                    middle([row.peak_mb for row in measured]),
                )
            )
    note = (
        "Medians over all files of the sweep, which may run several processes at a time: good for orders of magnitude. "
        "Encoding includes what the points of a group share, such as the decimation; the peak is that of the encoding "
        "process with the interpreter and its libraries."
    )
    header = ("codec", "files", "encode, s", "1000 triangles/s", "decode, s", "peak, MB")
    return [Paragraph(note), Table(header, tuple(lines))]


def _against_draco(timings: Sequence[Timing]) -> list[Block]:
    lines = []
    for timing in timings:
        if timing.stage in (ENCODE, DECODE):
            ratio = quantity(timing.ratio_to_draco)
            spread = f"{timing.seconds_min:.3g} to {timing.seconds_max:.3g}"
            throughput = quantity(timing.throughput)
            what = (timing.shape, timing.codec, timing.device, timing.stage)
            lines.append((*what, f"{timing.seconds_median:.3g}", spread, throughput, ratio))
    note = (
        "The same in a run of its own, repeats taking turns; triangles are the input's when encoding and what comes "
        "out when decoding. `decimated-draco` decimates to about the bytes of our file first."
    )
    header = ("shape", "codec", "device", "stage", "median, s", "range, s", "triangles/s", "Draco = 1")
    return [Paragraph(note), Table(header, tuple(lines), n_texts=4)]


def _stages(timings: Sequence[Timing]) -> list[Block]:
    by_stage: dict[tuple[str, str], list[Timing]] = defaultdict(list)
    for timing in timings:
        if timing.stage not in (ENCODE, DECODE):
            by_stage[timing.device, timing.stage].append(timing)
    lines = []
    for (device, stage), found in by_stage.items():
        rates = [timing.throughput for timing in found if timing.throughput]
        rate = f"{quantity(geometric_mean(rates))} {found[0].unit}" if rates else NONE
        lines.append((stage, device, middle([timing.seconds_median for timing in found]), rate))
    note = "Stages of our own encoder and decoder: medians over the shapes, and geometric means of their throughputs."
    return [Paragraph(note), Table(("stage", "device", "s", "throughput"), tuple(lines), n_texts=2)]
