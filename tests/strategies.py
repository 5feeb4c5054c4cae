"""Hypothesis strategies for what a file holds; each shrinks to its simplest case."""

from hypothesis import settings
from hypothesis import strategies as st
from sdfz.formats import Container, Frame, Header, MeasuredErrors, Metadata, Section
from sdfz.formats.container import BASE_ID, MAX_SECTION_ID
from sdfz.formats.frame import MAX_CENTRE_STEPS, MAX_SCALE_CODE, MIN_SCALE_CODE
from sdfz.formats.header import DIAGONAL_STEPS, PACK_HASH_BYTES
from sdfz.formats.kinds import has_control_characters
from sdfz.formats.metadata import MAX_COUNT, MAX_NAME_BYTES, MAX_UNITS_BYTES

# Machines are shared: a slow moment is not a failure.
settings.register_profile("sdfz", deadline=None)
settings.load_profile("sdfz")

centre_steps = st.integers(-MAX_CENTRE_STEPS, MAX_CENTRE_STEPS)
frames = st.builds(
    Frame,
    scale_code=st.integers(MIN_SCALE_CODE, MAX_SCALE_CODE),
    centre_steps=st.tuples(centre_steps, centre_steps, centre_steps),
)

fractions = st.floats(0, 1)
headers = st.builds(
    Header,
    method=st.integers(1, 255),
    frame=frames,
    errors=st.builds(MeasuredErrors, fractions, fractions, fractions),
    diagonal=st.integers(1, 4 * DIAGONAL_STEPS - 1).map(lambda steps: steps / DIAGONAL_STEPS),
    pack_hash=st.none() | st.binary(min_size=PACK_HASH_BYTES, max_size=PACK_HASH_BYTES),
)


def texts(max_bytes: int) -> st.SearchStrategy[str]:
    """Strings of at most `max_bytes` bytes of UTF-8 without control characters."""
    letters = st.characters(codec="utf-8").filter(lambda c: not has_control_characters(c))
    return st.text(letters, max_size=max_bytes).filter(lambda text: len(text.encode()) <= max_bytes)


metadatas = st.builds(
    Metadata,
    name=st.none() | texts(MAX_NAME_BYTES),
    units=st.none() | texts(MAX_UNITS_BYTES),
    n_vertices=st.none() | st.integers(0, MAX_COUNT),
    n_faces=st.none() | st.integers(0, MAX_COUNT),
)


@st.composite
def containers(draw: st.DrawFn) -> Container:
    """Whole files: one to five sections, metadata or none."""
    finer = draw(st.sets(st.integers(BASE_ID + 1, MAX_SECTION_ID), max_size=4))
    sections = tuple(Section(i, draw(st.binary(max_size=200))) for i in [BASE_ID, *sorted(finer)])
    metadata = draw(st.none() | metadatas.filter(bool))
    return Container(draw(headers), sections, metadata)
