"""What an import costs and what it may lean on."""

import ast
import importlib.metadata
import subprocess
import sys

import pytest
from packaging.requirements import Requirement
from repository import ROOT, folder, modules, packages, settings

HEAVY = ["torch", "igl", "skimage", "scipy", "numba", "trimesh", "matplotlib", "PIL"]
LAYERS = ["formats", "codec", "bench", "cli"]  # each may import those before it


def run(program: str) -> list[str]:
    """Words printed by a program in a fresh interpreter, warnings as errors."""
    result = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def loaded_after(statement: str) -> list[str]:
    """Heavy packages loaded by a statement."""
    return run(f"import sys\n{statement}\nprint(*(name for name in {HEAVY} if name in sys.modules))")


@pytest.mark.parametrize(
    "statement", ["import sdfz", "import sdfz.formats", "import sdfz.cli.main", "import sdfz.cli.bench"]
)
def test_import_is_light(statement: str) -> None:
    assert loaded_after(statement) == []


def test_help_is_light() -> None:
    program = (
        "from click.testing import CliRunner; from sdfz.cli.main import cli; r = CliRunner().invoke(cli, ['--help'])"
    )
    assert loaded_after(f"{program}; assert r.exit_code == 0") == []


def test_module_is_the_command() -> None:
    version = subprocess.run([sys.executable, "-m", "sdfz", "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("sdfz ")
    assert version.stderr == ""


def test_decoding_needs_nothing_of_fitting() -> None:
    fitting = [name for name in modules() if name.rpartition(".")[2] in ("fit", "encode", "target", "sample")]
    program = f"import sys, sdfz.codec.decode\nprint(*(name for name in {fitting} if name in sys.modules))"
    assert run(program) == []


@pytest.mark.parametrize("package", packages())
def test_imports_point_down(package: str) -> None:
    if package == "sdfz":
        return  # the public face and __main__ may use everything
    layer = LAYERS.index(package.split(".")[1])
    for path in folder(package).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for name in _imported(node, package):
                parts = name.split(".")
                if parts[0] == "sdfz" and len(parts) > 1 and parts[1] in LAYERS:
                    assert LAYERS.index(parts[1]) <= layer, f"{path.relative_to(ROOT)} imports {name}"
                assert parts[0] not in LAYERS, f"{path.relative_to(ROOT)} imports {name} past the package"
                if LAYERS[layer] == "formats":
                    assert parts[0] != "torch", f"{path.relative_to(ROOT)} imports torch"


def _imported(node: ast.AST, package: str) -> list[str]:
    """Absolute names that an import statement in a module of `package` reaches for."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        stem = [*base, *([node.module] if node.module else [])]
        return [".".join([*stem, alias.name]) for alias in node.names]
    return []


def test_dependencies_are_those_imported() -> None:
    """What is imported is declared, and what is declared is imported; the bench has an extra of its own."""
    imported = set()
    for package in [name for name in packages() if not name.startswith("sdfz.bench")]:
        for path in folder(package).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                imported |= {name.split(".")[0] for name in _imported(node, package)}
    imported -= {"sdfz", "tinycudann", *sys.stdlib_module_names}
    owners = importlib.metadata.packages_distributions()
    declared = {Requirement(line).name for line in settings()["project"]["dependencies"]}
    assert {owners[name][0] for name in imported} == declared
