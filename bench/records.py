"""Small tables of a bench of its own: frozen dataclasses of texts and numbers, as tab-separated text."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from ..formats.files import write_atomic

Record = TypeVar("Record")

# Annotations are texts.
_KINDS: dict[str, Callable[[str], Any]] = {
    "str": str, "int": int, "float": float, "bool": lambda text: text == str(True),
}  # fmt: skip


def read_records(path: Path, kind: type[Record]) -> list[Record]:
    """The rows of a table; none where there is no file.

    Parameters
    ----------
    path : Path
    kind : type
        A dataclass whose fields are str, int, float or bool.
    """
    if not path.exists():
        return []
    kinds = {field.name: _KINDS[str(field.type)] for field in fields(kind)}  # type: ignore[arg-type]
    with open(path, newline="", encoding="utf-8") as text:
        rows = csv.DictReader(text, delimiter="\t")
        return [kind(**{name: of(row[name]) for name, of in kinds.items()}) for row in rows]


def write_records(path: Path, records: Sequence[Any]) -> None:
    """Write a table, complete or not at all, floats with five digits; nothing where there are no rows."""
    if not records:
        return
    lines = ["\t".join(asdict(records[0]))]
    lines += [text_of(record) for record in records]
    write_atomic(path, ("\n".join(lines) + "\n").encode())


def text_of(record: Any) -> str:
    """The line of a record."""
    return "\t".join(f"{value:.5g}" if isinstance(value, float) else str(value) for value in asdict(record).values())
