import io
import json
import struct

import numpy as np
import pytest
import trimesh
from sdfz.formats import MeshError, read_mesh, write_mesh
from sdfz.formats.gltf import write_glb
from sdfz.formats.mesh_io import WRITABLE, mesh_bytes, sniff_type

BOX_VERTICES = np.array([(x, y, z) for z in (0, 1) for y in (0, 1) for x in (0, 1)], dtype=float) * [3, 2, 1]
QUADS = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
BOX_FACES = np.array([t for a, b, c, d in QUADS for t in ((a, b, c), (a, c, d))])
VOLUME = 6.0


def volume(mesh):
    """Enclosed volume: one number for coordinates, winding and completeness."""
    a, b, c = (mesh.vertices - mesh.vertices.mean(axis=0))[mesh.faces].transpose(1, 0, 2)
    return float((np.cross(a, b) * c).sum() / 6)


def assert_box(mesh, n_vertices=8, n_faces=12):
    assert (len(mesh.vertices), len(mesh.faces)) == (n_vertices, n_faces)
    assert volume(mesh) == pytest.approx(VOLUME)


def corner_set(mesh):
    """The triangles as sets of coordinates, whatever the numbering."""
    return {frozenset(map(tuple, corners)) for corners in mesh.vertices[mesh.faces].tolist()}


@pytest.mark.parametrize("file_type", WRITABLE)
def test_round_trip(tmp_path, file_type):
    path = tmp_path / f"box.{file_type.upper()}"
    write_mesh(BOX_VERTICES, BOX_FACES, path)
    mesh = read_mesh(path)
    assert_box(mesh)
    assert (mesh.lost, mesh.name, mesh.units) == ((), path.name, "m" if file_type == "glb" else None)
    if file_type != "stl":  # which has no vertex order
        np.testing.assert_array_equal(mesh.vertices, BOX_VERTICES)
        np.testing.assert_array_equal(mesh.faces, BOX_FACES)


@pytest.mark.parametrize("file_type", WRITABLE)
def test_others_read_what_we_write_and_we_what_they_write(file_type):
    stream = io.BytesIO()
    write_mesh(BOX_VERTICES, BOX_FACES, stream, file_type)
    theirs = trimesh.load_mesh(io.BytesIO(stream.getvalue()), file_type=file_type)
    assert theirs.volume == pytest.approx(VOLUME)
    exported = theirs.export(file_type=file_type)
    mesh = read_mesh(exported.encode() if isinstance(exported, str) else exported)
    assert_box(mesh)


@pytest.mark.parametrize("file_type", WRITABLE)
def test_type_from_content(file_type):
    content = mesh_bytes(BOX_VERTICES, BOX_FACES, file_type)
    assert sniff_type(content) == file_type
    assert_box(read_mesh(content))
    assert_box(read_mesh(io.BytesIO(content), f".{file_type}"))


@pytest.mark.parametrize("file_type", WRITABLE)
@pytest.mark.parametrize(("offset", "size"), [(1e6, 0.7), (-1e6, 1e-2), (0, 1e-6), (0, 1e20), (1e20, 1e19)])
def test_far_and_small_shapes_survive(file_type, offset, size):
    vertices = BOX_VERTICES * size + offset
    if file_type == "stl":
        vertices = vertices - offset  # it is float32 and nothing else: see below
    mesh = read_mesh(mesh_bytes(vertices, BOX_FACES, file_type))
    diagonal = np.linalg.norm(np.ptp(vertices, axis=0))
    worst = np.abs(np.sort(mesh.vertices, axis=0) - np.sort(vertices, axis=0)).max()
    assert worst <= 1e-6 * diagonal
    assert volume(mesh) == pytest.approx(VOLUME * size**3, rel=1e-5)


def test_stl_says_when_float32_is_coarse(caplog):
    mesh_bytes(BOX_VERTICES * 0.7 + 1e4, BOX_FACES, "stl")
    assert "STL has only float32" in caplog.text
    with pytest.raises(MeshError, match="too coarse for this mesh"):
        mesh_bytes(BOX_VERTICES + 1e8, BOX_FACES, "stl")
    with pytest.raises(MeshError, match="too coarse for this mesh"):
        mesh_bytes(BOX_VERTICES * 1e60, BOX_FACES, "glb")


def test_ply_is_float32_where_that_is_enough():
    assert b"property float x" in mesh_bytes(BOX_VERTICES, BOX_FACES, "ply")
    assert b"property double x" in mesh_bytes(BOX_VERTICES * 0.7 + 1e6, BOX_FACES, "ply")


