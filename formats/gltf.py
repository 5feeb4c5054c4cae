"""glTF 2.0: scenes read through trimesh, one mesh written as GLB.

Only positions, triangles and the node tree are handed to trimesh. What it would read wrongly without a word is refused
here: sparse or normalized coordinates, geometry that only a missing extension could decode, triangle fans.
"""

from __future__ import annotations

import json
import os
import struct
from typing import Any

from .errors import MeshError
from .polygons import Floats, Ints, RawMesh
from .scene import load_scene

_MAGIC = 0x46546C67
_JSON_CHUNK, _BIN_CHUNK = 0x4E4F534A, 0x004E4942
_POINTS, _TRIANGLES, _TRIANGLE_STRIP = 0, 4, 5
_FLOAT, _UINT = 5126, 5125

# Extensions that may be required of a reader and do not touch the geometry, or which trimesh's reader covers.
_HARMLESS = ("KHR_materials_", "KHR_texture_", "EXT_texture_", "KHR_lights_", "KHR_mesh_quantization", "KHR_animation_")

_ATTRIBUTES = {"NORMAL": "normals", "TEXCOORD": "texture coordinates", "COLOR": "vertex colours"}


def read_gltf(data: bytes, folder: str | None = None) -> RawMesh:
    """All triangles of a glTF scene, node transforms applied.

    Parameters
    ----------
    data : bytes
        A .gltf or .glb file.
    folder : str, optional
        Where the files lie that it names; without it they are not read.

    Raises
    ------
    MeshError
        The file uses something that is not read, or is damaged.
    """
    from trimesh.resolvers import FilePathResolver

    tree, rest = _split(data)
    lost = _reduce(tree)
    resolver = None if folder is None else FilePathResolver(os.path.join(folder, ""))
    if rest is None:
        raw = load_scene(json.dumps(tree).encode(), "gltf", resolver)
    else:
        raw = load_scene(_join(tree, rest), "glb", resolver)
    return RawMesh(raw.vertices, raw.sizes, raw.corners, lost)


def write_glb(vertices: Floats, faces: Ints, centre: Floats | None = None) -> bytes:
    """A GLB file of one mesh. Its coordinates are float32, since the format has no other.

    Parameters
    ----------
    vertices : (V, 3) float64
    faces : (F, 3) int64
    centre : (3,) float64, optional
        Moved into the translation of the mesh's node, so that a shape far from the origin keeps its detail.
    """
    node: dict[str, Any] = {"mesh": 0}
    if centre is not None:
        node["translation"] = centre.tolist()
        vertices = vertices - centre
    points = vertices.astype("<f4")
    blobs = [points.tobytes(), faces.astype("<u4").tobytes()]
    tree = {
        "asset": {"version": "2.0", "generator": "sdfz"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [node],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": _FLOAT,
                "count": len(points),
                "type": "VEC3",
                "min": points.min(axis=0).tolist(),
                "max": points.max(axis=0).tolist(),
            },
            {"bufferView": 1, "componentType": _UINT, "count": faces.size, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": len(blobs[0]), "target": 34962},
            {"buffer": 0, "byteOffset": len(blobs[0]), "byteLength": len(blobs[1]), "target": 34963},
        ],
        "buffers": [{"byteLength": len(blobs[0]) + len(blobs[1])}],
    }
    body = b"".join(blobs)  # both are multiples of four bytes
    return _join(tree, struct.pack("<II", len(body), _BIN_CHUNK) + body)


def _split(data: bytes) -> tuple[dict[str, Any], bytes | None]:
    """The JSON tree, and the chunks after it, or None where the file is JSON only."""
    rest = None
    if data[:4] == b"glTF":
        if len(data) < 20:
            raise MeshError("it ends inside its header")
        _, version, length, n_json, kind = struct.unpack_from("<5I", data)
        if version != 2 or kind != _JSON_CHUNK:
            raise MeshError("it is not glTF 2.0")
        if length > len(data) or 20 + n_json > length:
            raise MeshError(f"it ends early: it says {length} bytes and has {len(data)}")
        data, rest = data[20 : 20 + n_json], data[20 + n_json : length]
    try:
        tree = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise MeshError(f"its JSON is not understood: {error}") from error
    if not isinstance(tree, dict):
        raise MeshError("its JSON is not an object")
    return tree, rest


def _join(tree: dict[str, Any], rest: bytes) -> bytes:
    """A GLB file of a JSON tree and the chunks after it."""
    text = json.dumps(tree, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    head = struct.pack("<5I", _MAGIC, 2, 20 + len(text) + len(rest), len(text), _JSON_CHUNK)
    return head + text + rest


def _reduce(tree: dict[str, Any]) -> tuple[str, ...]:
    """Cut a tree down to its geometry, in place; refuse what would be read wrongly and say what is lost."""
    required = [name for name in tree.get("extensionsRequired", []) if not name.startswith(_HARMLESS)]
    if required:
        raise MeshError(f"it needs glTF extensions that are not read: {', '.join(required)}")
    lost: dict[str, None] = {}
    for mesh in tree.get("meshes", []):
        mesh["primitives"] = [p for p in mesh["primitives"] if _reduce_primitive(p, tree, lost)]
    for node in tree.get("nodes", []):
        # trimesh drops nodes with a camera out of the tree, with all that hangs on them
        node.pop("camera", None)
        if "EXT_mesh_gpu_instancing" in node.pop("extensions", {}):
            lost["instances"] = None
        node.pop("extras", None)
    for key in ("images", "samplers", "cameras", "extensions", "extras"):
        tree.pop(key, None)
    for key in ("materials", "textures", "animations", "skins"):
        if tree.pop(key, None):
            lost[key] = None
    if not tree.get("scenes"):  # then every tree of nodes is shown
        nodes = tree.get("nodes", [])
        children = {child for node in nodes for child in node.get("children", [])}
        tree["scenes"] = [{"nodes": [i for i in range(len(nodes)) if i not in children]}]
        tree["scene"] = 0
    return tuple(lost)


def _reduce_primitive(primitive: dict[str, Any], tree: dict[str, Any], lost: dict[str, None]) -> bool:
    """Whether a primitive is kept; only its positions and triangles are."""
    mode = primitive.get("mode", _TRIANGLES)
    if mode < _TRIANGLES:
        lost["points" if mode == _POINTS else "lines"] = None
        return False
    if mode > _TRIANGLE_STRIP:
        raise MeshError("triangle fans are not read")
    attributes = primitive["attributes"]
    for name in attributes:
        label = _ATTRIBUTES.get(name.split("_")[0])
        if label:
            lost[label] = None
    if primitive.get("targets"):
        lost["morph targets"] = None
    accessors = [attributes["POSITION"]] + ([primitive["indices"]] if "indices" in primitive else [])
    for i in accessors:
        accessor = tree["accessors"][i]
        if "bufferView" not in accessor or "sparse" in accessor or accessor.get("normalized"):
            raise MeshError("sparse, compressed or normalized coordinates are not read")
    for key in set(primitive) - {"indices", "mode"}:
        del primitive[key]
    primitive["attributes"] = {"POSITION": attributes["POSITION"]}
    return True
