"""Golden and malformed files of the `lpdif` method: `python tests/golden/make_lpdif.py` makes them anew."""

import dataclasses
import random

import damage
import golden_lpdif
import numpy as np
import plain_decoder
import plain_lpdif
import pytest
from golden_lpdif import NAMES
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.gains import gain_of_code
from sdfz.codec.lpdif.model import LpdifField
from sdfz.codec.lpdif.shared import decoders_of_pack, pack_of_decoders
from sdfz.codec.lpdif.stream import pack_symbols, unpack_symbols
from sdfz.codec.lpdif.symbols import LpdifSymbols
from sdfz.codec.packs.lookup import PackSearch
from sdfz.formats import (
    ChecksumError,
    CorruptPackError,
    FormatError,
    LimitError,
    MissingPackError,
    ModelPack,
    PackMethodError,
    SdfzError,
    Section,
    TrailingDataError,
    TruncatedError,
    pack,
    unpack,
    write_model,
)
from sdfz.formats.limits import DEFAULT
from strategies import PRIORS_FILE, TABLES_FILE

TOLERANCE = 1e-5
MODEL = golden_lpdif.model()
HERE = PackSearch((), (golden_lpdif.FOLDER,))
NOWHERE = PackSearch((), ())
RING = golden_lpdif.stored_bytes("ring")
CONTAINER = unpack(RING)
PAYLOAD = bytes(CONTAINER.sections[0].data)
TIGHT = dataclasses.replace(DEFAULT, max_cells=2000, max_symbols=50_000, max_depth=6)


def read(data):
    return decode_bytes(data, packs=HERE, device="cpu")


READERS = pytest.mark.parametrize("reader", [read, check_bytes])


def resealed(payload):
    """A file of any payload whose checksums are right."""
    return pack(CONTAINER.header, [Section(1, payload)])


def assert_same(found, expected):
    for field in dataclasses.fields(LpdifSymbols):
        assert np.array_equal(getattr(found, field.name), getattr(expected, field.name)), field.name


@pytest.mark.parametrize("name", NAMES)
def test_bytes_become_these_symbols_and_symbols_these_bytes(name):
    container = unpack(golden_lpdif.stored_bytes(name))
    symbols, _, _ = golden_lpdif.load(name)
    assert_same(unpack_symbols(container.sections), symbols)
    assert pack_symbols(symbols) == list(container.sections)
    assert container.header.pack_hash == MODEL.short


@pytest.mark.parametrize("name", NAMES)
def test_distances(name):
    symbols, points, distances = golden_lpdif.load(name)
    found = LpdifField(symbols, decoders_of_pack(MODEL)).distance(points)
    scale = np.abs(distances).max()  # of networks made by hand, which answer with large numbers
    np.testing.assert_allclose(found, distances, rtol=TOLERANCE, atol=TOLERANCE * scale)


@pytest.mark.parametrize("name", NAMES)
def test_a_decoder_from_the_format_document_agrees(name):
    symbols, points, distances = golden_lpdif.load(name)
    (section,) = unpack(golden_lpdif.stored_bytes(name)).sections
    tables = plain_decoder.Tables(TABLES_FILE, PRIORS_FILE)
    field = plain_lpdif.decode(section.data, MODEL.arrays, tables)
    assert (field.depth, field.border) == (symbols.depth, symbols.border)
    assert list(field.gains) == [gain_of_code(code) for code in symbols.step_codes]
    for cell, network, code in zip(symbols.cells.tolist(), symbols.networks, symbols.codes, strict=True):
        region = field.regions[tuple(cell)]
        assert (region.network, region.code) == (network, tuple(code[: symbols.n_codes[network]].tolist()))
    assert [cell for cell in sorted(field.regions) if field.regions[cell].trimmed] == sorted(
        tuple(cell) for cell in symbols.trimmed.tolist()
    )
    assert field.parts == sorted(tuple(part) for part in symbols.parts.tolist())
    found = [field.distance(point) for point in points.astype(np.float64)]
    scale = np.abs(distances).max()
    np.testing.assert_allclose(found, distances, rtol=TOLERANCE, atol=TOLERANCE * scale)


def test_together_they_use_every_feature():
    ring, _, _ = golden_lpdif.load("ring")
    assert set(ring.networks.tolist()) == {0, 1, 2}
    assert 0 < len(ring.trimmed) < len(ring.cells)
    assert 0 < len(ring.parts) < 8 * len(ring.trimmed)
    assert np.abs(ring.codes).max() == 70_000
    smallest, _, _ = golden_lpdif.load("smallest")
    assert (ring.planes, smallest.planes) == (True, False)
    assert len(golden_lpdif.stored_bytes("smallest")) < 50


def test_the_pack_is_needed():
    with pytest.raises(MissingPackError, match=MODEL.short.hex()):
        decode_bytes(RING, packs=NOWHERE)
    header = dataclasses.replace(CONTAINER.header, pack_hash=None)
    with pytest.raises(FormatError, match="names no model pack, but the lpdif payload needs one"):
        read(pack(header, CONTAINER.sections))
    assert check_bytes(RING) == {
        "method": "lpdif",
        "depth": 3,
        "n_regions": 124,
        "n_easy": 65,
        "n_by_pattern": [29, 30],
        "n_codes": [4, 5],
        "n_trimmed": 22,
    }


# -- packs ------------------------------------------------------------------------------------------------------------


def test_packs_are_made_of_decoders():
    assert pack_of_decoders(decoders_of_pack(MODEL), {}).digest == MODEL.digest


def changed(**arrays):
    """The golden pack with other arrays; None leaves one out."""
    kept = {name: array for name, array in {**MODEL.arrays, **arrays}.items() if array is not None}
    return ModelPack("lpdif", 1, kept)


