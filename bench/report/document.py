"""A report as data: blocks in an order, which Markdown and HTML each write in their own way.

Texts of paragraphs, cells and captions may use two marks of Markdown: `**strong**` and `` `code` ``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["svg", "webp"]


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 (the title) to 3."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Tiles:
    """A few figures that say most, each with its caption; figures first."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """Commands."""

    text: str


@dataclass(frozen=True)
class Table:
    """Texts in rows; all columns but the first `n_texts` hold numbers.

    Attributes
    ----------
    header : tuple of str
    rows : tuple of tuple of str
        As long as the header each.
    n_texts : int
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_texts: int = 1


@dataclass(frozen=True)
class Figure:
    """A picture.

    Attributes
    ----------
    name : str
        Of its file, without suffix.
    kind : {'svg', 'webp'}
    data : bytes
        The file.
    alt : str
        What it shows, for who does not see it.
    caption : str
    """

    name: str
    kind: Kind
    data: bytes
    alt: str
    caption: str = ""

    @property
    def file_name(self) -> str:
        return f"{self.name}.{self.kind}"


@dataclass(frozen=True)
class Gallery:
    """Small pictures in columns, each a stack of pictures under one caption."""

    columns: tuple[tuple[str, tuple[Figure, ...]], ...]


Block = Heading | Paragraph | Tiles | Bullets | Code | Table | Figure | Gallery
Document = tuple[Block, ...]
