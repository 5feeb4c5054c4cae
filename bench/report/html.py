"""A document as one HTML file that needs nothing else: styles, plots and pictures are in it."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import singledispatch
from html import escape

from .document import Block, Bullets, Code, Document, Figure, Gallery, Heading, Paragraph, Table, Tiles
from .plots import FRAME_COLOUR

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2127; --soft: #5d6672; --paper: #fff; --panel: #f5f5f3; --rule: #dcdcd8;
  --best: #0b6e4f }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e6ea; --soft: #9aa3af; --paper: #15181c; --panel: #1e2227; --rule: #343a42; --best: #6fd3ad }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 72rem; padding: 1rem clamp(.8rem, 3vw, 2.5rem) 4rem; background: var(--paper);
  color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
h1 { font-size: clamp(1.5rem, 5vw, 2.2rem); line-height: 1.2; margin: 1rem 0 .5rem }
h2 { margin: 3rem 0 .6rem; padding-top: .8rem; border-top: 1px solid var(--rule) }
h3 { margin: 2rem 0 .4rem }
p, li { max-width: 46rem }
code, pre { font: .88em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
code { overflow-wrap: anywhere }
pre { background: var(--panel); padding: .8rem 1rem; border-radius: .5rem; overflow-x: auto }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: 1rem 0; font-size: .92rem }
a { color: inherit }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(45%, 18rem), 1fr));
  gap: .7rem; margin: 1.2rem 0 }
.tiles div { background: var(--panel); border-radius: .6rem; padding: .8rem 1rem; color: var(--soft); font-size: .86rem;
  line-height: 1.35 }
.tiles b { display: block; color: var(--ink); font-size: 1.6rem; line-height: 1.3; font-variant-numeric: tabular-nums }
.wide { overflow-x: auto; margin: 1rem 0 }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums }
th, td { padding: .28rem .5rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; white-space: normal; min-width: 3.6rem }
td:first-child, th:first-child { position: sticky; left: 0; background: var(--paper) }
.t { text-align: left }
td.t:not(:first-child) { white-space: normal; min-width: 14rem }
td strong { color: var(--best) }
figure { margin: 1.2rem 0 }
figure svg { width: 100%; min-width: 44rem; height: auto; display: block }
figcaption { color: var(--soft); font-size: .88rem; max-width: 46rem }
.gallery { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: .4rem }
.gallery img { width: 100%; height: auto; display: block; background: #fff; border-radius: .4rem; margin-top: .3rem }
.gallery figcaption { min-height: 3em }
@media (max-width: 44rem) { .gallery { grid-template-columns: repeat(2, minmax(0, 1fr)) } }
"""


_COLOUR_OF_TEXT = re.compile(re.escape(FRAME_COLOUR), re.IGNORECASE)


def to_html(document: Document) -> str:
    """A whole page. It links to nothing outside itself and loads nothing."""
    headings = [block for block in document if isinstance(block, Heading)]
    title = headings[0].text if headings else ""
    links = "".join(f'<a href="#{_anchor(h.text)}">{_inline(h.text)}</a>' for h in headings if h.level == 2)
    contents = f"<nav>{links}</nav>\n"
    blocks = [_block(block) for block in document]
    first_section = next((i for i, b in enumerate(document) if isinstance(b, Heading) and b.level == 2), len(blocks))
    body = "\n".join(blocks[:first_section]) + "\n" + contents + "\n".join(blocks[first_section:])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


@singledispatch
def _block(block: Block) -> str:
    raise TypeError(f"{type(block).__name__} is not a block")


@_block.register
def _(block: Heading) -> str:
    return f'<h{block.level} id="{_anchor(block.text)}">{_inline(block.text)}</h{block.level}>'


@_block.register
def _(block: Paragraph) -> str:
    return f"<p>{_inline(block.text)}</p>"


@_block.register
def _(block: Tiles) -> str:
    items = "".join(f"<div><b>{_inline(figure)}</b>{_inline(caption)}</div>" for figure, caption in block.items)
    return f'<div class="tiles">{items}</div>'


@_block.register
def _(block: Bullets) -> str:
    return "<ul>" + "".join(f"<li>{_inline(item)}</li>" for item in block.items) + "</ul>"


@_block.register
def _(block: Code) -> str:
    return f"<pre>{escape(block.text)}</pre>"


@_block.register
def _(block: Table) -> str:
    def row(tag: str, texts: tuple[str, ...]) -> str:
        kinds = [' class="t"' if i < block.n_texts else "" for i in range(len(texts))]
        return "".join(f"<{tag}{kind}>{_inline(text)}</{tag}>" for kind, text in zip(kinds, texts, strict=True))

    rows = "".join(f"<tr>{row('td', texts)}</tr>\n" for texts in block.rows)
    return f'<div class="wide"><table>\n<tr>{row("th", block.header)}</tr>\n{rows}</table></div>'


@_block.register
def _(block: Figure) -> str:
    caption = f"<figcaption>{_inline(block.caption)}</figcaption>" if block.caption else ""
    return f'<figure><div class="wide">{_image(block)}</div>{caption}</figure>'


@_block.register
def _(block: Gallery) -> str:
    columns = (
        f"<div><figcaption>{_inline(caption)}</figcaption>{''.join(map(_image, figures))}</div>"
        for caption, figures in block.columns
    )
    return f'<figure class="gallery">{"".join(columns)}</figure>'


def _image(figure: Figure) -> str:
    if figure.kind == "svg":
        # As part of the page its frame and texts take the page's colour, light or dark.
        drawing = _COLOUR_OF_TEXT.sub("currentColor", figure.data.decode())
        drawing = drawing[drawing.index("<svg") :]
        drawing = drawing.replace(' xmlns="http://www.w3.org/2000/svg"', "", 1)  # HTML knows it
        drawing = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{figure.name}-", drawing)  # unique in the page
        return drawing.replace("<svg", f'<svg role="img" aria-label="{escape(figure.alt)}"', 1)
    data = b64encode(figure.data).decode()
    return f'<img src="data:image/{figure.kind};base64,{data}" alt="{escape(figure.alt)}" loading="lazy">'


def _inline(text: str) -> str:
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text))
    return re.sub(r"`(.+?)`", r"<code>\1</code>", text)


def _anchor(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
