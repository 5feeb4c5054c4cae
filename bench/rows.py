"""The table of measurements: one row for a shape, a codec and a rate point, kept as tab-separated text.

A file is written whole and sorted by `write_rows`, or grown by `append_rows` while a sweep runs. `read_rows` takes
both; where a key comes twice the later row counts, and a last line that was cut off is as if it had never been begun.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ..codec.distortion import F_SCORE_DISTANCES
from ..formats.files import write_atomic

OK, SKIPPED, FAILED = "ok", "skipped", "failed"
STATUSES = (OK, SKIPPED, FAILED)

# Variants of the metrics that papers use for their tables; empty unless asked for.
PAPERS = ("cloud_l1_30k", "cloud_l2_30k", "ed_mean", "ed_std", "ed_median", "f_0.025", "emd_500")

_F_COLUMNS = {f"f_{limit:g}": limit for limit in F_SCORE_DISTANCES}

Key = tuple[str, str, str]


class RowsError(Exception):
    """A table that cannot be read; the message is one line and names the file."""


@dataclass(frozen=True)
class Row:
    """One measurement, or why there is none. Figures that were not measured are None.

    Attributes
    ----------
    shape, sha256 : str
        Name of the input, and the first 12 hexadecimal digits of its file's SHA-256.
    faces, vertices : int
        Of the input.
    codec, point : str
        `Peer.name` and `RatePoint.name`; `point` is empty where the whole codec was skipped.
    settings : mapping
        Of the rate point.
    status : str
        ``"ok"``, ``"skipped"`` (cannot run here) or ``"failed"``.
    reason : str
        Why there are no figures, in a line; empty if there are.
    bytes : int
        Whole file.
    cd, cd_forward, cd_backward, rms, hd, p99 : float
        `codec.distortion`, fractions of the input's bounding-box diagonal; forward is from the input to what was
        decoded.
    normal_consistency : float
        0 to 1; None for points.
    f_scores : mapping of float to float
        By distance, a fraction of the diagonal.
    papers : mapping of str to float
        Variants named in `PAPERS`, as far as they were asked for.
    encode_s, decode_s : float
        Wall seconds; encoding includes all that the points of a group share.
    peak_mb : float
        Most memory of the encoding process, 10^6 bytes.
    decoded_faces : int
        0 for points.
    version, machine : str
        Of the codec, and what it ran on.
    """

    shape: str
    sha256: str
    faces: int
    vertices: int
    codec: str
    point: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    status: str = OK
    reason: str = ""
    bytes: int | None = None
    cd: float | None = None
    cd_forward: float | None = None
    cd_backward: float | None = None
    rms: float | None = None
    hd: float | None = None
    p99: float | None = None
    normal_consistency: float | None = None
    f_scores: Mapping[float, float] = field(default_factory=dict)
    papers: Mapping[str, float] = field(default_factory=dict)
    encode_s: float | None = None
    decode_s: float | None = None
    peak_mb: float | None = None
    decoded_faces: int | None = None
    version: str = ""
    machine: str = ""

    @property
    def key(self) -> Key:
        """What a table has one row for: shape, codec and point."""
        return self.shape, self.codec, self.point

    def as_texts(self) -> dict[str, str]:
        """The row as the file holds it, by column."""
        texts = {name: _text(getattr(self, name)) for name in _PLAIN}
        texts["settings"] = json.dumps(dict(self.settings), sort_keys=True, separators=(",", ":"))
        texts |= {name: _text(self.f_scores.get(limit)) for name, limit in _F_COLUMNS.items()}
        return texts | {name: _text(self.papers.get(name)) for name in PAPERS}

    def as_dict(self) -> dict[str, Any]:
        """The row with plain values, by column."""
        values: dict[str, Any] = {name: getattr(self, name) for name in _PLAIN} | {"settings": dict(self.settings)}
        values |= {name: self.f_scores.get(limit) for name, limit in _F_COLUMNS.items()}
        values |= {name: self.papers.get(name) for name in PAPERS}
        return {name: values[name] for name in COLUMNS}


def _columns() -> tuple[str, ...]:
    expanded = {"f_scores": tuple(_F_COLUMNS), "papers": PAPERS}
    return tuple(column for each in fields(Row) for column in expanded.get(each.name, (each.name,)))


COLUMNS = _columns()
_INTEGERS = ("faces", "vertices", "bytes", "decoded_faces")
_FLOATS = (
    *("cd", "cd_forward", "cd_backward", "rms", "hd", "p99", "normal_consistency"),
    *("encode_s", "decode_s", "peak_mb"),
)
_PLAIN = tuple(name for name in COLUMNS if name not in ("settings", *_F_COLUMNS, *PAPERS))


def read_rows(path: Path) -> list[Row]:
    """The rows of a table, sorted, the last one of each key.

    Raises
    ------
    RowsError
        The file is not such a table; the message names the line.
    OSError
        The file cannot be read.
    """
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise RowsError(f"{path}: not a table of measurements: byte {error.start} is not text") from error
    lines = text.split("\n")[:-1]  # what follows the last line feed is empty, or a line that was cut off
    header = lines[0].split("\t") if lines else []
    if missing := [name for name in COLUMNS if name not in header]:
        raise RowsError(f"{path}: not a table of measurements: no column {missing[0]!r} in line 1")
    rows = {}
    for number, line in enumerate(lines[1:], 2):
        try:
            row = _row(dict(zip(header, line.split("\t"), strict=True)))
        except ValueError as error:
            raise RowsError(f"{path}: line {number}: {error}") from error
        rows[row.key] = row
    return sorted(rows.values(), key=_order)


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write a table whole or not at all, sorted by shape, codec and point; of rows with one key the last is kept."""
    ordered = sorted({row.key: row for row in rows}.values(), key=_order)
    write_atomic(path, (_line(COLUMNS) + "".join(map(_row_line, ordered))).encode())