PLY_HEADER = """ply
format {} 1.0
comment made by hand
element vertex 8
property double x
property double y
property double z
property float nx
property uchar red
element face {}
property list uchar int vertex_indices
property uchar alpha
element edge 1
property int vertex1
end_header
"""
# five quads and two triangles: lists of different length, which trimesh does not read from binary files
MIXED = [*QUADS[:5], (1, 3, 7), (1, 7, 5)]


def test_ply_text_with_mixed_polygons_and_extras():
    rows = [f"{x} {y} {z} 0.5 255" for x, y, z in BOX_VERTICES]
    rows += [" ".join(map(str, (len(polygon), *polygon, 7))) for polygon in MIXED]
    mesh = read_mesh((PLY_HEADER.format("ascii", len(MIXED)) + "\n".join([*rows, "3"])).encode())
    assert_box(mesh)
    assert mesh.lost == ("vertex normals", "vertex colours", "face colours", "edge elements")


@pytest.mark.parametrize("polygons", [MIXED, QUADS])
@pytest.mark.parametrize(("name", "order"), [("binary_little_endian", "<"), ("binary_big_endian", ">")])
def test_ply_binary_of_both_byte_orders(name, order, polygons):
    data = PLY_HEADER.format(name, len(polygons)).replace("\n", "\r\n").encode()
    data += b"".join(struct.pack(f"{order}dddfB", *point, 0.5, 255) for point in BOX_VERTICES)
    data += b"".join(struct.pack(f"{order}B{len(p)}iB", len(p), *p, 7) for p in polygons)
    assert_box(read_mesh(data))
    for n_bytes in range(0, len(data), 7):
        with pytest.raises(MeshError):
            read_mesh(data[:n_bytes], "ply")


OBJ = """# a box, its top in another group and material
mtllib missing.mtl
v 0 0 0 1 0 0
v 3 0 0 1 0 0
v 0 2 0
v 3 2 0
vt 0 0
vn 0 0 1
o bottom
usemtl red
f 1/1/1 3/1/1 4/1/1 2/1/1
v 0 0 1
v 3 0 1 1.0
v 0 2 1
v 3 2 1  # the last one
g top
usemtl blue
f -4//1 -3//1 -1//1 -2//1
f 1 2 6 \\
  5
f 3 7 8 4
f 1/1 5/1 7/1 3/1
f 2 4 8
f 2 8 6
l 1 2
"""


def test_obj_with_groups_materials_and_relative_indices(capfd):
    mesh = read_mesh(OBJ.encode())
    assert_box(mesh)
    assert mesh.lost == ("vertex colours", "normals", "texture coordinates", "materials", "lines")
    assert capfd.readouterr() == ("", "")
    assert_box(read_mesh(OBJ.replace("\n", "\r\n").encode(), "obj"))


def test_relative_indices_count_from_their_line():
    one = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\n"
    mesh = read_mesh((one + one.replace("0 0 0", "0 0 5")).encode())
    assert mesh.faces.tolist() == [[0, 1, 2], [3, 1, 2]]


@pytest.mark.parametrize("header", ["OFF\n8 6 12\n", "COFF 8 6 0 # counts\n", "# box\nSTCNOFF\n\n8 6 0\n"])
def test_off_variants(header):
    rows = [f"{x} {y} {z} 9 9" for x, y, z in BOX_VERTICES] + [f"4  {a} {b} {c} {d} 255 0 0" for a, b, c, d in QUADS]
    mesh = read_mesh((header + "\n".join(rows)).encode())
    assert_box(mesh)
    assert "face colours" in mesh.lost


def test_stl_text_and_colours():
    text = "solid box\n"
    for corners in BOX_VERTICES[BOX_FACES].tolist():
        rows = "".join(f"vertex {x} {y} {z}\n" for x, y, z in corners)
        text += f"facet normal 0 0 0\nouter loop\n{rows}endloop\nendfacet\n"
    assert_box(read_mesh((text + "endsolid box\n").encode()))
    coloured = bytearray(mesh_bytes(BOX_VERTICES, BOX_FACES, "stl"))
    coloured[84 + 48] = 1
    coloured[:5] = b"solid"  # as some programs start binary files, too
    mesh = read_mesh(bytes(coloured))
    assert_box(mesh)
    assert mesh.lost == ("face colours",)


