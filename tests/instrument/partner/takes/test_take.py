"""What was played can be kept, and made again to the byte."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from instrument.errors import FileError, SettingError
from instrument.midi.messages import control_change, note_off, note_on
from instrument.midi.phrases import read_phrase
from instrument.music.note import Tempo
from instrument.partner.commands import ThinkAgain
from instrument.partner.open_partner import open_partner
from instrument.partner.takes.replay import replay, replay_into
from instrument.partner.takes.take import NOTES_FILE, TAKE_FILE, read_take
from instrument.preset.partner_options import PartnerOptions
from tests.helpers.music.partner_stage import BEAT, RATE, TUNE, tune
from tests.helpers.music.takes import Session

OPTIONS = PartnerOptions(
    model="ngram", seed=5, answer_bars=1, key="C", lowest_pitch=48, highest_pitch=84
)
EVENTS = [*tune(), *tune(at_beats=8.5), (12 * BEAT + 5, control_change(64, 127))]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["answer", "duet"])
@pytest.mark.parametrize("model", ["ngram", "note_lstm_tunes"])
def test_a_take_gives_the_same_messages_and_the_same_bytes(
    tmp_path: Path, mode: str, model: str
) -> None:
    session = Session(replace(OPTIONS, mode=mode, model=model))  # type: ignore[arg-type]
    session.play(9 * BEAT, [event for event in EVENTS if event[0] < 9 * BEAT])
    session.do(ThinkAgain())
    session.play(14 * BEAT, [event for event in EVENTS if event[0] >= 9 * BEAT])
    session.keep(tmp_path)
    assert replay(read_take(tmp_path)) == session.messages
    replay_into(tmp_path, tmp_path / "again.mid", lambda _: None)
    assert (tmp_path / "again.mid").read_bytes() == (tmp_path / NOTES_FILE).read_bytes()
    assert any(m.data[0] & 0xF0 == 0x90 for m in session.messages)


def test_the_notes_of_both_stand_in_tracks_of_their_own(tmp_path: Path) -> None:
    session = Session(OPTIONS)
    session.play(12 * BEAT, tune())
    session.keep(tmp_path)
    phrase = read_phrase(tmp_path / NOTES_FILE)
    assert [track.name for track in phrase.tracks] == ["player", "partner", "partner out"]
    player = phrase.tracks[0].notes
    assert [note.pitch for note in player] == [pitch for _, _, pitch in TUNE]
    starts = [note.start_beats for note in player]
    late = (777 + 960) / BEAT  # what comes before beat 0 is put there
    assert starts == pytest.approx([max(0.0, start - late) for start, _, _ in TUNE], abs=0.01)
    answer = phrase.tracks[1].notes
    assert answer[0].start_beats == pytest.approx(4.0, abs=1e-3)
    assert phrase.tempos == (Tempo(0.0, 120.0),)


def test_a_clock_that_jumps_leaves_a_file_that_goes_forward() -> None:
    partner = open_partner(replace(OPTIONS, clock="midi"), RATE)
    partner.hear(0, b"\xfa")
    for number in range(24 * 8):
        frame = number * 1_000
        while partner.frame < frame:
            partner.step()
        if number == 100:
            partner.hear(frame, bytes((0xF2, 0, 0)))  # back to the beginning
        partner.hear(frame, b"\xf8")
        if number % 24 == 0:
            partner.hear(frame, note_on(60 + number // 24))
            partner.hear(frame + 400, note_off(60 + number // 24))
    player = partner.journal.phrase(partner.frame).tracks[0].notes
    starts = np.array([note.start_beats for note in player])
    assert [note.pitch for note in player] == list(range(60, 68))
    assert (np.abs(np.diff(starts) - 1.0) < 0.1).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"heard": [[1, "9"]]}, "item 1 of heard"),
        ({"heard": [[1, "903c64"], [2, "90"]]}, "item 2 of heard"),
        ({"heard": [[-1, "903c64"]]}, "item 1 of heard"),
        ({"heard": [[1, "903c80"]]}, "item 1 of heard"),
        ({"heard": [[1, "903c64\n"]]}, "item 1 of heard"),
        ({"heard": [[1, "903c64", -1]]}, "item 1 of heard"),
        ({"heard": [[1, {"type": "Dance"}]]}, "Dance"),
        ({"heard": [[1, {"type": "Keep"}]]}, "Keep"),
        ({"heard": [[1, {"type": "Learn", "knob": "volume"}]]}, "volume"),
        ({"heard": [[1, {"type": "FollowLink", "beats": 1e99, "bpm": 120}]]}, "beats"),
        ({"heard": [[1, {"type": "FollowLink", "beats": 1, "bpm": 0}]]}, "bpm"),
        ({"heard": [[48_000_000, "903c64"]]}, "item 1 of heard must lie between"),
        ({"heard": {}}, "heard"),
        ({"options": {"tempo": 0}}, "20..400 bpm, got 0"),
        ({"options": {"key": "H"}}, "key"),
        ({"options": {"lowest_pitch": 61, "highest_pitch": 61, "key": "C"}}, "register"),
        ({"rate_hz": 1e99}, "rate_hz"),
        ({"last_frame": 2**52}, "a day at most"),
        ({"last_frame": 0}, "last_frame must come after first_frame"),
        ({"format": 99}, "Update"),
        ({"format": 0}, "format"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_take_of_a_stranger_is_checked(
    tmp_path: Path, change: dict[str, object], says: str
) -> None:
    Session(OPTIONS).keep(tmp_path)
    raw = msgspec.json.decode((tmp_path / TAKE_FILE).read_bytes()) | change
    (tmp_path / TAKE_FILE).write_bytes(msgspec.json.encode(raw))
    with pytest.raises(FileError) as problem:
        read_take(tmp_path)
    assert says in f"{problem.value.message} {problem.value.remedy}"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("one_byte", "item 1 of heard"),
        ("link_inf_inf", "item 1 of heard"),
        ("bpm_0", "tempo must be in 20..400 bpm, got 0"),
        ("bpm_1e9", "tempo must be in 20..400 bpm, got 1000000000.0"),
        ("polyphony_-1", "polyphony must be in 1..32 notes (a whole number), got -1"),
    ],
)
def test_a_hostile_take_of_format_1_is_refused_with_its_fault(name: str, says: str) -> None:
    with pytest.raises(FileError, match=re.escape(says)):
        read_take(Path(__file__).parent / "hostile_takes" / f"{name}.json")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"{" * 10**6, b'{"format": 1}'])
def test_what_is_no_take_at_all_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / TAKE_FILE).write_bytes(content)
    with pytest.raises(FileError):
        read_take(tmp_path)


def test_a_take_of_another_composer_is_refused(tmp_path: Path) -> None:
    Session(OPTIONS).keep(tmp_path)
    take = read_take(tmp_path)
    with pytest.raises(SettingError, match="another version"):
        replay(replace(take, composer_sha256="0" * 64))
