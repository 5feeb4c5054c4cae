"""Surfaces of `scaffold` sections, and what it takes to decode one."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import shapes
import trimesh
from sdfz.codec.distortion import Reference
from sdfz.codec.scaffold.coder import encode_control
from sdfz.codec.scaffold.decimate import decimate
from sdfz.codec.scaffold.decode import check_scaffold, decode_scaffold
from sdfz.codec.scaffold.head import Head
from sdfz.codec.scaffold.stream import pack_encoded
from sdfz.codec.scaffold.traversal import traverse
from sdfz.formats.container import Section
from sdfz.formats.errors import LimitError
from sdfz.formats.limits import DEFAULT


def sections_of(mesh: shapes.Mesh, *, n_levels: int = 2, is_plain: bool = False, step: int = 88) -> list[Section]:
    vertices, faces = mesh
    head = Head(len(vertices), len(faces), step, 0, n_levels, is_plain)
    return pack_encoded(head, encode_control(traverse(faces), vertices / head.unit, head.tangential_step))


TORUS = decimate(*shapes.torus(0.6, 0.25, 48, 24), 400)
SECTIONS = sections_of(TORUS)


def test_a_torus_is_a_torus() -> None:
    mesh = trimesh.Trimesh(*decode_scaffold(SECTIONS).mesh(256), process=False)
    assert mesh.is_watertight
    assert mesh.euler_number == 0
    # Subdivision rounds off: somewhat less than 2 pi^2 R r^2.
    assert mesh.volume == pytest.approx(2 * np.pi**2 * 0.6 * 0.25**2, rel=0.08)


def test_an_open_shape_stays_open() -> None:
    vertices, faces = shapes.height_field(12)
    surface = decode_scaffold(sections_of((vertices / 2, faces), n_levels=1))
    mesh = trimesh.Trimesh(*surface.mesh(256, uniform=True), process=False)
    assert len(trimesh.grouping.group_rows(mesh.edges_sorted, require_count=1)) == 2 * 4 * 12
    adaptive = trimesh.Trimesh(*surface.mesh(256), process=False)
    assert adaptive.euler_number == mesh.euler_number == 1
    # Where the side is straight one edge is enough.
    assert 4 * 12 <= len(trimesh.grouping.group_rows(adaptive.edges_sorted, require_count=1)) < 2 * 4 * 12


def test_resolution_chooses_the_level() -> None:
    surface = decode_scaffold(SECTIONS)
    n_faces = len(TORUS[1])
    resolutions = (16, 128, 200, 256, 512)
    counts = {resolution: len(surface.mesh(resolution, uniform=True)[1]) // n_faces for resolution in resolutions}
    assert counts == {16: 1, 128: 4, 200: 16, 256: 16, 512: 64}
    assert len(decode_scaffold(SECTIONS, lod=1).mesh(256, uniform=True)[1]) == 4 * n_faces
    assert len(decode_scaffold(SECTIONS, lod=99).mesh(256)[1]) == n_faces


def test_resolution_chooses_the_tolerance() -> None:
    surface, coarser = decode_scaffold(SECTIONS), decode_scaffold(SECTIONS, lod=1)
    unit = surface.symbols.head.unit
    assert [surface.tolerance(resolution) / unit for resolution in (128, 256, 512)] == [2, 0.5, 0.125]
    assert coarser.tolerance(512) == surface.tolerance(256)
    # Between the levels it is the tolerance alone that makes them finer.
    counts = [len(surface.mesh(resolution)[1]) for resolution in (64, 128, 182, 256, 362, 512)]
    assert counts == sorted(set(counts))
    assert np.array_equal(coarser.mesh(512)[1], surface.mesh(256)[1])


def test_an_adaptive_mesh_has_fewer_triangles_and_about_the_same_error() -> None:
    surface = decode_scaffold(sections_of(TORUS, n_levels=4, step=64))
    reference = Reference(*surface.mesh(1024, uniform=True), n_samples=20_000)
    adaptive, uniform = surface.mesh(256), surface.mesh(256, uniform=True)
    assert len(adaptive[1]) < 0.4 * len(uniform[1])
    off = reference.measure(*adaptive).hd * reference.diagonal
    assert off < 1.5 * surface.tolerance(256) + reference.measure(*uniform).hd * reference.diagonal


def test_a_plain_mesh_is_what_was_coded() -> None:
    vertices, faces = TORUS
    head = Head(len(vertices), len(faces), 88, 0, 0, True)
    found, found_faces = decode_scaffold(sections_of(TORUS, n_levels=0, is_plain=True)).mesh(1024)
    order = traverse(faces).order
    assert np.abs(found - vertices[order]).max() < 0.51 * 8 * head.unit * 3**0.5
    assert set(map(frozenset, order[found_faces].tolist())) == set(map(frozenset, faces.tolist()))


def test_too_many_triangles() -> None:
    limits = dataclasses.replace(DEFAULT, max_triangles=16 * len(TORUS[1]))
    surface = decode_scaffold(SECTIONS, limits=limits)
    surface.mesh(256)
    with pytest.raises(LimitError, match="max_triangles"):
        surface.mesh(512)


def test_counts() -> None:
    counts = check_scaffold(SECTIONS)
    assert counts["n_control_vertices"] == len(TORUS[0])
    assert counts["n_control_faces"] == len(TORUS[1])
    assert (counts["n_creases"], counts["n_corners"]) == (0, 0)
    bits = counts["bits"]
    assert isinstance(bits, dict)
    assert sum(bits.values()) / 8 == pytest.approx(len(SECTIONS[0].data), abs=3)


def test_decoding_needs_no_torch() -> None:
    program = (
        "import sys\nfrom sdfz.codec.decode import decode_bytes\nimport sdfz.codec.scaffold.decode\n"
        "import sdfz.codec.scaffold.stream, sdfz.codec.scaffold.surface\n"
        "print(*(name for name in ('torch', 'igl', 'skimage', 'trimesh') if name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
