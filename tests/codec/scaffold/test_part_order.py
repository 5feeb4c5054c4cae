"""The order of parts."""

import numpy as np
import shapes
from sdfz.codec.scaffold.halfedges import face_parts, opposites
from sdfz.codec.scaffold.part_order import in_coding_order


def parts(faces):
    return face_parts(opposites(faces))


def test_each_part_begins_near_where_the_one_before_began():
    rng = np.random.default_rng(0)
    boxes = [shapes.box((0.1, 0.1, 0.1)) for _ in range(20)]
    vertices, faces = shapes.joined(
        *((box[0] + (i, 0, 0), box[1]) for i, box in zip(rng.permutation(20), boxes, strict=True))
    )
    ordered = in_coding_order(vertices, faces)
    assert sorted(map(tuple, np.sort(ordered, axis=1))) == sorted(map(tuple, np.sort(faces, axis=1)))
    part = parts(ordered)
    first = np.unique(part, return_index=True)[1]
    starts = vertices[ordered[first, 0], 0]
    assert np.abs(np.diff(starts)).sum() < 40  # in a chain there and back, not 20 jumps of 7
    assert (np.linalg.det(vertices[ordered] - vertices.mean(axis=0)).sum() > 0) == (
        np.linalg.det(vertices[faces] - vertices.mean(axis=0)).sum() > 0
    )


def test_a_single_part_stays_as_it_is():
    vertices, faces = shapes.sphere(subdivisions=2)
    assert in_coding_order(vertices, faces) is faces
