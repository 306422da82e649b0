"""Track events against the standard's own table of numbers, and there and back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instrument.midi.chunks import Damage
from instrument.midi.messages import SYSEX, SYSEX_END
from instrument.midi.track_events import END_OF_TRACK, META, MidiEvent, chunk_of, events_of

END = MidiEvent(0, END_OF_TRACK, b"")

# "Standard MIDI Files 1.0" (RP-001), page 2: examples of variable-length quantities.
NUMBERS = [
    (0x00000000, "00"),
    (0x00000040, "40"),
    (0x0000007F, "7f"),
    (0x00000080, "81 00"),
    (0x00002000, "c0 00"),
    (0x00003FFF, "ff 7f"),
    (0x00004000, "81 80 00"),
    (0x00100000, "c0 80 00"),
    (0x001FFFFF, "ff ff 7f"),
    (0x00200000, "81 80 80 00"),
    (0x08000000, "c0 80 80 00"),
    (0x0FFFFFFF, "ff ff ff 7f"),
]


@pytest.mark.parametrize(("tick", "encoded"), NUMBERS)
def test_numbers_are_written_and_read_as_in_the_standard(tick: int, encoded: str) -> None:
    body = bytes.fromhex(encoded) + b"\xff\x2f\x00"
    end = END._replace(tick=tick)
    assert chunk_of([end]) == body
    assert events_of(body, Damage()) == [end]


channel_messages = st.builds(
    lambda status, data: (status, bytes(data[: 1 if 0xC0 <= status < 0xE0 else 2])),
    st.integers(0x80, 0xEF),
    st.tuples(st.integers(0, 127), st.integers(0, 127)),
)
meta_events = st.tuples(
    st.integers(META, META + 0x7F).filter(lambda status: status != END_OF_TRACK),
    st.binary(max_size=300),
)


system_exclusive = st.tuples(st.sampled_from([SYSEX, SYSEX_END]), st.binary(max_size=300))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.integers(0, 2**28 - 1), channel_messages | meta_events | system_exclusive),
        max_size=10,
    )
)
def test_events_come_back_equal(steps: list[tuple[int, tuple[int, bytes]]]) -> None:
    events, now = [], 0
    for delta, (status, data) in steps:
        now += delta
        events.append(MidiEvent(now, status, data))
    events.append(END._replace(tick=now))
    assert events_of(chunk_of(events), Damage()) == events


def test_a_gap_longer_than_any_number_is_bridged() -> None:
    events = events_of(chunk_of([END._replace(tick=10**9)]), Damage())
    assert events[-1] == END._replace(tick=10**9)
    assert all(event.data == b"" for event in events[:-1])
