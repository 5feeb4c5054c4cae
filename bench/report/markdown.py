"""A document as Markdown, its pictures as files beside it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, singledispatch
from itertools import zip_longest

from .document import Block, Bullets, Code, Document, Figure, Gallery, Heading, Paragraph, Table, Tiles


def to_markdown(document: Document, folder: str) -> str:
    """Markdown text.

    Parameters
    ----------
    document : Document
    folder : str
        Where the pictures are (`pictures_of`), relative to the text.
    """
    return "\n\n".join(_block(block, folder) for block in document) + "\n"


def pictures_of(document: Document) -> dict[str, bytes]:
    """The files that the Markdown text shows, by name."""
    figures = [block for block in document if isinstance(block, Figure)]
    for block in document:
        if isinstance(block, Gallery):
            figures += [figure for _, stack in block.columns for figure in stack]
    return {figure.file_name: figure.data for figure in figures}


@singledispatch
def _block(block: Block, folder: str) -> str:
    raise TypeError(f"{type(block).__name__} is not a block")


@_block.register
def _(block: Heading, folder: str) -> str:
    return f"{'#' * block.level} {block.text}"


@_block.register
def _(block: Paragraph, folder: str) -> str:
    return block.text


@_block.register
def _(block: Tiles, folder: str) -> str:
    return "\n".join(f"- **{figure}**: {caption}" for figure, caption in block.items)


@_block.register
def _(block: Bullets, folder: str) -> str:
    return "\n".join(f"- {item}" for item in block.items)


@_block.register
def _(block: Code, folder: str) -> str:
    return "\n".join(f"    {line}" for line in block.text.splitlines())


@_block.register
def _(block: Table, folder: str) -> str:
    return _table(block.header, block.rows, block.n_texts)


@_block.register
def _(block: Figure, folder: str) -> str:
    return _image(folder, block) + (f"\n\n{block.caption}" if block.caption else "")


@_block.register
def _(block: Gallery, folder: str) -> str:
    stacks = [map(partial(_image, folder), stack) for _, stack in block.columns]
    rows = [tuple(row) for row in zip_longest(*stacks, fillvalue="")]
    return _table(tuple(caption for caption, _ in block.columns), rows, len(stacks))


def _image(folder: str, figure: Figure) -> str:
    return f"![{figure.alt}]({folder}/{figure.file_name})"


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]], n_texts: int) -> str:
    rule = ("---",) * n_texts + ("--:",) * (len(header) - n_texts)
    return "\n".join("| " + " | ".join(map(_cell, row)) + " |" for row in (header, rule, *rows))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
