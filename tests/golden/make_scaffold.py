"""Write the golden and malformed files of the `scaffold` method of format version 1 anew; nothing else does.

    python tests/golden/make_scaffold.py

It also puts the digests of the model into SPEC.md. Meshes are coded as they are, without a fit, so that only the coder
decides the bytes. Look at the diff before committing it, together with the change of SPEC.md and code that caused it.
The files of a released version are never made anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

import control_meshes
import golden_scaffold
import shapes
from golden_files import SPEC
from golden_scaffold import MALFORMED
from sdfz.codec.decode import decode_bytes
from sdfz.codec.scaffold.coder import encode_control
from sdfz.codec.scaffold.decimate import decimate
from sdfz.codec.scaffold.head import METHOD_ID, PAYLOAD, Head
from sdfz.codec.scaffold.stream import pack_encoded, unpack_symbols
from sdfz.codec.scaffold.topology import topology
from sdfz.codec.scaffold.traversal import traverse
from sdfz.formats import Frame, Header, MeasuredErrors, Section, pack

HEADER = Header(method=METHOD_ID, frame=Frame(0x3F80, (0, 0, 0)), errors=MeasuredErrors(0.001, 0.002, 0.01), diagonal=3)
SHARP = 255
Creases = tuple[NDArray[np.uint8], NDArray[np.bool_]]


def main() -> None:
    """Everything anew."""
    for name, data in golden():
        symbols = unpack_symbols([Section(1, data)])
        whole = pack(HEADER, [Section(1, data)])
        golden_scaffold.save(name, whole, symbols, decode_bytes(whole).mesh(256, uniform=True).vertices)
        print(f"{name}: {len(whole)} bytes, {symbols.head}")
    write_malformed()
    spec = SPEC.read_text("utf-8")
    for file in golden_scaffold.TABLES:
        spec = re.sub(rf"(?m)^\| `{file}` \| \w+ \|$", f"| `{file}` | {golden_scaffold.digest(file)} |", spec)
    SPEC.write_text(spec, "utf-8")


def coded(mesh: shapes.Mesh, creases: str = "none", *, step: int = 60, tangential: int = 2, levels: int = 2) -> bytes:
    """The payload of a mesh; `levels` -1 for a plain one."""
    used, faces = np.unique(mesh[1], return_inverse=True)
    points, faces = mesh[0][used], faces.reshape(-1, 3)
    head = Head(len(points), len(faces), step, tangential, max(levels, 0), levels < 0)
    walk = traverse(faces)
    sharpness, pinned = creases_of(points[walk.order], walk.faces, creases)
    targets = points / head.unit
    return pack_encoded(head, encode_control(walk, targets, head.tangential_step, sharpness=sharpness, pinned=pinned))[
        0
    ].data


def creases_of(points: NDArray[np.float64], faces: NDArray[np.int64], kind: str) -> Creases:
    """Sharp edges and corners: none, all, those where faces meet at more than 60 degrees, or any at random."""
    mesh, rng = topology(faces, len(points)), np.random.default_rng(0)
    if kind == "any":
        return rng.choice([0, 0, 1, 2, 3, SHARP], mesh.n_edges).astype(np.uint8), rng.random(len(points)) < 0.3
    normals = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    cosines = (normals[mesh.edge_faces[:, 0]] * normals[mesh.edge_faces[:, 1]]).sum(axis=1)
    is_sharp = {"none": np.zeros(mesh.n_edges, bool), "all": np.ones(mesh.n_edges, bool), "folds": cosines < 0.5}[kind]
    # The four corners of a patch, and nothing elsewhere.
    return np.where(is_sharp, SHARP, 0).astype(np.uint8), np.bincount(faces.ravel(), minlength=len(points)) <= 2


def golden() -> Iterator[tuple[str, bytes]]:
    """Names and payloads."""
    rng = np.random.default_rng(7)
    ball = decimate(*shapes.sphere(subdivisions=3), 60)
    ring = decimate(*shapes.torus(0.6, 0.25, 48, 24), 90)
    yield "smooth", coded(ball, step=44)
    yield "creased", coded(shapes.box(subdivisions=2), "folds", step=40)
    yield "open", coded(decimate(*shapes.height_field(24), 120), step=52, tangential=3, levels=3)
    yield "several", coded(shapes.joined(ring, (ball[0] * 0.3, ball[1]), shapes.plane(3)), step=48)
    yield "plain", coded(ring, step=64, tangential=0, levels=-1)
    yield "sharp", coded(ball, "all", step=40, tangential=0, levels=1)
    points, mesh = control_meshes.randomly_creased(rng)
    # As far out and as finely as the format goes.
    yield "everything", coded((points * 1.9, mesh.faces), "any", step=168, tangential=15, levels=3)
    yield "smallest", coded((np.eye(3), np.array([[0, 1, 2]])), step=0, tangential=0, levels=0)


def write_malformed() -> None:
    """Files with one defect each, which give them their names; all checksums are right unless they are the defect."""
    for path in MALFORMED.glob("*.sdfz"):
        path.unlink()
    for name, data in malformed().items():
        (MALFORMED / f"{name}.sdfz").write_bytes(data)


def malformed() -> dict[str, bytes]:
    payload = dict(golden())["open"]
    values, start = PAYLOAD.unpack(payload)
    stream = payload[start:]

    def file(*payloads: bytes) -> bytes:
        return pack(HEADER, [Section(i, data) for i, data in enumerate(payloads, 1)])

    def headed(**changes: int | None) -> bytes:
        return file(PAYLOAD.pack({**values, **changes}) + stream)

    closed = values["refinement"] | 128
    return {
        "empty-payload": file(b""),
        "section-too-many": file(payload, b"more"),
        "step-169": file(payload[:1] + bytes([169]) + payload[2:]),
        "no-faces": headed(faces=-2 * values["vertices"]),
        "closed-said-twice": headed(faces=-4),
        "more-vertices-than-corners": headed(vertices=1 << 20, faces=-(1 << 21) + 9),
        "too-many-faces": headed(vertices=1 << 40, faces=None, refinement=closed),
        "another-number-of-vertices": headed(vertices=values["vertices"] + 5, faces=values["faces"] - 10),
        "another-number-of-faces": headed(faces=values["faces"] + 3),
        "no-stream": file(payload[:start]),
        "byte-after-the-stream": file(payload + b"\1"),
        "zero-after-the-stream": file(payload + b"\0"),
        "message-after-the-stream": file(payload + b"hidden message"),
        # Not the lowest bits: these tell this mesh from others.
        "last-byte-changed": file(payload[:-1] + bytes([payload[-1] ^ 16])),
        "ones": file(payload[:start] + b"\xff" * 40),
        "flipped-bit": file(payload)[:-20] + bytes([file(payload)[-20] ^ 4]) + file(payload)[-19:],
    }


if __name__ == "__main__":
    main()
