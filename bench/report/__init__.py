"""A report of measurements, for people: Markdown with pictures beside it, and one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...formats.files import write_atomic
from ..corpus import CorpusShape, corpus_shapes
from ..prefixes import read_prefixes
from ..rows import Row, RowsError, read_rows
from ..speed import read_timings
from .cache import Cache
from .document import Block, Code, Document, Heading, Paragraph, Table
from .floors import noise_floors
from .gallery import pictures as pictures_section
from .html import to_html
from .markdown import pictures_of, to_markdown
from .own import is_method, methods
from .prefixes import prefix_section
from .speeds import speeds
from .tables import bd_rate_table, bytes_table, codecs_table, curve_plots, headline, missing_list

IMAGES = "report-images"

COMMANDS = """\
sdfz bench rd --corpus CORPUS -o results.tsv
sdfz bench speed --corpus CORPUS -o speed.tsv
sdfz bench report results.tsv --speed speed.tsv --corpus CORPUS -o FOLDER
"""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Report:
    """The files of a report.

    Attributes
    ----------
    markdown, html : Path
    images : Path
        Folder of what the Markdown shows.
    """

    markdown: Path
    html: Path
    images: Path


def write_report(
    results: Sequence[Path],
    out: Path,
    *,
    corpus: Path | None = None,
    folders: Sequence[str] = (),
    pictures: bool = True,
    noise: bool = True,
    reference: str = "opponent",
    speed: Path | None = None,
    prefixes: Path | None = None,
    cache: Path | None = None,
    date: str = "",
    commands: str = COMMANDS,
    progress: Progress = lambda line: None,
) -> Report:
    """Write ``report.md``, its images and ``report.html`` into a folder.

    The same rows, timings and cache give the same files: nothing depends on the clock or on what is installed, but for
    pictures and noise floors that have to be made.

    Parameters
    ----------
    results : sequence of Path
        Tables of rows, as `bench.rows` writes them.
    out : Path
        Folder; made if it is not there.
    corpus : Path, optional
        Where the originals are, for pictures and noise floors; the repository's examples by default.
    folders : sequence of str
        Of the corpus; as of `bench.corpus.corpus_shapes`.
    pictures, noise : bool
        Whether to have these sections. Both take time the first time: files are encoded again, meshes measured.
    reference : str
        The codec that ours is compared with first.
    speed : Path, optional
        Timings, as `bench.speed` writes them.
    prefixes : Path, optional
        Errors of files that are cut, as `bench.prefixes` writes them.
    cache : Path, optional
        Folder in which files, pictures and noise floors are kept for the next report.
    date : str
        When the rows were measured, as it is to be printed; rows do not know.
    commands : str
        How to repeat it.
    progress : callable, optional
        Called with a line of text for each step that takes time.

    Raises
    ------
    RowsError
        One of `results` is not a table of measurements, or two have a row for the same shape, codec and
        point; or `prefixes` is none of theirs.
    CorpusError
        There are no meshes where `corpus` says.
    OSError
        A file cannot be read or written.
    """
    everything = _joined(results)
    rows = [row for row in everything if not is_method(row)]
    timings = read_timings(speed) if speed else []
    shapes = corpus_shapes(corpus, folders) if pictures or noise else []
    kept = Cache(cache)
    document = (
        *headline(rows, reference, date),
        *bytes_table(rows, reference),
        *curve_plots(rows, reference),
        *bd_rate_table(rows, reference),
        *(pictures_section(rows, shapes, kept, progress) if pictures else ()),
        *methods(everything, reference),
        *prefix_section(read_prefixes(prefixes) if prefixes else []),
        *speeds(rows, timings),
        *(noise_floors(rows, shapes, kept, progress) if noise else ()),
        *codecs_table(everything),
        *missing_list(everything),
        *_inputs(rows, shapes),
        *_commands(commands),
    )
    return _write(document, out)


def _joined(tables: Sequence[Path]) -> list[Row]:
    """The rows of all tables."""
    found: dict[object, Path] = {}
    rows = []
    for path in tables:
        for row in read_rows(path):
            if row.key in found:
                raise RowsError(f"{path}: {row.codec} {row.point} on {row.shape} is in {found[row.key]}, too")
            found[row.key] = path
            rows.append(row)
    return rows


def _inputs(rows: Sequence[Row], shapes: Sequence[CorpusShape]) -> list[Block]:
    """What was measured, with sources and licences where the corpus knows them."""
    known = {(shape.name, shape.sha256): shape for shape in shapes}
    inputs = sorted({(row.shape, row.sha256, row.faces, row.vertices) for row in rows})
    lines = []
    for name, sha256, faces, vertices in inputs:
        found = known.get((name, sha256))
        source, licence = (found.source, found.licence) if found else ("", "")
        lines.append((name, f"`{sha256}`", source, licence, f"{faces:,}", f"{vertices:,}"))
    header = ("shape", "SHA-256", "source", "licence", "faces", "vertices")
    return [Heading(2, "Shapes"), Table(header, tuple(lines), n_texts=4)]


def _commands(commands: str) -> list[Block]:
    return [
        Heading(2, "How to repeat it"),
        Paragraph(
            'With the bench\'s optional packages installed (`pip install "sdfz[bench]"`). A sweep that is stopped goes '
            "on where it was; rows of the same file and version are not measured again."
        ),
        Code(commands),
    ]


def _write(document: Document, out: Path) -> Report:
    report = Report(out / "report.md", out / "report.html", out / IMAGES)
    report.images.mkdir(parents=True, exist_ok=True)
    files = pictures_of(document)
    for image in report.images.iterdir():
        if image.suffix in (".svg", ".webp") and image.name not in files:
            image.unlink()  # of an earlier report
    for name, content in files.items():
        write_atomic(report.images / name, content)
    write_atomic(report.markdown, to_markdown(document, IMAGES).encode())
    write_atomic(report.html, to_html(document).encode())
    return report
