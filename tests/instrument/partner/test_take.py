"""What was played can be kept, and made again to the byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from instrument.errors import FileError, SettingError
from instrument.midi.messages import control_change, note_off, note_on
from instrument.midi.phrases import read_phrase
from instrument.music.constraints import Constraints, Key
from instrument.music.note import Phrase, Tempo
from instrument.partner.commands import ThinkAgain
from instrument.partner.messages import SessionSettings
from instrument.partner.open_partner import open_partner
from instrument.partner.replay import composer_sha256, replay, replay_into
from instrument.partner.settings import PartnerControls, PartnerSettings
from instrument.partner.sounding_notes import Message
from instrument.partner.take import (
    FORMAT,
    NOTES_FILE,
    TAKE_FILE,
    Take,
    read_take,
    write_take,
)
from instrument.partner.take_events import TakeEvent
from tests.helpers.partner_stage import BEAT, RATE, TUNE, tune

CHOSEN = PartnerSettings(model="ngram", seed=5, answer_bars=1)
SETTINGS = SessionSettings(
    CHOSEN, PartnerControls(Constraints(key=Key(0, "major"), register=(48, 84)))
)


def play(
    settings: SessionSettings, events: list[tuple[int, bytes]], last_frame: int
) -> tuple[Take, list[Message], Phrase]:
    """Play live in virtual time and keep it."""
    partner = open_partner(settings, RATE)
    partner.begin_at(777)
    messages: list[Message] = []
    waiting = sorted(events, key=lambda event: event[0])
    heard = []
    while partner.frame + partner.step_frames <= last_frame:
        while waiting and waiting[0][0] <= partner.frame:
            frame, data = waiting.pop(0)
            heard.append(TakeEvent(frame, data.hex()))
            partner.hear(frame, data)
        if 9 * BEAT <= partner.frame < 9 * BEAT + partner.step_frames:
            heard.append(TakeEvent(partner.frame, ThinkAgain()))
            partner.do(ThinkAgain())
        messages += partner.step()
    take = Take(
        format=FORMAT,
        settings=settings,
        rate_hz=RATE,
        first_frame=777,
        last_frame=last_frame,
        composer_sha256=composer_sha256(settings.partner.model),
        heard=tuple(heard),
    )
    return take, messages, partner.journal.phrase(last_frame)


EVENTS = [*tune(), *tune(at_beats=8.5), (12 * BEAT + 5, control_change(64, 127))]


@pytest.mark.parametrize("mode", ["answer", "duet"])
@pytest.mark.parametrize("model", ["ngram", "note_lstm_tunes"])
def test_a_take_gives_the_same_messages_and_the_same_bytes(
    tmp_path: Path, mode: str, model: str
) -> None:
    settings = replace(SETTINGS, partner=replace(CHOSEN, mode=mode, model=model))  # type: ignore[arg-type]
    take, messages, notes = play(settings, EVENTS, 14 * BEAT)
    write_take(tmp_path, take, notes)
    assert read_take(tmp_path) == take
    assert replay(read_take(tmp_path)) == messages
    replay_into(tmp_path, tmp_path / "again.mid", lambda _: None)
    assert (tmp_path / "again.mid").read_bytes() == (tmp_path / NOTES_FILE).read_bytes()
    assert any(m.data[0] & 0xF0 == 0x90 for m in messages)


def test_the_notes_of_both_stand_in_tracks_of_their_own(tmp_path: Path) -> None:
    take, _, notes = play(SETTINGS, tune(), 12 * BEAT)
    write_take(tmp_path, take, notes)
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
    settings = replace(SETTINGS, clock="midi")
    partner = open_partner(settings, RATE)
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
        ({"heard": [[1, "903c64", -1]]}, "item 1 of heard"),
        ({"heard": [[1, {"type": "Dance"}]]}, "Dance"),
        ({"heard": [[1, {"type": "Learn", "knob": "volume"}]]}, "volume"),
        ({"heard": [[1, {"type": "FollowLink", "beats": 1e99, "bpm": 120}]]}, "beats"),
        ({"heard": [[1, {"type": "FollowLink", "beats": 1, "bpm": 0}]]}, "bpm"),
        ({"heard": {}}, "heard"),
        ({"rate_hz": 1e99}, "rate_hz"),
        ({"format": 99}, "Update"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_take_of_a_stranger_is_checked(
    tmp_path: Path, change: dict[str, object], says: str
) -> None:
    take, _, notes = play(SETTINGS, [], BEAT)
    write_take(tmp_path, take, notes)
    raw = msgspec.json.decode((tmp_path / TAKE_FILE).read_bytes()) | change
    (tmp_path / TAKE_FILE).write_bytes(msgspec.json.encode(raw))
    with pytest.raises(FileError) as problem:
        read_take(tmp_path)
    assert says in f"{problem.value.message} {problem.value.remedy}"


def test_a_take_that_never_ends_or_of_another_composer_is_refused() -> None:
    take, _, _ = play(SETTINGS, [], BEAT)
    with pytest.raises(FileError, match="more than a day"):
        replay(replace(take, last_frame=2**52))
    with pytest.raises(SettingError, match="another version"):
        replay(replace(take, composer_sha256="0" * 64))
