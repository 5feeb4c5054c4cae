"""Whatever is wrong with a mesh file is one MeshError of one line, and nothing on stderr."""

import random

import numpy as np
import pytest
from sdfz.formats import MeshError, check_mesh, clean_mesh, read_mesh, write_mesh
from sdfz.formats.header import MAGIC
from sdfz.formats.mesh_io import WRITABLE, mesh_bytes

VERTICES = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], dtype=float)
FACES = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])

TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"
PLY = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
PLY_FACE = "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
PLY_ROWS = "0 0 0\n1 0 0\n0 1 0\n"
STL_FACE = "facet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex {} 1 0\nendloop\nendfacet\n"

BROKEN = {
    "empty": ("obj", "", "it has no faces"),
    "blank": ("stl", " \n", "neither a binary nor a text STL"),
    "obj point cloud": ("obj", TRIANGLE, "it has no faces, only points or lines"),
    "obj lines": ("obj", TRIANGLE + "l 1 2 3\n", "it has no faces, only points or lines"),
    "obj index too high": ("obj", TRIANGLE + "f 1 2 4\n", "vertex index 3, but there are 3 vertices"),
    "obj index 0": ("obj", TRIANGLE + "f 0 1 2\n", "vertex index 0"),
    "obj index too low": ("obj", TRIANGLE + "f -4 1 2\n", "vertex index -1, but there are 3 vertices"),
    "obj nan": ("obj", TRIANGLE + "v nan 0 0\nf 1 2 4\n", "1 of 3 vertices have coordinates that are not finite"),
    "obj inf": ("obj", TRIANGLE + "v 0 1e999 0\nf 1 2 4\n", "not finite"),
    "obj words": ("obj", TRIANGLE + "f a b c\n", "cannot be read as OBJ"),
    "obj short vertex": ("obj", TRIANGLE + "v 1 2\nf 1 2 3\n", "a v line is not understood"),
    "obj no area": ("obj", "v 0 0 0\nv 1 1 1\nv 3 3 3\nf 1 2 3\n", "its triangles have no area"),
    "obj one point": ("obj", "v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n", "its triangles have no area"),
    "ply point cloud": ("ply", PLY + "end_header\n" + PLY_ROWS, "a point cloud"),
    "ply no faces": ("ply", PLY + PLY_FACE.replace("face 1", "face 0") + PLY_ROWS, "a point cloud"),
    "ply index too high": ("ply", PLY + PLY_FACE + PLY_ROWS + "3 0 1 3\n", "vertex index 3, but there are 3"),
    "ply index too low": ("ply", PLY + PLY_FACE + PLY_ROWS + "3 0 1 -1\n", "vertex index -1, but there are 3"),
    "ply index 1.5": ("ply", PLY + PLY_FACE + PLY_ROWS + "3 0 1 1.5\n", "not an integer"),
    "ply nan": ("ply", PLY + PLY_FACE + "nan 0 0\n1 0 0\n0 1 0\n3 0 1 2\n", "1 of 3 vertices"),
    "ply cut": ("ply", PLY + PLY_FACE + PLY_ROWS + "3 0 1\n", "it ends inside its face data"),
    "ply cut early": ("ply", PLY + PLY_FACE + "0 0 0\n1", "it ends inside its vertex data"),
    "ply header cut": ("ply", PLY, "complete PLY header"),
    "ply words": ("ply", PLY + PLY_FACE + PLY_ROWS + "3 zero one two\n", "cannot be read as PLY"),
    "ply huge": ("ply", PLY.replace("3", "999999999999") + PLY_FACE + PLY_ROWS, "it ends inside its vertex data"),
    "ply huge list": ("ply", PLY + PLY_FACE + PLY_ROWS + "999999999999 0 1 2\n", "it ends inside its face data"),
    "ply negative list": ("ply", PLY + PLY_FACE + PLY_ROWS + "-3 0 1 2\n", "has -3"),
    "ply odd type": ("ply", PLY.replace("float", "bfloat"), "complete PLY header"),
    "ply odd property": ("ply", PLY.replace("float", "bfloat") + PLY_FACE, "'property bfloat x' is not understood"),
    "ply no z": (
        "ply",
        PLY.replace("float z", "float w") + PLY_FACE + PLY_ROWS + "3 0 1 2\n",
        "no vertices with x, y",
    ),
    "off cut": ("off", "OFF\n3 1 0\n0 0 0\n1 0 0\n", "it counts 3 vertices and 1 faces, but has 2 lines"),
    "off index too high": ("off", "OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 3\n", "vertex index 3"),
    "off index too low": ("off", "OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 -2\n", "vertex index -2"),
    "off short face": ("off", "OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1\n", "fewer vertex indices"),
    "off four dimensions": ("off", "4OFF\n1 1 0\n", "three dimensions"),
    "off nothing": ("off", "off", "does not start with OFF"),
    "stl point cloud": ("stl", "solid\nendsolid\n", "no triangles"),
    "stl cut": ("stl", "solid\n" + STL_FACE.format(0), "it ends before its last endsolid"),
    "stl two vertices": ("stl", "solid\nvertex 0 0 0\nvertex 1 0 0\nendsolid", "no multiple of three"),
    "stl binary cut": ("stl", "\1" * 90, "announces 842150534 bytes in all, but it has 90"),
    "stl nan": ("stl", "solid\n" + STL_FACE.format("nan") + "endsolid\n", "not finite"),
    "stl words": ("stl", "solid\n" + STL_FACE.format("one") + "endsolid\n", "cannot be read as STL"),
    "glb text": ("glb", "hello", "its JSON is not understood"),
    "glb cut": ("glb", "glTF", "it ends inside its header"),
    "gltf list": ("gltf", "[]", "not an object"),
    "gltf empty": ("gltf", '{"asset": {"version": "2.0"}}', "no triangles"),
    "gltf old": ("gltf", '{"asset": {"version": "1.0"}}', "cannot be read as GLTF"),
    "gltf odd": ("gltf", '{"meshes": 3}', "cannot be read as GLTF"),
}


