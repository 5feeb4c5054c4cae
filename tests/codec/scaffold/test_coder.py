import numpy as np
import pytest
from control_meshes import irregular
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from sdfz.codec.scaffold import coder, creases
from sdfz.codec.scaffold.coder import MOST_STEP, Rdo, decode_control, encode_control
from sdfz.codec.scaffold.subdivision import SHARP
from sdfz.codec.scaffold.symbols import ALL, ANY, N_CREASE, blank, code_crease
from sdfz.codec.scaffold.topology import topology
from sdfz.codec.scaffold.traversal import traverse
from sdfz.formats.errors import FormatError, LimitError
from sdfz.formats.limits import Limits
from shapes import box, joined, plane, sphere, torus
from strategies import rngs

BLANK = blank()


def encoded(mesh, *, step=0.02, tangential=8, **options):
    """A mesh with normal steps of a length, coded; also its targets in coding order."""
    points, faces = mesh
    walk = traverse(faces)
    targets = (points - points[walk.order[0]]) / step * 8
    return walk, targets[walk.order], encode_control(walk, targets, tangential, **options)


def decoded(coded, tangential=8, **options):
    mesh = coded.mesh
    return decode_control(coded.data, len(mesh.positions), len(mesh.topology.faces), tangential, **options)


def assert_same(found, mesh):
    assert (found.positions == mesh.positions).all()
    assert (found.topology.faces == mesh.topology.faces).all()
    assert (found.sharpness == mesh.sharpness).all()
    assert (found.pinned == mesh.pinned).all()


def rough(n=150):
    """Points scattered over an ellipsoid, and their hull: as irregular as a decimated mesh."""
    points = np.random.default_rng(0).normal(size=(n, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    faces = ConvexHull(points).simplices.astype(np.int64)
    inward = np.linalg.det(points[faces]) < 0
    faces[inward] = faces[inward][:, ::-1]
    return points * [1.0, 0.7, 0.5], faces


MESHES = {
    "rough": rough(),
    "tetrahedron": (np.eye(4)[:, :3], np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])),
    "sphere": sphere(subdivisions=2),
    "torus": torus(n_major=16, n_minor=8),
    "plane": plane(7),
    "several": joined(sphere(subdivisions=1), torus(n_major=12, n_minor=8), plane(3), box()),
    "nothing": (np.zeros((1, 3)), np.zeros((0, 3), np.int64)),
}


@pytest.mark.parametrize("name", [name for name in MESHES if name != "nothing"])
@pytest.mark.parametrize("tangential", [8, 20])
def test_a_mesh_comes_back_as_near_as_its_steps_say(name, tangential):
    _, targets, coded = encoded(MESHES[name], tangential=tangential)
    assert_same(decoded(coded, tangential), coded.mesh)
    # Half a step along each axis of some frame, and the rounding to the lattice.
    bound = np.sqrt(2 * (tangential / 2) ** 2 + 4**2) * 1.01 + 1
    assert np.linalg.norm(coded.mesh.positions - targets, axis=1).max() < bound


@settings(max_examples=30)
@given(rngs())
def test_irregular_meshes_with_creases_come_back(rng):
    points, faces = irregular(rng)
    kept, faces = np.unique(faces, return_inverse=True)
    walk = traverse(faces.reshape(-1, 3))
    mesh = topology(walk.faces, len(walk.order))
    sharpness = rng.choice([0, 0, 1, 2, 3, SHARP], size=mesh.n_edges)
    pinned = rng.random(len(walk.order)) < 0.3
    coded = encode_control(walk, points[kept] * 100, 16, sharpness=sharpness, pinned=pinned, priors=BLANK)
    assert_same(decoded(coded, 16, priors=BLANK), coded.mesh)
    assert (coded.mesh.sharpness[~mesh.is_boundary] == sharpness[~mesh.is_boundary]).all()
    assert not coded.mesh.sharpness[mesh.is_boundary].any()
    assert not coded.mesh.pinned[~pinned].any()


def test_large_residuals_are_as_near_as_small_ones():
    """Frames have 14 bits after the point, residuals more."""
    points, faces = box()
    _, targets, coded = encoded((points, faces), step=1e-6)
    assert np.abs(targets).max() > 1 << 23
    assert np.linalg.norm(coded.mesh.positions - targets, axis=1).max() < np.sqrt(3) * 4 * 1.01 + 1


def test_no_creases_and_all_sharp_cost_a_bit_or_two():
    smooth = encoded(MESHES["sphere"])[2]
    sharp = encoded(MESHES["sphere"], sharpness=np.full(480, SHARP))[2]
    assert (sharp.mesh.sharpness == SHARP).all()
    assert len(sharp.data) <= len(smooth.data) + 2


def test_creases_along_the_edges_of_a_box_are_cheap():
    points, faces = box(subdivisions=3)
    walk = traverse(faces)
    mesh = topology(walk.faces, len(points))
    normals = np.cross(*(points[walk.order][walk.faces][:, 1:] - points[walk.order][walk.faces][:, :1]).swapaxes(0, 1))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    is_fold = (normals[mesh.edge_faces[:, 0]] * normals[mesh.edge_faces[:, 1]]).sum(axis=1) < 0.5
    coded = encode_control(walk, points * 400, 8, sharpness=np.where(is_fold, SHARP, 0))
    assert_same(decoded(coded), coded.mesh)
    assert is_fold.sum() == 12 * 8
    assert coded.bits["creases"] < 150  # of 1152 edges


