"""Rate and distortion of codecs on shapes, measured into a table.

    shapes x peers --plan--> groups --pool--> rows --> appended to the table, which is sorted at the end

A sweep can be stopped at any time and taken up again: what the table has for the same file and the same version of a
codec is not measured again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from .corpus import CorpusShape
from .peers.contract import Peer
from .plan import Progress, plan_sweep
from .pool import run_groups
from .rows import Row, append_rows, read_rows, write_rows
from .worker import Measuring

OnRow = Callable[[Row], None]


def measure_rd(
    shapes: Sequence[CorpusShape],
    peers: Sequence[Peer],
    table: Path,
    measuring: Measuring,
    *,
    jobs: int,
    timeout: float,
    quick: bool = False,
    again: bool = False,
    progress: Progress | None = None,
    on_row: OnRow | None = None,
) -> list[Row]:
    """Measure rate points of peers on shapes into a table, except for those that it has.

    Parameters
    ----------
    shapes : sequence of CorpusShape
    peers : sequence of Peer
        Picklable.
    table : Path
        Begun if it is not there. At any time it can be read, and lacks only what is being measured.
    measuring : Measuring
    jobs : int
        Processes at a time.
    timeout : float
        Seconds for a group of rate points.
    quick : bool
        Few rate points of each peer.
    again : bool
        Measure what the table has, too.
    progress : callable, optional
        Called with a stage, how much of it is done, and how much there is.
    on_row : callable, optional
        Called with each new row.

    Returns
    -------
    rows : list of Row
        Those of the table that are about these shapes and peers, old and new.

    Raises
    ------
    RowsError
        The table is there and is something else.
    OSError
        It cannot be read or written.
    """
    known = read_rows(table) if table.exists() else []
    machine = measuring.machine
    plan = plan_sweep(shapes, peers, known, quick=quick, again=again, machine=machine, progress=progress)
    # Also cuts off a line that an earlier sweep left unfinished, before anything is appended to it.
    write_rows(table, [*(row for row in known if row.key not in plan.outdated), *plan.skipped])
    for row in plan.skipped:
        if on_row:
            on_row(row)
    done = 0
    try:
        for row in run_groups(plan.groups, measuring, jobs=jobs, timeout=timeout):
            append_rows(table, [row])
            done += 1
            if on_row:
                on_row(row)
            if progress:
                progress("measure", done, plan.n_points)
    finally:
        # Read again: another sweep may have added rows of its own.
        rows = read_rows(table)
        write_rows(table, rows)
    names, codecs = {shape.name for shape in shapes}, {peer.name for peer in peers}
    return [row for row in rows if row.shape in names and row.codec in codecs]