@pytest.mark.parametrize(("file_type", "text", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_files(tmp_path, capfd, file_type, text, message):
    path = tmp_path / f"broken.{file_type}"
    path.write_text(text)
    with pytest.raises(MeshError) as caught:
        read_mesh(path)
    error = str(caught.value)
    assert message in error
    assert error.startswith(f"broken.{file_type}: ")
    assert "\n" not in error
    assert len(error) < 300
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("file_type", WRITABLE)
def test_damaged_files_raise_nothing_else(file_type, capfd):
    """Cut anywhere, or with a few bytes changed: a MeshError or a mesh, in bounded time."""
    rng = random.Random(0)
    good = mesh_bytes(VERTICES, FACES, file_type)
    cuts = [good[:n] for n in range(0, len(good), 5)]
    changed = [bytearray(good) for _ in range(150)]
    for data in changed:
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
    for data in [*cuts, *changed]:
        try:
            mesh = read_mesh(bytes(data), file_type)
        except MeshError:
            continue
        check_mesh(mesh.vertices, mesh.faces)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("data", [b"", b"\0" * 40, b"hello\n", b"\x89PNG\r\n\x1a\n"])
def test_content_of_no_known_type(data):
    with pytest.raises(MeshError, match="the mesh: not a known mesh format: it .* readable are ply, obj"):
        read_mesh(data)


def test_an_sdfz_file_is_no_mesh():
    with pytest.raises(MeshError, match="not a mesh but an sdfz file; decode it first"):
        read_mesh(MAGIC + b"\x01\x01")


def test_unknown_extensions(tmp_path):
    path = tmp_path / "scan.fbx"
    path.write_bytes(b"")
    with pytest.raises(
        MeshError, match=r"^scan.fbx: '.fbx' is not a mesh format .* readable are ply, obj, stl, off, glb, gltf$"
    ):
        read_mesh(path)
    with pytest.raises(MeshError, match=r"writable are ply, obj, stl, off, glb$"):
        write_mesh(VERTICES, FACES, path)
    assert path.read_bytes() == b""


def test_missing_and_unreadable_files_stay_os_errors(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_mesh(tmp_path / "missing.ply")
    with pytest.raises(IsADirectoryError):
        read_mesh(tmp_path)


@pytest.mark.parametrize(
    ("vertices", "faces", "message"),
    [
        (VERTICES, FACES[:0], "no faces"),
        (VERTICES, FACES + 1, "vertex index 4"),
        (VERTICES, FACES - 1, "vertex index -1"),
        (VERTICES + np.inf, FACES, "not finite"),
        (VERTICES * [0, 0, 1], FACES, "no area"),
        (VERTICES * [1, 1e-14, 0], FACES, "no area"),
    ],
)
def test_check_mesh(vertices, faces, message):
    for check in (check_mesh, clean_mesh):
        with pytest.raises(MeshError, match=message):
            check(vertices, faces)


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e307])
def test_size_is_no_problem_for_a_check(scale):
    check_mesh(VERTICES * scale, FACES)


def test_what_no_file_can_hold_is_not_written():
    for file_type in WRITABLE:
        with pytest.raises(MeshError, match="cannot be written"):
            mesh_bytes((VERTICES - 0.5) * 1.7e308, FACES, file_type)


@pytest.mark.parametrize(
    ("vertices", "faces"), [(VERTICES[:, :2], FACES), (VERTICES, FACES[:, :2]), (VERTICES, FACES * 1.0)]
)
def test_wrong_arrays_are_value_errors(vertices, faces):
    with pytest.raises(ValueError, match=r"vertices|faces"):
        check_mesh(vertices, faces)
