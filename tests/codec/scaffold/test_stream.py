"""Payloads of `scaffold` files: what goes in comes out, and nothing else does."""

import dataclasses
import random
from importlib import resources

import control_meshes
import numpy as np
import pytest
from hypothesis import given, settings
from sdfz.codec.methods import METHOD_IDS, summary_of
from sdfz.codec.scaffold.coder import encode_control
from sdfz.codec.scaffold.head import METHOD_ID, PAYLOAD, Head, read_head
from sdfz.codec.scaffold.stream import ScaffoldSymbols, bits_by_part, pack_encoded, pack_symbols, unpack_symbols
from sdfz.codec.scaffold.topology import topology
from sdfz.codec.scaffold.traversal import traverse
from sdfz.formats.container import Section
from sdfz.formats.errors import FormatError, LimitError, SdfzError, TruncatedError
from sdfz.formats.limits import DEFAULT
from strategies import rngs

HEAD_BYTES = 4  # where there are at most 127 vertices, one less for a closed surface without handles


def symbols_of(rng: np.random.Generator, **head: object) -> ScaffoldSymbols:
    """A random creased control mesh, as coded."""
    points, mesh = control_meshes.randomly_creased(rng)
    used, faces = np.unique(mesh.faces, return_inverse=True)
    faces = faces.reshape(-1, 3)
    fields = {"step": 60, "tangential": 2, "n_levels": 3, **head}
    chosen = Head(len(used), len(faces), **fields)  # type: ignore[arg-type]
    traversal = traverse(faces)
    n_edges = topology(traversal.faces, len(used)).n_edges
    encoded = encode_control(
        traversal,
        points[used] / chosen.unit,
        chosen.tangential_step,
        sharpness=rng.choice([0, 0, 0, 1, 2, 3, 255], n_edges).astype(np.uint8),
        pinned=rng.random(len(used)) < 0.2,
    )
    return ScaffoldSymbols(chosen, encoded.mesh)


SYMBOLS = symbols_of(np.random.default_rng(5))
(SECTION,) = pack_symbols(SYMBOLS)


def changed(**fields: int) -> Section:
    """The section with other values in its head, not said to be closed where `faces` is one of them."""
    values, end = PAYLOAD.unpack(SECTION.data)
    if "faces" in fields:
        values["refinement"] &= 0x7F
    return Section(1, PAYLOAD.pack({**values, **fields}) + SECTION.data[end:])


@settings(max_examples=30)
@given(rngs())
def test_round_trip(rng: np.random.Generator) -> None:
    symbols = symbols_of(rng)
    sections = pack_symbols(symbols)
    found = unpack_symbols(sections)
    assert found.head == symbols.head
    for name in ("positions", "sharpness", "pinned"):
        assert np.array_equal(getattr(found.mesh, name), getattr(symbols.mesh, name))
    assert np.array_equal(found.mesh.topology.faces, symbols.mesh.topology.faces)
    assert pack_symbols(found) == sections


@pytest.mark.parametrize(("n_vertices", "n_faces"), [(3, 1), (4, 4), (300, 596), (70, 200)])
def test_a_small_head_takes_few_bytes(n_vertices: int, n_faces: int) -> None:
    head = Head(n_vertices, n_faces, 80, 2, 3)
    packed = head.pack()
    assert len(packed) == HEAD_BYTES + (n_vertices > 127) - (n_faces == 2 * n_vertices - 4)
    assert read_head([Section(1, packed)]) == (head, len(packed))


@pytest.mark.parametrize(
    "wrong", [{"n_levels": 7}, {"tangential": 16}, {"is_plain": True, "n_levels": 1}, {"step": 169}]
)
def test_a_head_out_of_range_is_not_written(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="out of range|not in"):
        dataclasses.replace(SYMBOLS.head, **wrong).pack()  # type: ignore[arg-type]


def test_bits_add_up_to_the_bytes() -> None:
    total = sum(bits_by_part(SYMBOLS).values()) / 8
    assert len(SECTION.data) - HEAD_BYTES == pytest.approx(total, abs=3)


def test_an_encoding_is_used_as_it_is() -> None:
    mesh = SYMBOLS.mesh
    encoded = encode_control(traverse(mesh.topology.faces), mesh.positions.astype(float), 16)
    assert pack_encoded(SYMBOLS.head, encoded)[0].data == SYMBOLS.head.pack() + encoded.data


def test_the_method_has_its_number() -> None:
    assert METHOD_IDS["scaffold"] == METHOD_ID


def test_payload_is_that_of_the_format_document() -> None:
    document = resources.files("sdfz.formats").joinpath("SPEC.md").read_text(encoding="utf-8")
    assert PAYLOAD.markdown() in document


def test_a_summary_is_of_the_head_alone() -> None:
    section = Section(1, SYMBOLS.head.pack())
    assert summary_of(METHOD_ID, [section]) == {
        "vertices": SYMBOLS.head.n_vertices,
        "triangles": SYMBOLS.head.n_faces,
        "subdivisions": 3,
    }
    assert summary_of(1, [section]) == {}


# -- what is refused --------------------------------------------------------------------------------------------------


def test_a_second_section_is_refused() -> None:
    with pytest.raises(FormatError, match=r"sections \[1, 2\]"):
        unpack_symbols([SECTION, Section(2, b"more")])


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (changed(step=168), None),
        (changed(refinement=0x70, faces=2), None),
        (changed(faces=-4), "-4 is said by the highest bit"),
        (changed(faces=-2 * len(SYMBOLS.mesh.positions)), "0 faces are not allowed"),
        (changed(vertices=3, faces=-7), "-1 faces"),
        (Section(1, b""), "vertices"),
    ],
)
def test_heads(section: Section, message: str | None) -> None:
    if message is None:
        read_head([section])
        return
    with pytest.raises(FormatError, match=message):
        unpack_symbols([section])


def test_an_empty_payload_is_cut_short() -> None:
    with pytest.raises(TruncatedError):
        read_head([Section(1, b"")])


@pytest.mark.parametrize(
    ("limit", "value"), [("max_control_faces", 9), ("max_triangles", 64 * SYMBOLS.head.n_faces - 1), ("max_symbols", 9)]
)
def test_limits_come_before_allocation(limit: str, value: int) -> None:
    with pytest.raises(LimitError, match=limit):
        unpack_symbols([SECTION], limits=dataclasses.replace(DEFAULT, **{limit: value}))


def test_changed_bytes_give_some_mesh_or_an_error() -> None:
    """The checksum is elsewhere; here nothing worse may happen than another mesh."""
    rng = random.Random(0)
    limits = dataclasses.replace(DEFAULT, max_control_faces=2000)
    for _ in range(300):
        data = bytearray(SECTION.data)
        for _ in range(rng.choice([1, 1, 5])):
            data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
        try:
            found = unpack_symbols([Section(1, bytes(data))], limits=limits)
        except SdfzError:
            continue
        assert len(found.mesh.positions) == found.head.n_vertices