def test_nothing_is_no_bytes():
    walk = traverse(MESHES["nothing"][1])
    coded = encode_control(walk, np.zeros((0, 3)), 8)
    assert len(coded.data) <= 1
    assert len(decode_control(coded.data, 0, 0, 8).positions) == 0


def test_bits_of_the_parts_add_up_to_the_bytes():
    coded = encoded(MESHES["torus"])[2]
    assert sum(coded.bits.values()) / 8 == pytest.approx(len(coded.data), abs=2)


def test_priors_make_meshes_smaller():
    assert len(encoded(MESHES["rough"])[2].data) < 0.92 * len(encoded(MESHES["rough"], priors=BLANK)[2].data)


def test_bits_are_saved_where_they_are_worth_more_than_the_error():
    _, targets, exact = encoded(MESHES["rough"])
    _, _, cheap = encoded(MESHES["rough"], rdo=Rdo(30.0))
    assert len(cheap.data) < len(exact.data)

    def cost(coded):
        return ((coded.mesh.positions - targets) ** 2).sum() + 30.0 * sum(coded.bits.values())

    assert cost(cheap) < cost(exact)
    assert_same(decoded(cheap), cheap.mesh)


def test_the_identity_said_and_left_out_are_the_same():
    n = 3 * len(MESHES["plane"][0])
    said = encoded(MESHES["plane"], rdo=Rdo(8.0, np.eye(n)))[2]
    assert said.data == encoded(MESHES["plane"], rdo=Rdo(8.0))[2].data


def test_later_vertices_make_up_for_earlier_ones_where_the_error_couples_them():
    # An error that sees differences of neighbouring vertices: feedback keeps it lower at the same price of a bit.
    walk, targets, plain = encoded(MESHES["rough"], rdo=Rdo(30.0))
    edges, n = topology(walk.faces, len(targets)).edges, len(targets)
    laplacian = np.eye(n) * 0.01
    for i, j in edges:
        laplacian[[i, j], [i, j]] += 1
        laplacian[[i, j], [j, i]] -= 1
    hessian = np.kron(laplacian, np.eye(3))
    backwards = hessian[::-1, ::-1].reshape(n, 3, n, 3)[:, ::-1, :, ::-1].reshape(3 * n, 3 * n)
    aware = encoded(MESHES["rough"], rdo=Rdo(30.0, np.linalg.cholesky(backwards)))[2]

    def cost(coded):
        moved = (coded.mesh.positions - targets).ravel()
        return moved @ hessian @ moved + 30.0 * sum(coded.bits.values())

    assert cost(aware) < 0.97 * cost(plain)


@pytest.mark.parametrize("name", ["plane", "triangle"])
def test_creases_said_with_too_many_decisions_are_refused(name, monkeypatch):
    """That there are some, and then none; that all inner edges are sharp, where there is none."""
    mesh = {"plane": MESHES["plane"], "triangle": (np.eye(3), np.array([[0, 1, 2]]))}[name]

    def wasteful(code, is_decoding, mesh, points, sharpness, pinned):
        contexts = np.zeros(N_CREASE, np.int64)
        code_crease(code, ANY, contexts, 1)
        code_crease(code, ALL, contexts, int(name == "triangle"))
        if name == "plane":
            creases.code_each(code, mesh, points, sharpness, pinned)
        return sharpness, pinned

    with monkeypatch.context() as patch:
        patch.setattr(coder, "code_creases", wasteful)
        coded = encoded(mesh)[2]
    with pytest.raises(FormatError, match="control mesh: creases"):
        decoded(coded)


@pytest.mark.parametrize("step", [0, MOST_STEP + 1])
def test_steps_out_of_range_are_refused(step):
    with pytest.raises(ValueError, match="tangential step"):
        encode_control(traverse(MESHES["plane"][1]), MESHES["plane"][0], step)
    with pytest.raises(FormatError, match="tangential step"):
        decode_control(b"", 3, 1, step)


def test_targets_out_of_range_are_refused():
    with pytest.raises(ValueError, match="lattice units"):
        encoded(MESHES["plane"], step=1e-9)


def test_a_mesh_beyond_the_limit_is_refused_before_it_is_decoded():
    with pytest.raises(LimitError, match="max_symbols"):
        decode_control(b"", 1 << 20, 1 << 21, 8, limits=Limits(max_symbols=1000))


SPHERE = encoded(MESHES["several"])[2]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_hostile_bytes_make_a_mesh_or_an_error(data):
    if data.draw(st.booleans()):
        content = data.draw(st.binary(max_size=200))
    else:
        content = bytearray(SPHERE.data)
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    n_faces = data.draw(st.integers(0, 400))
    n_vertices = data.draw(st.integers(0, 3 * n_faces + 1))
    try:
        mesh = decode_control(bytes(content), n_vertices, n_faces, data.draw(st.sampled_from([1, 8, MOST_STEP])))
    except (FormatError, LimitError):
        return
    assert mesh.topology.faces.shape == (n_faces, 3)
    assert len(mesh.positions) == n_vertices