def scene_tree(**changes):
    """glTF of two boxes, one of them mirrored, scaled and moved by nested nodes."""
    _, blob = split_glb(write_glb(BOX_VERTICES, BOX_FACES))
    tree, _ = split_glb(write_glb(BOX_VERTICES, BOX_FACES))
    tree["nodes"] = [
        {"mesh": 0, "camera": 0, "extras": {"a": 1}},
        {"translation": [10, 0, 0], "children": [2], "camera": 0},
        {"mesh": 0, "scale": [-2, 1, 1], "rotation": [0, 0, 0.7071067811865476, 0.7071067811865476]},
        {"mesh": 0},  # in no scene
    ]
    tree["cameras"] = [{"type": "perspective", "perspective": {"yfov": 1, "znear": 0.1}}]
    tree["scenes"] = [{"nodes": [3]}, {"nodes": [0, 1]}]
    tree["scene"] = 1
    tree["materials"] = [{"name": "red"}]
    tree["meshes"][0]["primitives"][0]["material"] = 0
    tree["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"] = 0
    tree.update(changes)
    return tree, blob


def split_glb(data):
    n_json = int.from_bytes(data[12:16], "little")
    return json.loads(data[20 : 20 + n_json]), data[20 + n_json :]


def join_glb(tree, blob):
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<5I", 0x46546C67, 2, 20 + len(text) + len(blob), len(text), 0x4E4F534A) + text + blob


def test_gltf_scene_with_transforms():
    mesh = read_mesh(join_glb(*scene_tree()))
    assert mesh.lost == ("vertex colours", "materials")
    assert len(mesh.faces) == 24
    assert volume(mesh) == pytest.approx(3 * VOLUME)  # a mirrored box would count negative
    # turned by 90 degrees about z after mirroring x: x of the second box runs over 10 - 2..10, y over -6..0
    np.testing.assert_allclose(mesh.vertices.min(axis=0), [0, -6, 0], atol=1e-6)
    np.testing.assert_allclose(mesh.vertices.max(axis=0), [10, 2, 1], atol=1e-6)


def test_gltf_without_scenes_and_with_external_buffer(tmp_path):
    tree, blob = scene_tree()
    del tree["scenes"], tree["scene"]
    (tmp_path / "box.bin").write_bytes(blob[8:])
    tree["buffers"][0]["uri"] = "box.bin"
    path = tmp_path / "box.gltf"
    path.write_text(json.dumps(tree))
    assert len(read_mesh(path).faces) == 36
    with pytest.raises(MeshError, match="cannot be read as GLTF"):
        read_mesh(path.read_bytes())  # from a stream nobody knows where box.bin is
    (tmp_path / "box.bin").unlink()
    with pytest.raises(MeshError, match=r"box\.gltf: cannot be read as GLTF: FileNotFoundError"):
        read_mesh(path)


@pytest.mark.parametrize(
    ("where", "change", "message"),
    [
        ((), {"extensionsRequired": ["KHR_draco_mesh_compression"]}, "extensions that are not read: KHR_draco"),
        (("accessors", 0), {"sparse": {"count": 1}}, "sparse, compressed or normalized"),
        (("accessors", 0), {"normalized": True}, "sparse, compressed or normalized"),
        (("accessors", 1), {"count": 36_000_000}, "cannot be read as GLB"),
        (("meshes", 0, "primitives", 0), {"mode": 6}, "triangle fans"),
        (("meshes", 0, "primitives", 0), {"mode": 0}, "no triangles"),
        (("meshes", 0, "primitives", 0), {"indices": 7}, "cannot be read as GLB"),
        (("nodes", 1), {"children": [1, 2]}, "cannot be read as GLB"),  # its own child
        (("nodes", 1), {"children": [99]}, "cannot be read as GLB"),
    ],
)
def test_gltf_that_would_be_read_wrongly(where, change, message):
    tree, blob = scene_tree()
    part = tree
    for key in where:
        part = part[key]
    part.update(change)
    with pytest.raises(MeshError, match=message):
        read_mesh(join_glb(tree, blob))


def test_duplicates_degenerate_faces_and_unused_vertices_go():
    vertices = np.concatenate([BOX_VERTICES, BOX_VERTICES * 1.0, [[np.nan] * 3]])
    vertices[8] = [-0.0, 0.0, -0.0]
    faces = np.concatenate([BOX_FACES[:6], BOX_FACES[6:] + 8, [[0, 8, 1], [3, 3, 2]]])
    text = "".join(f"v {x} {y} {z}\n" for x, y, z in vertices) + "".join(f"f {a} {b} {c}\n" for a, b, c in faces + 1)
    mesh = read_mesh(text.encode())
    assert_box(mesh)
    np.testing.assert_array_equal(mesh.vertices, BOX_VERTICES)  # the order stays
