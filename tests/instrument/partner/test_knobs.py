"""Knobs, the click and the clock that others follow."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import get_args

import msgspec
import numpy as np
import pytest

from instrument.errors import FileError
from instrument.midi.messages import control_change
from instrument.music.constraints import Key
from instrument.music.transport import Transport
from instrument.partner.clocks.metronome import CLICK_CHANNEL
from instrument.partner.clocks.midi_clock import ClockFollower
from instrument.partner.commands import Tap
from instrument.partner.knobs import KNOBS, KnobBoard, change_in_words
from instrument.partner.modes.duet import Duet
from instrument.preset.partner_options import USUAL_KNOBS, KnobName, PartnerOptions
from instrument.schema import decode
from tests.helpers.music.partner_stage import BEAT, RATE, TO_OUT, make_partner, run, strikes, tune


def test_every_knob_gives_sound_options_over_its_whole_way() -> None:
    for knob in KNOBS.values():
        turned = [replace(PartnerOptions(), **knob.at(value / 127.0)) for value in range(128)]
        assert turned[0] != turned[127]
        for options in turned:
            raw = msgspec.to_builtins(options)
            assert decode(raw, PartnerOptions, "a knob", FileError) == options
            assert options.constraints().allowed_pitches().any()
    assert set(KNOBS) == set(get_args(KnobName)) >= set(USUAL_KNOBS.values())


def test_what_a_knob_has_turned_is_said() -> None:
    before = PartnerOptions()
    turned = replace(before, **KNOBS["temperature"].at(0.0))
    assert change_in_words(before, turned) == "temperature 0.25"
    assert change_in_words(before, before) == ""


def test_a_knob_is_learned_by_turning_it_and_leaves_its_old_controller() -> None:
    board = KnobBoard({"cc20": "temperature", "cc21": "blend"})
    board.learn("blend")
    assert board.turn(20, 127, PartnerOptions()) == PartnerOptions(blend=1.0)
    assert board.bound == {"cc20": "blend"}
    assert board.turn(99, 5, PartnerOptions()) == PartnerOptions()


def test_a_key_that_is_turned_is_heard_within_a_beat() -> None:
    partner = make_partner(Duet())
    slow = [(float(n), 0.8, 60 + n % 3) for n in range(12)]
    run(partner, 8.3, tune(slow))
    turned = partner.frame
    f_sharp = round(7 / 24 * 127)
    after = run(partner, 14.0, [(turned, control_change(22, f_sharp)), *tune(slow)[16:]])
    assert partner.phrasing.constraints.key == Key(6, "major")
    late = [m for m in strikes(after) if m.frame >= turned + BEAT]
    scale = Key(6, "major").pitch_classes
    assert late and all(scale[m.data[1] % 12] for m in late)


def test_a_count_in_clicks_before_the_first_beat_and_a_metronome_goes_on() -> None:
    partner = make_partner(count_in_bars=1, metronome=True)
    partner.begin_at(1_000)
    clicks = [m for m in run(partner, 8.0) if m.data[0] == 0x90 | CLICK_CHANNEL]
    assert [m.frame for m in clicks] == [1_960 + n * BEAT for n in range(len(clicks))]
    assert [m.data[1] for m in clicks[:5]] == [96, 84, 84, 84, 96]
    counted = make_partner(count_in_bars=1)
    counted.begin_at(0)
    assert len([m for m in run(counted, 8.0) if m.data[0] == 0x90 | CLICK_CHANNEL]) == 4


def test_a_clock_that_we_send_leads_a_follower_to_our_position() -> None:
    partner = make_partner(sends_clock=True)
    sent = [m for m in run(partner, 16.0) if m.to == TO_OUT]
    assert sent[0].data == b"\xfa"
    ticks = np.array([m.frame for m in sent if m.data == b"\xf8"])
    assert set(np.diff(ticks)[1:]) == {1_000}  # the first one is late: it begins now
    follower = ClockFollower(Transport.at_tempo(90.0, RATE))
    for message in sent:
        follower.hear(message.frame, message.data)
    assert follower.transport.bpm == pytest.approx(120.0)
    assert follower.transport.beats_at(16 * BEAT) == pytest.approx(16.0, abs=1e-3)


def test_a_clock_that_we_send_ends_with_a_stop() -> None:
    partner = make_partner(sends_clock=True)
    run(partner, 1.0)
    assert partner.end()[-1].data == b"\xfc"


def test_a_tap_changes_the_tempo_of_the_clock_without_a_jump() -> None:
    partner = make_partner(sends_clock=True)
    messages = run(partner, 2.0)
    for _ in range(4):
        partner.do(Tap())
        messages += run(partner, (partner.frame + 16_000) / BEAT)  # 180 bpm
    messages += run(partner, 8.0)
    ticks = [m.frame for m in messages if m.data == b"\xf8"]
    gaps = [b - a for a, b in pairwise(ticks)]
    assert gaps[1:20] == [1_000] * 19
    assert np.mean(gaps[-20:]) == pytest.approx(16_000 / 24, rel=0.01)
    assert min(gaps) > 500 and max(gaps) < 1_200
