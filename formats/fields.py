"""Tables of fields: one list that packs, unpacks and describes a run of bytes, and is printed in SPEC.md.

A header, the metadata and the start of every method's payload are such tables::

    >>> table = FieldTable("point", [
    ...     Field("n_dims", U8, "dimensions", 1, 3),
    ...     Field("step", F16, "length of a step, in normalized units"),
    ... ])
    >>> table.pack({"n_dims": 3, "step": 0.5}).hex()
    '030038'
    >>> table.unpack(bytes.fromhex("030038"))
    ({'n_dims': 3, 'step': 0.5}, 3)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .errors import FormatError, TrailingDataError
from .kinds import F16, U8, U16, U32, VARINT, ZIGZAG, Blob, Bytes, Kind, Text
from .varint import Buffer

__all__ = ["F16", "U8", "U16", "U32", "VARINT", "ZIGZAG", "Blob", "Bytes", "Field", "FieldTable", "Kind", "Row", "Text"]


@dataclass(frozen=True)
class Field:
    """One row of a table.

    Parameters
    ----------
    name : str
        Key of the value.
    kind : Kind
        How it is spelled: U8, U16, U32, VARINT, ZIGZAG, F16, ``Bytes(n)``, ``Blob(max)`` or ``Text(max)``.
    meaning : str
        For the format document; ends with the unit, if there is one.
    low, high : number, optional
        Allowed values, both included; by default those of the kind.
    when : callable, optional
        Whether the field is there, from the values of the fields before it. An absent field has the value None.
    show : callable, optional
        Text for people, from the value and all values; by default ``str`` of the value.
    """

    name: str
    kind: Kind
    meaning: str
    low: float | None = None
    high: float | None = None
    when: Callable[[Mapping[str, Any]], bool] | None = None
    show: Callable[[Any, Mapping[str, Any]], str] | None = None

    @property
    def span(self) -> tuple[float, float] | None:
        """Lowest and highest value allowed, or None where there is no order."""
        if self.kind.span is None:
            return None
        low, high = self.kind.span
        return (low if self.low is None else self.low, high if self.high is None else self.high)

    def problem(self, value: Any) -> str | None:
        """What is wrong with a value, or None."""
        if self.span is None or self.span[0] <= value <= self.span[1]:
            return None
        return f"{value} is not in {_range_text(self.span)}"


class Row(NamedTuple):
    """One field of something unpacked, for people and for JSON."""

    name: str
    value: Any
    text: str
    meaning: str


class FieldTable:
    """A run of fields that packs, unpacks and describes itself.

    Parameters
    ----------
    name : str
        What the fields make up; starts the messages.
    fields : sequence of Field
        In file order.
    """

    def __init__(self, name: str, fields: Sequence[Field]) -> None:
        self.name = name
        self.fields = tuple(fields)
        if len({field.name for field in self.fields}) != len(self.fields):
            raise ValueError(f"{name}: a field name is there twice")

    def pack(self, values: Mapping[str, Any]) -> bytes:
        """Bytes of the values.

        Parameters
        ----------
        values : mapping
            Field name -> value. A field that `when` leaves out may be missing or None.

        Raises
        ------
        ValueError
            A value is missing, out of range, not a field's, or given for a field that is left out.
        """
        unknown = set(values) - {field.name for field in self.fields}
        if unknown:
            raise ValueError(f"{self.name}: no such field: {', '.join(sorted(unknown))}")
        packed = bytearray()
        for field in self.fields:
            value = values.get(field.name)
            present = field.when is None or field.when(values)
            if present != (value is not None):
                raise ValueError(f"{self.name}: {field.name}: {'missing' if present else 'must be left out'}")
            if present:
                problem = field.problem(value)
                if problem:
                    raise ValueError(f"{self.name}: {field.name}: {problem}")
                packed += field.kind.pack(value)
        return bytes(packed)

    def unpack(self, data: Buffer, offset: int = 0) -> tuple[dict[str, Any], int]:
        """Values of the fields, and the offset after the last one.

        Raises
        ------
        TruncatedError
            The data ends inside a field.
        FormatError
            A value is out of range or not spelled as it must be.
        """
        values: dict[str, Any] = {}
        for field in self.fields:
            if field.when is not None and not field.when(values):
                values[field.name] = None
                continue
            label = f"{self.name}: {field.name}"
            value, end = field.kind.unpack(data, offset, label)
            problem = field.problem(value)
            if problem:
                raise FormatError(f"{label}: {problem}, at offset {offset}")
            values[field.name] = value
            offset = end
        return values, offset

    def unpack_all(self, data: Buffer) -> dict[str, Any]:
        """Values of the fields of data that holds nothing else.

        Raises
        ------
        TrailingDataError
            Bytes follow the last field.
        FormatError
            As `unpack`.
        """
        values, end = self.unpack(data)
        if end != len(data):
            raise TrailingDataError(f"{self.name}: {len(data) - end} bytes follow its end at offset {end}")
        return values

    def describe(self, values: Mapping[str, Any]) -> list[Row]:
        """Rows of the fields that are there, in file order, for ``sdfz info``."""
        rows = []
        for field in self.fields:
            value = values.get(field.name)
            if value is not None:
                text = field.show(value, values) if field.show else str(value)
                rows.append(Row(field.name, value, text, field.meaning))
        return rows

    def markdown(self) -> str:
        """The table of the format document."""
        lines = ["| field | type | range | meaning |", "| --- | --- | --- | --- |"]
        for field in self.fields:
            span = "" if field.span is None else _range_text(field.span)
            lines.append(f"| `{field.name}` | {field.kind.label} | {span} | {field.meaning} |")
        return "\n".join(lines) + "\n"


def _range_text(span: tuple[float, float]) -> str:
    """Bounds as the format document writes them: powers of two where the plain number would be unreadable."""

    def text(bound: float) -> str:
        for rest, suffix in ((0, ""), (-1, " - 1"), (1, " + 1")):
            size = abs(int(bound) - rest)
            if size >= 1 << 32 and size.bit_count() == 1:
                return f"{'-' if bound < 0 else ''}2^{size.bit_length() - 1}{suffix}"
        return str(int(bound)) if bound == int(bound) else f"{bound:g}"

    low, high = map(text, span)
    return low if low == high else f"{low}..{high}"