def append_rows(path: Path, rows: Iterable[Row]) -> None:
    """Add rows at the end of a table that ends in a whole line, or begin one; later rows replace earlier ones."""
    with open(path, "a", encoding="utf-8", newline="") as file:
        start = "" if file.tell() else _line(COLUMNS)
        file.write(start + "".join(map(_row_line, rows)))


def _row_line(row: Row) -> str:
    texts = row.as_texts()
    return _line(texts[name] for name in COLUMNS)


def _line(texts: Iterable[str]) -> str:
    return "\t".join(texts) + "\n"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return " ".join(str(value).split())  # neither tabs nor line feeds


def _row(texts: Mapping[str, str]) -> Row:
    """A row from its texts; ValueError with the column and what is wrong there."""
    if texts["status"] not in STATUSES:
        raise ValueError(f"status is {texts['status']!r}, not one of {', '.join(STATUSES)}")
    numbers: dict[str, Any] = {name: _number(texts, name, int) for name in _INTEGERS}
    numbers |= {name: _number(texts, name, float) for name in _FLOATS}
    f_scores = {limit: _number(texts, name, float) for name, limit in _F_COLUMNS.items()}
    papers = {name: _number(texts, name, float) for name in PAPERS}
    if needed := [name for name in ("faces", "vertices") if numbers[name] is None]:
        raise ValueError(f"{needed[0]} is empty")
    if texts["status"] == OK and (empty := [name for name in ("bytes", "cd", "rms", "hd") if numbers[name] is None]):
        raise ValueError(f"{empty[0]} is empty in a row that is ok")
    plain: dict[str, Any] = {name: texts[name] for name in _PLAIN}
    return Row(
        **(plain | numbers),
        settings=_settings(texts["settings"]),
        f_scores={limit: value for limit, value in f_scores.items() if value is not None},
        papers={name: value for name, value in papers.items() if value is not None},
    )


def _settings(text: str) -> dict[str, Any]:
    try:
        settings = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"settings are not JSON: {error}") from None
    if not isinstance(settings, dict):
        raise ValueError("settings are not a JSON object")
    return settings


def _number(texts: Mapping[str, str], name: str, kind: type[int] | type[float]) -> float | None:
    text = texts[name]
    if not text:
        return None
    try:
        value = kind(text)
    except ValueError:
        raise ValueError(f"{name} is {text!r}, not a number") from None
    if value < 0 or math.isnan(value):
        raise ValueError(f"{name} is {text}, which cannot be")
    return value


def _order(row: Row) -> tuple[str, str, list[tuple[int, float, str]]]:
    """Numbers within names of points count as numbers: qp9 comes before qp10."""
    parts = re.split(r"(\d+\.?\d*)", row.point)
    point = [(0, float(part), "") if index % 2 else (1, 0.0, part) for index, part in enumerate(parts)]
    return row.shape, row.codec, point
