"""What `make demo` runs: encode the example vase, decode it, measure it, draw it.

python examples/demo.py [folder]
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("demo")
    target.mkdir(parents=True, exist_ok=True)
    original = _short(EXAMPLES / "relief_vase.ply")
    coded, decoded, picture = target / "relief_vase.sdfz", target / "relief_vase.ply", target / "side_by_side.png"

    _sdfz("encode", original, "-o", coded, "--quality", 70, "--units", "mm", "--force")
    _sdfz("decode", coded, "-o", decoded, "--force")
    _sdfz("info", coded)
    _sdfz("compare", original, decoded)

    print(f"\nDrawing {picture} ...", flush=True)
    subprocess.run([sys.executable, EXAMPLES / "side_by_side.py", original, coded, decoded, picture], check=True)
    before, after = original.stat().st_size, coded.stat().st_size
    print(f"\n{original}  {before:>9,} bytes\n{coded}  {after:>9,} bytes, 1/{before / after:.0f} of it")
    print(f"\nLook at {picture}")


def _sdfz(*arguments: object) -> None:
    """Run the command line, shown as a user would type it."""
    words = [str(argument) for argument in arguments]
    print("\n$ sdfz", *words, flush=True)
    start = time.perf_counter()
    code = subprocess.run([sys.executable, "-m", "sdfz", *words], check=False).returncode
    if code:
        sys.exit(code)
    print(f"  ({time.perf_counter() - start:.1f} s)", flush=True)


def _short(path: Path) -> Path:
    """Relative to the current folder where that is shorter to read."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


if __name__ == "__main__":
    main()
