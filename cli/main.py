"""The `sdfz` command: the group, its help and its exit codes."""

from __future__ import annotations

import os
import sys
import warnings

import click

from .bench import bench
from .blend import blend
from .compare import compare
from .decode import decode
from .encode import encode
from .errors import SdfzGroup
from .info import info
from .pack import pack
from .train import train
from .verify import verify

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


@click.group(cls=SdfzGroup, context_settings=_CONTEXT)
@click.version_option(package_name="sdfz", prog_name="sdfz", message="%(prog)s %(version)s")
def cli() -> None:
    """Compress the surface of 3D shapes: a mesh in, a few kilobytes out, a mesh back at any resolution.

    \b
    sdfz encode shape.obj -o shape.sdfz     encode; the error is measured and stored in the file
    sdfz decode shape.sdfz -o out.ply       decode to a mesh in the frame and units of the input
    sdfz compare shape.obj shape.sdfz       how far the second surface is from the first

    sdfz stores the surface, not the input's triangles. `sdfz COMMAND --help` explains each command.

    \b
    Exit codes: 0 done, 1 failure, 2 wrong usage, 3 --max-error or --target-size not met
    (the best file is still written).
    """


for _command in (encode, decode, info, verify, compare, blend, pack, train, bench):
    cli.add_command(_command)


def main() -> None:
    """Run the command line and exit: the `sdfz` console script and `python -m sdfz`."""
    # Networks here are small: threads that spin while they wait cost more than they give, several times over on a
    # machine that does other work too. Read when torch loads its thread pool.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not sys.warnoptions:
        # Python warnings of the libraries below are for developers (-W brings them back); users get ours.
        warnings.simplefilter("ignore")
    cli(prog_name="sdfz")