@pytest.mark.parametrize(
    "arrays",
    [
        {"more": np.float16([1])},
        {"centres": None},
        {"centres": np.zeros((3, 4), np.float16)},
        {"coarse0": None},
        {"coarse1": np.zeros((8, 10), np.float16)},
        {"coarse1": np.zeros((8, 12), np.float16), "coarse2": np.zeros((1, 12), np.float16)},  # the point goes in twice
        {"coarse2": np.zeros((2, 9), np.float16)},
        {"coarse3": np.zeros((4, 5), np.float16)},  # planes of longer codes
        {"coarse3": np.zeros((3, 4), np.float16)},
        {"coarse1": None, "coarse2": None},
        {"pattern0_1": np.zeros((8, 12), np.float16)},  # another shape than that of pattern 1
        {"pattern1_0": np.zeros((8, 9), np.int8)},
        {f"pattern{k}_{i}": None for k in range(2) for i in range(6)},
    ],
)
def test_what_are_no_decoders(arrays):
    with pytest.raises(CorruptPackError, match="are not the decoders of regions"):
        decoders_of_pack(changed(**arrays))


def test_another_layout():
    with pytest.raises(PackMethodError, match="layout 2 is unknown"):
        decoders_of_pack(dataclasses.replace(MODEL, layout=2))


def test_a_pack_for_other_codes(tmp_path):
    """A pack that is whole and of the method, but whose networks take codes of other sizes."""
    planes = np.zeros((4, 6), np.float16)
    other = changed(coarse0=np.zeros((8, 10), np.float16), coarse3=planes, centres=np.zeros((2, 6), np.float16))
    write_model(tmp_path / "other.sdfm", other)
    data = pack(dataclasses.replace(CONTAINER.header, pack_hash=other.short), CONTAINER.sections)
    with pytest.raises(FormatError, match=r"codes of \(4, 5, 5\) numbers, but model pack .* \(6, 5, 5\)"):
        decode_bytes(data, packs=PackSearch((), (tmp_path,)))


# -- damage and malice ------------------------------------------------------------------------------------------------


@READERS
def test_every_truncation_and_every_change_is_refused(reader):
    damage.check_truncations(reader, RING)
    damage.check_changes(reader, RING)


def test_changed_and_random_payloads():
    """Under right checksums: refused, or some symbols; nothing worse."""
    rng = random.Random(0)
    n_refused = 0
    for trial in range(150):
        changed = bytearray(PAYLOAD)
        if trial % 3:
            changed[rng.randrange(len(changed))] ^= rng.randrange(1, 256)
        else:
            changed[5:] = rng.randbytes(rng.randrange(300))
        try:
            check_bytes(resealed(bytes(changed)), limits=TIGHT)
        except SdfzError:
            n_refused += 1
    assert n_refused > 120  # the coded data no longer ends where its symbols do


def test_changed_payloads_that_are_accepted_can_be_meshed():
    """The last bytes of the numbers say something of the last codes only."""
    symbols, _, _ = golden_lpdif.load("ring")
    wild = dataclasses.replace(symbols, codes=symbols.codes * 20)
    shape = read(resealed(pack_symbols(wild)[0].data))
    shape.triangles(16)


def test_limits_come_before_memory():
    cells = np.argwhere(np.ones((16,) * 3)).astype(np.int32)
    n = len(cells)
    many = LpdifSymbols(4, cells, 5, np.zeros(n, np.int32), (1, 1), (0, 0), np.zeros((n, 1), np.int32))
    data = resealed(pack_symbols(many)[0].data)
    assert len(data) < 600
    with pytest.raises(LimitError, match="max_cells allows 2000"):
        check_bytes(data, limits=TIGHT)
    with pytest.raises(LimitError, match="max_symbols"):
        check_bytes(data, limits=dataclasses.replace(DEFAULT, max_symbols=10_000))


MALFORMED = {
    "border-13": (FormatError, "border: 13 is not in 0..12"),
    "depth-0": (FormatError, "depth: 0 is not in 1..8"),
    "depth-9": (FormatError, "depth: 9 is not in 1..8"),
    "empty-payload": (TruncatedError, "lpdif payload: depth"),
    "flipped-bit": (ChecksumError, "section 1: CRC-32"),
    "no-cell": (FormatError, "an occupied cell of level 0 has no child"),
    "no-numbers": (FormatError, "coded numbers"),
    "codes-too-short-for-planes": (FormatError, "codes of 3 numbers have no plane"),
    "no-patterns": (FormatError, "patterns: 0 is not in 1..16"),
    "numbers-go-on": (TrailingDataError, "bytes follow the end of the coded data"),
    "octree-beyond-the-end": (FormatError, "an octree of 611 bytes, but 610 follow"),
    "octree-ends-with-zero": (FormatError, "ends with a zero byte"),
    "octree-goes-on": (TrailingDataError, "goes on after its last symbol"),
    "patterns-17": (FormatError, "patterns: 17 is not in 1..16"),
    "planes-2": (FormatError, "planes: 2 is not in 0..1"),
    "section-too-many": (FormatError, r"sections \[1, 2\] are not one base section"),
    "zero-after-the-numbers": (FormatError, "does not end as it must"),
}


def test_every_malformed_file_has_its_error():
    assert {path.stem for path in golden_lpdif.MALFORMED.glob("*.sdfz")} == set(MALFORMED)


@pytest.mark.parametrize("name", MALFORMED)
@READERS
def test_malformed(name, reader):
    kind, message = MALFORMED[name]
    with pytest.raises(kind, match=message):
        reader((golden_lpdif.MALFORMED / f"{name}.sdfz").read_bytes())
