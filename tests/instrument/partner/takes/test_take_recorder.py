"""What is kept can always be made again, and an hour of playing takes no memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from instrument.midi.messages import control_change, note_off, note_on, pitch_bend
from instrument.partner.commands import FollowLink, Learn, Lock, Silence, Tap, ThinkAgain
from instrument.partner.takes.replay import replay, replay_into
from instrument.partner.takes.take import NOTES_FILE, TAKE_FILE, read_take
from instrument.preset.partner_options import PartnerOptions
from tests.helpers.music.partner_stage import BEAT, tune
from tests.helpers.music.takes import Session
from tests.helpers.places import ROOT

STEPS = 800
pitches = st.integers(48, 60)
messages = st.one_of(
    st.builds(note_on, pitches, st.integers(0, 127), st.integers(0, 1)),
    st.builds(note_off, pitches, st.integers(0, 1)),
    st.builds(control_change, st.integers(0, 127), st.integers(0, 127)),
    st.sampled_from([b"\xf8", b"\xfa", b"\xfb", b"\xfc", b"\xfe", b"\xff", b"\xf2\x08\x00"]),
    st.binary(min_size=1, max_size=3).filter(lambda data: data[0] >= 0x80),
)
commands = st.one_of(
    st.sampled_from([Tap(), ThinkAgain(), Lock(), Silence(), Learn("key")]),
    st.builds(FollowLink, st.floats(-1e9, 1e9), st.floats(20, 999)),
)
sessions = st.lists(
    st.tuples(st.integers(0, STEPS), st.one_of(messages, commands), st.integers(0, 2)),
    max_size=120,
).map(lambda events: sorted(events, key=lambda event: event[0]))
options = st.builds(
    PartnerOptions,
    mode=st.sampled_from(["answer", "duet", "loop"]),
    model=st.just("ngram"),
    seed=st.integers(0, 9),
    clock=st.sampled_from(["internal", "midi", "link"]),
    tempo=st.floats(20, 400),
    silence_beats=st.just(0.25),
    loop_bars=st.just(1),
    bar_beats=st.integers(1, 5),
    end_control=st.sampled_from([None, 67]),
    metronome=st.booleans(),
    sends_clock=st.booleans(),
    out_early_milliseconds=st.floats(0, 500),
)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@example(  # Link beside a clock that runs: its beats were all clicked at once, in 22 GB and more
    PartnerOptions(mode="duet", model="ngram", clock="midi"),
    [(0, b"\xfa", 0), (1, b"\xf8", 0), (2, FollowLink(-1e9, 120.0), 0)],
    100_000,
)
@given(options, sessions, st.integers(300, 100_000))
def test_whatever_was_played_and_kept_is_read_and_made_again(
    chosen: PartnerOptions, events: list[tuple[int, object, int]], event_bytes: int
) -> None:
    session = Session(chosen, begins_at=4_711, event_bytes=event_bytes)
    for step in range(STEPS):
        while events and events[0][0] <= step:
            _, what, source = events.pop(0)
            if isinstance(what, bytes):
                session.recorder.hear(session.partner.frame, what, source)
            else:
                session.do(what)  # type: ignore[arg-type]
        session.messages += session.recorder.step()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        session.keep(folder)
        take = read_take(folder)
        again = replay(take)
        assert again == session.messages[: len(again)]
        if not session.recorder.problem:
            assert len(again) == len(session.messages)
        replay_into(folder, folder / "again.mid", lambda _: None)
        assert (folder / "again.mid").read_bytes() == (folder / NOTES_FILE).read_bytes()


@pytest.mark.parametrize("limit", [{"event_bytes": 300}, {"notes": 12}, {"seconds": 5.0}])
def test_a_take_that_is_full_ends_there_and_is_kept_up_to_there(
    limit: dict[str, float], tmp_path: Path
) -> None:
    session = Session(PartnerOptions(mode="duet", model="ngram"), **limit)  # type: ignore[arg-type]
    slow = [(0.75 * n, 0.5, 55 + 5 * n % 12) for n in range(60)]
    session.play(20 * BEAT, tune(slow))
    assert session.recorder.problem
    session.keep(tmp_path)
    take = read_take(tmp_path)
    assert take.last_frame < session.partner.frame
    again = replay(take)
    assert again == session.messages[: len(again)]
    replay_into(tmp_path, tmp_path / "again.mid", lambda _: None)
    assert (tmp_path / "again.mid").read_bytes() == (tmp_path / NOTES_FILE).read_bytes()


def test_what_changes_nothing_is_not_kept(tmp_path: Path) -> None:
    session = Session(PartnerOptions(model="ngram"))
    noise = [
        pitch_bend(77),
        b"\xd0\x33",
        b"\xa0\x40\x10",
        b"\xc0\x05",
        control_change(74, 9),
        b"\xf8",
        b"\xfe",
    ]
    session.play(BEAT, [(frame, data) for frame, data in enumerate(noise)])
    session.keep(tmp_path)
    assert read_take(tmp_path).heard == ()


def test_a_clock_that_wavers_at_its_start_leaves_tempos_in_order(tmp_path: Path) -> None:
    session = Session(PartnerOptions(model="ngram", clock="midi"), begins_at=0)
    ticks = [0, 1_000, 2_300, 3_000, 4_300, 5_000, 6_250, 7_000]
    clock = [(0, b"\xfa"), *((frame, b"\xf8") for frame in ticks)]
    session.play(BEAT, [*clock, (7_500, b"\xf2\x00\x00"), *((f + 8_000, b"\xf8") for f in ticks)])
    session.keep(tmp_path)
    assert read_take(tmp_path).heard


def test_the_take_is_one_json_file_with_an_event_a_line(tmp_path: Path) -> None:
    session = Session(PartnerOptions(model="ngram"))
    session.play(2 * BEAT, tune(((0.5, 0.5, 60),)))
    session.keep(tmp_path)
    lines = (tmp_path / TAKE_FILE).read_text(encoding="ascii").splitlines()
    assert lines[1:] == ['[12000,"903c5a",0],', '[24000,"803c00",0]]}']


MEMORY = """
import gc, sys
import numpy as np
from tests.helpers.music.takes import Session
from instrument.midi.messages import note_off, note_on, pitch_bend, control_change
from instrument.preset.partner_options import PartnerOptions

def resident() -> float:
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

session = Session(PartnerOptions(mode="answer", model="ngram", seed=1), begins_at=0)
recorder, random = session.recorder, np.random.default_rng(2)
sizes, down = [], []
for minute in range(int(sys.argv[1])):
    for second in range(60):
        for number in range(60):
            frame = recorder.partner.frame
            recorder.hear(frame, pitch_bend(number))
            if len(down) > 4 or (down and random.random() < 0.5):
                recorder.hear(frame, note_off(down.pop(0)))
            else:
                down.append(int(random.integers(40, 90)))
                recorder.hear(frame, note_on(down[-1], 90))
            if number % 4 == 0:
                recorder.step()
        while recorder.partner.frame < 48_000 * (60 * minute + second + 1):
            recorder.partner.time.frame += 48_000 // 4  # the time between costs nothing
            recorder.step()
    gc.collect()
    sizes.append(resident())
print(sizes[len(sizes) // 2], sizes[-1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_stands_still_while_notes_go_on() -> None:
    """Sixty notes or ends and sixty bends a second; the counts are full after two minutes."""
    minutes = 8
    run = subprocess.run(
        [sys.executable, "-c", MEMORY, str(minutes)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    half, whole = map(float, run.stdout.split())
    assert whole - half < 1.0 + (minutes / 2) / 60.0  # a megabyte of noise, and one an hour
