"""`sdfz pack`, and `--pack` of the commands that decode or encode."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import golden_files
import numpy as np
import pytest
from click.testing import Result
from quick_codec import QuickCodec
from sdfz.codec.packs.lookup import cache_folder
from sdfz.formats import ModelPack, pack_model, read_model, write_model

Run = Callable[..., Result]

NEEDS_ONE = golden_files.FOLDER / "shared" / "sphere.sdfz"
MODEL_FILE = golden_files.FOLDER / "shared" / "sphere.sdfm"
MODEL = read_model(MODEL_FILE)
HASH = MODEL.short.hex()
NOTED = ModelPack(
    "grid", 1, {"b": np.int8([1, 2]), "a": np.array(3, np.uint16)}, {"corpus": "one\ntwo", "log": "short"}
)


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No packs but the bundled ones and those that a test puts somewhere."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SDFZ_PACKS", raising=False)
    monkeypatch.setattr("sdfz.codec.packs.lookup.BUNDLED", tmp_path / "bundled")


# -- sdfz pack --------------------------------------------------------------------------------------------------------


def test_nothing_is_here(run: Run) -> None:
    result = run("pack", "list")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "sdfz: no model pack is here\n")


def test_add_list_and_info(run: Run, tmp_path: Path) -> None:
    result = run("pack", "add", MODEL_FILE)
    path = cache_folder() / f"{HASH}.sdfm"
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"sdfz: {MODEL_FILE} -> {path}: model pack {HASH} for grid\n"
    assert run("pack", "list").stdout == f"{HASH}  grid              400 numbers  {path}\n"
    (report,) = map(json.loads, run("pack", "list", "--json").stdout.splitlines())
    assert (report["hash"], report["sha256"], report["method"]) == (HASH, MODEL.digest.hex(), "grid")
    assert report["arrays"]["layer2"] == {"dtype": "float32", "shape": [1, 16]}
    assert json.loads(run("pack", "info", HASH[:4], "--json").stdout) == {"input": HASH[:4], **report}
    assert json.loads(run("pack", "info", MODEL.digest.hex(), "--json").stdout)["path"] == str(path)


def test_info_of_a_file(run: Run, tmp_path: Path) -> None:
    write_model(tmp_path / "a.sdfm", NOTED)
    expected = f"""\
a.sdfm: model pack {NOTED.short.hex()}, {(tmp_path / "a.sdfm").stat().st_size} bytes
  method     grid, layout 1
  sha256     {NOTED.digest.hex()}
  array      a, uint16, one number
  array      b, int8, 2
  corpus     one
             two
  log        short
