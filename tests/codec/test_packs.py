"""Where model packs are looked for, what is said when one cannot be had, and how one is added."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sdfz.codec.packs import lookup
from sdfz.codec.packs.add import add_pack
from sdfz.codec.packs.lookup import BUNDLED, PackSearch, cache_folder, default_folders, load_pack
from sdfz.formats import (
    DEFAULT,
    CorruptPackError,
    LimitError,
    MissingPackError,
    ModelPack,
    PackMethodError,
    pack_model,
    read_model,
    write_model,
)

PACK = ModelPack("grid", 1, {"a": np.float32([1, 2, 3])}, {"log": "good"})
OTHER = replace(PACK, arrays={"a": np.float32([4])})

Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Write a pack to `folder/name`; no folders but those of the test."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SDFZ_PACKS", raising=False)

    def write(folder: str, name: str = "a.sdfm", pack: ModelPack = PACK) -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_model(path, pack)
        return path

    return write


def noted(name: str) -> ModelPack:
    """The same pack with a note by which copies are told apart."""
    return replace(PACK, notes={"log": name})


def test_the_order_of_the_search(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was named, $SDFZ_PACKS in its order, the cache, the bundled: take each away and the next one is found."""
    monkeypatch.setenv("SDFZ_PACKS", os.pathsep.join([str(tmp_path / "one"), "", str(tmp_path / "two")]))
    monkeypatch.setattr(lookup, "BUNDLED", tmp_path / "bundled")
    copies = [put("named", "x.bin", noted("named"))]
    copies += [put(name, pack=noted(name)) for name in ("one", "two", "home/.cache/sdfz/packs", "bundled")]
    places = PackSearch((copies[0],))
    for path in copies:
        assert places.find(PACK.short, "grid").notes["log"] == str(path.parent.relative_to(tmp_path))
        path.unlink() if path != copies[0] else write_model(path, OTHER)
    with pytest.raises(MissingPackError, match=PACK.short.hex()):
        places.find(PACK.short, "grid")


def test_the_folders_by_default(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_folders() == [cache_folder(), BUNDLED]
    monkeypatch.setenv("SDFZ_PACKS", "~/models")
    assert default_folders()[0] == Path.home() / "models"
    assert BUNDLED.is_dir()


def test_a_missing_pack_says_which_and_where(put: Put, tmp_path: Path) -> None:
    named, folder = put("named", "mine.sdfm", OTHER), tmp_path / "nothing"
    with pytest.raises(MissingPackError) as caught:
        PackSearch((named,), (folder,)).find(PACK.short, "grid")
    assert str(caught.value) == (
        f"needs model pack {PACK.short.hex()}, which is not there; looked in {named}, {folder}"
    )
    with pytest.raises(MissingPackError, match="the search path is empty"):
        PackSearch((), ()).find(PACK.short, "grid")


@pytest.mark.parametrize("method", ["find", "named"])
def test_what_was_named_must_be_there(method: str, put: Put, tmp_path: Path) -> None:
    put("good")
    places = PackSearch((tmp_path / "none.sdfm",), (tmp_path / "good",))
    with pytest.raises(FileNotFoundError, match="none.sdfm"):
        places.find(PACK.short, "grid") if method == "find" else places.named("grid")


def test_a_damaged_pack_is_named_unless_there_is_a_whole_one(put: Put, tmp_path: Path) -> None:
    path = put("bad", f"{PACK.short.hex()}.sdfm")
    data = path.read_bytes()
    places = PackSearch((), (tmp_path / "bad", tmp_path / "good"))
    for damaged in (data[:-1], data[:20], b"", data[:-1] + bytes([data[-1] ^ 1])):
        path.write_bytes(damaged)
        with pytest.raises(CorruptPackError, match=f"^{path}: "):
            places.find(PACK.short, "grid")
    put("good")
    assert places.find(PACK.short, "grid").digest == PACK.digest


def test_other_files_do_not_matter(put: Put, tmp_path: Path) -> None:
    put("all", "z.sdfm")
    put("all", "b.sdfm", OTHER)
    (tmp_path / "all" / "a.sdfm").write_bytes(b"solid")
    (tmp_path / "all" / "dangling.sdfm").symlink_to(tmp_path / "nothing")
    assert PackSearch((), (tmp_path / "all",)).find(PACK.short, "grid").digest == PACK.digest


def test_a_file_may_stand_for_a_folder(put: Put) -> None:
    assert PackSearch((), (put("x"),)).find(PACK.short, "grid").digest == PACK.digest


def test_another_methods_pack(put: Put) -> None:
    path = put("x")
    for attempt in (
        lambda: PackSearch((path,), ()).named("scaffold"),
        lambda: PackSearch((), (path,)).find(PACK.short, "scaffold"),
    ):
        with pytest.raises(PackMethodError, match=f"{PACK.short.hex()} is for grid, not for scaffold"):
            attempt()


def test_the_named_pack_of_an_encoder(put: Put) -> None:
    first, second = put("x"), put("y", pack=OTHER)
    found = PackSearch((first, second)).named("grid")
    assert found is not None
    assert found.digest == PACK.digest
    assert PackSearch((), (first,)).named("grid") is None


def test_a_pack_is_read_once_while_its_file_stays_the_same(put: Put) -> None:
    path = put("x")
    assert load_pack(path) is load_pack(path)
    write_model(path, OTHER)
    os.utime(path, ns=(1, 1))
    assert load_pack(path).digest == OTHER.digest


def test_a_large_file_is_not_read(put: Put) -> None:
    path = put("x")
    tight = replace(DEFAULT, max_pack_bytes=path.stat().st_size - 1)
    with pytest.raises(LimitError, match="max_pack_bytes"):
        load_pack(path, limits=tight)


# -- adding -----------------------------------------------------------------------------------------------------------


def test_an_added_pack_is_found(put: Put) -> None:
    pack, path = add_pack(pack_model(PACK))
    assert path == cache_folder() / f"{PACK.short.hex()}.sdfm"
    assert pack.digest == read_model(path).digest == PACK.digest
    assert PackSearch().find(PACK.short, "grid").notes == PACK.notes
    assert add_pack(pack_model(PACK))[1] == path  # once more is no harm


def test_what_is_no_pack_is_not_added(put: Put, tmp_path: Path) -> None:
    with pytest.raises(CorruptPackError):
        add_pack(pack_model(PACK)[:-1], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_an_interrupted_writing_leaves_what_was_there(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, path = add_pack(pack_model(PACK), tmp_path)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(KeyboardInterrupt):
        add_pack(pack_model(noted("new")), tmp_path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [path.name]
