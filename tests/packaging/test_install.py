"""Wheel and editable install show the same modules, and all of them."""

import importlib.metadata
import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest
from repository import ROOT, folder, modules, packages

OTHER_FOLDERS = ignore_patterns(
    ".*", "__pycache__", "*.egg-info", "build", "demo", "dist", "docs", "examples", "tests", "results"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from a copy so that nothing is left in the repository."""
    work = tmp_path_factory.mktemp("wheel")
    copytree(ROOT, work / "source", ignore=OTHER_FOLDERS)
    build = "import sys, setuptools.build_meta as backend; backend.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(work)], cwd=work / "source", check=True, capture_output=True)
    (path,) = work.glob("*.whl")
    return path


def test_every_package_is_listed() -> None:
    found = {"sdfz"}
    for top in ("bench", "cli", "codec", "formats"):
        found |= {
            ".".join(["sdfz", *path.parent.relative_to(ROOT).parts]) for path in (ROOT / top).rglob("__init__.py")
        }
    assert sorted(packages()) == sorted(found)


def test_wheel_holds_all_modules_and_nothing_else(wheel: Path) -> None:
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    source = [name for name in names if name.endswith(".py")]
    found = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in source]
    assert sorted(found) == modules()

    data = {
        "sdfz" + path.relative_to(ROOT).as_posix().join(["/", ""])
        for package in packages()
        for path in folder(package).iterdir()
        if path.suffix in (".npz", ".sdfm") or path.name in ("py.typed", "SPEC.md")
    }
    assert {"sdfz/py.typed", "sdfz/formats/SPEC.md"} <= data
    assert set(names) - set(source) == data


def test_wheel_runs_by_itself(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import sdfz, sdfz.formats, sdfz.cli.main;"
        "print(sdfz.__file__, sdfz.formats.__file__)"
    )
    output = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert output.split() == [str(tmp_path / "sdfz/__init__.py"), str(tmp_path / "sdfz/formats/__init__.py")]


def test_wheel_says_what_it_is(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    (info,) = tmp_path.glob("*.dist-info")
    distribution = importlib.metadata.PathDistribution(info)
    assert distribution.metadata["License-Expression"] == "Apache-2.0"
    assert distribution.metadata["Requires-Python"] == ">=3.10"
    assert (info / "licenses" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert [(point.name, point.value) for point in distribution.entry_points] == [("sdfz", "sdfz.cli.main:main")]


def test_editable_install_resolves_by_path() -> None:
    # the repository's own egg-info, found when it is on the path, does not say how sdfz was installed
    origins = [found.read_text("direct_url.json") for found in importlib.metadata.distributions(name="sdfz")]
    if not any(json.loads(origin).get("dir_info", {}).get("editable") for origin in origins if origin):
        pytest.skip("sdfz is not installed editable here")
    for name in packages():
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin == str(folder(name) / "__init__.py")