"""
    assert run("pack", "info", "a.sdfm").stdout == expected


def test_add_takes_a_stream(run: Run) -> None:
    report = json.loads(run("pack", "add", "-", "--json", "--quiet", stdin=pack_model(NOTED)).stdout)
    assert (report["input"], report["hash"]) == ("stdin", NOTED.short.hex())
    assert read_model(report["path"]).notes == NOTED.notes


def test_a_damaged_pack_hides_no_other(run: Run, tmp_path: Path) -> None:
    run("pack", "add", MODEL_FILE)
    bad = cache_folder() / "0.sdfm"
    bad.write_bytes(MODEL_FILE.read_bytes()[:-1])
    result = run("pack", "list")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)
    assert result.stderr.startswith(f"sdfz: warning: {bad}: not a model pack: ")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["info", "none.sdfm"], "none.sdfm: No such file or directory"),
        (["info", "abcdef"], "abcdef: no such file, and no pack here has a hash that begins like this"),
        (["add", "none.sdfm"], "none.sdfm: No such file or directory"),
        (["add", "solid.stl"], "solid.stl: not a model pack: a header of "),
    ],
)
def test_failures(arguments: list[str], line: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "solid.stl").write_bytes(b"solid of some length")
    result = run("pack", *arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert result.stderr.startswith(f"sdfz: error: {line}")
    assert not cache_folder().exists()


def test_an_ambiguous_hash(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    digests, n = {}, 0
    while len(digests) == n:  # until two begin with the same four digits
        pack = ModelPack("grid", 1, {"a": np.int32([n])})
        digests.setdefault(pack.short.hex()[:4], pack)
        n += 1
    write_model(tmp_path / "a.sdfm", pack)
    write_model(tmp_path / "b.sdfm", digests[pack.short.hex()[:4]])
    monkeypatch.setenv("SDFZ_PACKS", str(tmp_path))
    result = run("pack", "info", pack.short.hex()[:4])
    assert result.exit_code == 1
    assert ": 2 packs begin like this: " in result.stderr


# -- the other commands -----------------------------------------------------------------------------------------------


def test_decode_needs_the_pack(run: Run, tmp_path: Path) -> None:
    result = run("decode", NEEDS_ONE, "-o", "out.ply")
    assert result.exit_code == 1
    places = f"{cache_folder()}, {tmp_path / 'bundled'}"
    missing = f"needs model pack {HASH}, which is not there; looked in {places}"
    assert result.stderr == f"sdfz: error: {NEEDS_ONE}: {missing}\n"
    assert not (tmp_path / "out.ply").exists()
    options = ["-o", "out.ply", "--resolution", 16, "--pack", MODEL_FILE]
    assert run("decode", NEEDS_ONE, *options).exit_code == 0


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (MODEL_FILE.read_bytes()[:-5], "not a model pack: "),
        (pack_model(MODEL)[:-1] + b"\x42", f"model pack: states hash {HASH}, its content has "),
        (b"solid", "not a model pack: "),
    ],
)
def test_decode_with_a_damaged_pack(data: bytes, line: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.sdfm").write_bytes(data)
    result = run("decode", NEEDS_ONE, "-o", "out.ply", "--pack", "bad.sdfm", "--quiet")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith(f"sdfz: error: {NEEDS_ONE}: {tmp_path / 'bad.sdfm'}: {line}")


def test_decode_with_a_pack_that_is_not_there(run: Run) -> None:
    result = run("decode", NEEDS_ONE, "-o", "out.ply", "--pack", "none.sdfm")
    assert (result.exit_code, result.stderr) == (1, f"sdfz: error: {NEEDS_ONE}: none.sdfm: No such file or directory\n")


def test_encode_with_another_methods_pack(run: Run, mesh_file: Path) -> None:
    write_model(mesh_file.with_name("other.sdfm"), replace(MODEL, method="scaffold"))
    result = run("encode", "shape.obj", "--method", "grid", "--pack", "other.sdfm", "--quiet")
    assert result.exit_code == 1
    assert " is for scaffold, which method grid does not use\n" in result.stderr
    assert not mesh_file.with_name("shape.sdfz").exists()


def test_the_pack_reaches_the_encoder_and_the_decoders(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    assert run("encode", "shape.obj", "--pack", MODEL_FILE).exit_code == 0
    assert codec.encodings[0].settings.pack.digest == MODEL.digest
    assert run("decode", "shape.sdfz", "--pack", MODEL_FILE).exit_code == 0
    assert run("compare", "shape.obj", "shape.sdfz", "--pack", MODEL_FILE).exit_code == 0
    assert [call.packs.files for call in codec.decodings] == [(str(MODEL_FILE),)] * 2


def test_info_says_whether_the_pack_is_here(run: Run) -> None:
    assert f"\n  model pack      {HASH}, not found here\n" in run("info", NEEDS_ONE).stdout
    assert f"\n  model pack      {HASH}, {MODEL_FILE}\n" in run("info", NEEDS_ONE, "--pack", MODEL_FILE).stdout
    run("pack", "add", MODEL_FILE)
    report = json.loads(run("info", NEEDS_ONE, "--json").stdout)
    assert (report["pack"], report["pack_path"]) == (HASH, str(cache_folder() / f"{HASH}.sdfm"))


def test_symbols_that_are_coded_by_a_pack(run: Run, tmp_path: Path) -> None:
    """Verifying them and counting them needs it; to say what a file is does not."""
    file, pack = (golden_files.FOLDER / "compact" / name for name in ("residual.sdfz", "octahedron.sdfm"))
    refused = run("verify", file)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert read_model(pack).short.hex() in refused.stderr
    assert run("verify", file, "--pack", pack).stdout.startswith(f"{file}: ok, ")
    assert "counts" not in json.loads(run("info", "-v", "--json", file).stdout)
    assert json.loads(run("info", "-v", "--json", file, "--pack", pack).stdout)["counts"]["n_numbers"] == 5
