"""Shapes by name, with what the catalogue knows of them; the repository's examples where there is no corpus."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import shapes
from repository import ROOT
from sdfz.bench.corpus import (
    QUICK,
    CorpusError,
    CorpusShape,
    chosen_shapes,
    corpus_shapes,
    mixed_collection,
    quick_shapes,
)
from sdfz.formats.mesh_io import mesh_bytes

DATA = ROOT.parent / "shared" / "data"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """`dev` with a ball, `train` with another and a box, twice, and a catalogue that knows the first."""
    for name in ("dev/ball.ply", "train/ball.ply", "train/box.ply", "train/box.obj"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(mesh_bytes(*(shapes.sphere(1.0, 1) if "ball" in name else shapes.box()), path.suffix[1:]))
    (tmp_path / "train" / "notes.txt").write_text("no mesh")
    (tmp_path / "catalog.csv").write_text(
        "file,repo,path,licence,licence_class,category,watertight\n"
        "dev/ball.ply,someone/shapes,a/ball.dae,CC-BY-4.0,attribution,organic,1\n"
    )
    return tmp_path


def test_dev_is_the_default(corpus: Path) -> None:
    (ball,) = corpus_shapes(corpus)
    path = corpus / "dev" / "ball.ply"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    assert ball == CorpusShape(
        "ball", path, digest, "someone/shapes: a/ball.dae", "CC-BY-4.0", "attribution", "organic", True
    )
    assert corpus_shapes(corpus / "dev") == [ball]
    assert (len(ball.load().vertices), len(ball.load().faces)) == (42, 80)


def test_names_are_as_long_as_they_need_to_be(corpus: Path) -> None:
    found = corpus_shapes(corpus, ["dev", "train"])
    assert [shape.name for shape in found] == ["dev/ball", "train/ball", "train/box.obj", "train/box.ply"]
    assert (found[1].source, found[1].licence) == ("", "")
    assert [shape.name for shape in corpus_shapes(corpus / "train")] == ["ball", "box.obj", "box.ply"]


def test_choosing(corpus: Path) -> None:
    found = corpus_shapes(corpus / "train")
    assert [shape.name for shape in chosen_shapes(found, ["box.ply", "ball"])] == ["ball", "box.ply"]
    assert chosen_shapes(found, []) == found
    with pytest.raises(CorpusError, match="the corpus has no shape cone, tube"):
        chosen_shapes(found, ["tube", "ball", "cone"])


def test_quick() -> None:
    named = [CorpusShape(name, Path(name), "") for name in ("armadillo", *sorted(QUICK), "zebra")]
    assert [shape.name for shape in quick_shapes(named)] == list(QUICK)
    assert quick_shapes(named[1:]) == quick_shapes(named)
    assert quick_shapes(named[2:]) == named[2:]


def test_collections_take_turns_and_grow_at_the_end() -> None:
    def shape(name: str, category: str, licence: str = "permissive", closed: bool = True) -> CorpusShape:
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        return CorpusShape(name, Path(name), digest, "", "", licence, category, closed)

    free = [shape(f"{category} {number}", category) for category in ("cad", "scan") for number in range(4)]
    free.append(shape("a robot", "robot"))
    others = [shape("not free", "robot", "restricted"), shape("not closed", "robot", closed=False)]
    whole = mixed_collection(free + others, 9)
    assert [found.category for found in whole] == ["cad", "robot", "scan", *["cad", "scan"] * 3]
    assert len(set(whole)) == 9 and mixed_collection(free[::-1], 4) == whole[:4]
    with pytest.raises(CorpusError, match="10 shapes are wanted, but the corpus has 9"):
        mixed_collection(free + others, 10)


def test_nothing_there(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, folders, complaint in (
        (tmp_path / "empty", [], "no mesh file in it"),
        (tmp_path / "nowhere", [], "no folder"),
        (corpus, ["large"], "the corpus has no folder 'large'"),
    ):
        with pytest.raises(CorpusError, match=complaint):
            corpus_shapes(folder, folders)


def test_the_repository_has_examples() -> None:
    found = corpus_shapes(None)
    assert [shape.name for shape in found] == ["bracket", "relief_vase"]
    assert {(shape.licence, shape.licence_class) for shape in found} == {("Apache-2.0", "permissive")}
    assert len(found[0].load().faces) > 1000


@pytest.mark.corpus
@pytest.mark.skipif(not DATA.exists(), reason="the corpus is not beside the repository")
def test_the_corpus() -> None:
    found = corpus_shapes(DATA)
    assert len(found) == 16
    assert {shape.name for shape in found} >= set(QUICK)
    assert all(shape.source and shape.licence and shape.licence_class for shape in found)
