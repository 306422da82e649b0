"""The partner in a host's time: the same place in the song gives the same music."""

from __future__ import annotations

import time

import msgspec
import pytest

from instrument.partner.messages import PLAYER, View
from instrument.plugin.host_partner import VIEW_SECONDS, HostPartner, in_a_host
from instrument.preset.partner_options import PartnerOptions

RATE_HZ = 48_000
BEAT = 24_000  # frames, at 120 bpm
TUNE = (60, 62, 64, 67, 64, 62, 60, 60)  # a bar and a half in eighths, then a rest


def partner(**options: object) -> HostPartner:
    chosen = PartnerOptions(model="ngram", **options)  # type: ignore[arg-type]
    return HostPartner(in_a_host(chosen), RATE_HZ)


def heard(beat_frames: int = BEAT) -> list[tuple[int, str]]:
    """Spell the tune as what the plug-in says, with its frames."""
    lines = []
    for number, pitch in enumerate(TUNE):
        begin = number * beat_frames // 2
        end = begin + beat_frames * 2 // 5
        lines += [(begin, f"HEAR {begin} 144 {pitch} 90"), (end, f"HEAR {end} 128 {pitch} 0")]
    return sorted(lines)


def play(
    player: HostPartner, run: int, block: int, begin: str = "0 120 4", beats: int = 12
) -> list[str]:
    """Go through some beats in blocks; return what is played, without the run's number."""
    said = list(player.take(f"RUN {run} {begin}"))
    waiting = heard()
    for until in range(block, beats * BEAT + 1, block):
        while waiting and waiting[0][0] < until:
            said += player.take(waiting.pop(0)[1])
        said += player.take(f"UNTIL {until}")
        assert said[-1] == f"LIVED {run} {until}"
    words = [line.split() for line in said if line.startswith("PLAY")]
    assert {word[1] for word in words} <= {str(run)}
    return [" ".join(word[2:]) for word in words]


def strikes(lines: list[str]) -> list[int]:
    """Return the frames of the notes among our voices that begin."""
    words = [line.split() for line in lines]
    return [int(w[0]) for w in words if w[1] == "0" and int(w[2]) >> 4 == 9]


def test_blocks_and_what_was_played_before_change_nothing() -> None:
    player = partner()
    first = play(player, 1, 480)
    assert strikes(first)
    assert play(player, 2, 1000) == first
    assert play(partner(), 1, 480) == first


def test_another_seed_or_bar_gives_other_music() -> None:
    first = play(partner(), 1, 480)
    assert play(partner(seed=7), 1, 480) != first
    assert play(partner(), 1, 480, begin="32 120 4") != first


def test_answers_on_the_hosts_beat() -> None:
    late = 0.25  # of a beat, at frame 0
    frames = strikes(play(partner(), 1, 480, begin=f"{8 + late} 120 4"))
    first = frames[0] / BEAT + late
    assert abs(first - round(first)) < 1e-3


def test_follows_a_new_tempo() -> None:
    player = partner()
    said = list(player.take("RUN 1 0 120 4"))
    for _, line in heard():
        said += player.take(line)
    turn = 4 * BEAT
    said += player.take(f"TEMPO {turn} 4 60")  # a beat is twice as long from there on
    said += player.take(f"UNTIL {turn + 8 * 2 * BEAT}")
    words = [line.split() for line in said if line.startswith("PLAY")]
    begins = strikes([" ".join(word[2:]) for word in words])
    beat = 4 + (begins[0] - turn) / (2 * BEAT)
    assert abs(beat - round(beat)) < 1e-3


def test_a_song_that_stands_still_has_no_partner() -> None:
    player = partner()
    play(player, 1, 480)
    assert not list(player.take("STOP 0"))
    assert list(player.take("UNTIL 99999999")) == ["LIVED 1 99999999"]


@pytest.mark.parametrize(
    "line",
    ["", "RUN", "RUN 1 x 120 4", "HEAR 1 300 0 0", "UNTIL 999999999999", "WHAT 1", "TEMPO 1 2"],
)
def test_what_is_no_line_is_refused(line: str) -> None:
    player = partner()
    list(player.take("RUN 1 0 120 4"))
    with pytest.raises(ValueError):
        list(player.take(line))


def test_the_host_has_tempo_click_and_clock() -> None:
    options = in_a_host(PartnerOptions(clock="player", metronome=True, count_in_bars=2))
    assert (options.clock, options.metronome, options.count_in_bars) == ("internal", False, 0)
    assert in_a_host(None) == in_a_host(PartnerOptions(seed=0))


def test_who_watches_sees_what_it_is_going_to_play() -> None:
    player = partner()
    assert not list(player.take("LOOK 1"))
    said = [line for line in lines_of(player, 6) if line.startswith("VIEW ")]
    view = msgspec.json.decode(said[0].removeprefix("VIEW "), type=View)
    assert view.is_running and view.mode == "answer" and view.bpm == 120.0
    plans = [msgspec.json.decode(line.removeprefix("VIEW "), type=View) for line in said]
    assert any(
        note.part != PLAYER and note.start > now.beats for now in plans for note in now.notes
    )


def lines_of(player: HostPartner, beats: int) -> list[str]:
    """Play the tune as fast as views come; return all that is said."""
    said, waiting = list(player.take("RUN 1 0 120 4")), heard()
    for until in range(BEAT // 4, beats * BEAT + 1, BEAT // 4):
        while waiting and waiting[0][0] < until:
            said += player.take(waiting.pop(0)[1])
        said += player.take(f"UNTIL {until}")
        time.sleep(VIEW_SECONDS * 1.1)
    return said


def test_it_does_what_its_panel_asks_for() -> None:
    player = partner()
    list(player.take('DO {"type":"Lock"}'))  # nothing plays yet
    list(player.take("LOOK 1"))
    list(player.take("RUN 1 0 120 4"))
    list(player.take('DO {"type":"Lock"}'))
    said = [line for line in player.take("UNTIL 480") if line.startswith("VIEW ")]
    assert msgspec.json.decode(said[0].removeprefix("VIEW "), type=View).is_locked
    with pytest.raises(msgspec.MsgspecError):
        list(player.take('DO {"type":"Explode"}'))
