"""Anything at all on the cable: the engine stays sound, and its log tells what happened."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest

from instrument.midi.messages import note_on
from instrument.realtime.byte_stream import ByteStream
from instrument.realtime.control_input import ControlInput
from instrument.realtime.memory.constants import ALL_CHANNELS, LANES, PANIC, USE_BANK
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.fake_jack import RATE_HZ, FakeJack
from tests.helpers.music.wild_bytes import random_packets
from tests.helpers.sounds.tones import fill_bank

ROUNDS = int(os.environ.get("LATENTKEYS_FUZZ_ROUNDS", "6"))
BYTES = 24_000
SECONDS = 3
FRAMES = SECONDS * RATE_HZ
SOUND = {"cutoff_hz": 3_000.0, "resonance": 0.9, "gain_db": -6.0, "stereo_width": 0.5}


def prepare(state: EngineState) -> None:
    fill_bank(state, 1, range(24, 100, 3), frames=9_600)
    for name, value in SOUND.items():
        state.banks[1][name] = value
    state.control_ring.command(USE_BANK, 1, ALL_CHANNELS)


def check_bookkeeping(state: EngineState) -> None:
    """Compare every count that the kernel keeps with what it counts."""
    stages = state.voices["stage"].reshape(-1, LANES)
    assert np.array_equal(state.fields["sounding_groups"], (stages > 0).sum(axis=1))
    held_by = state.fields["held_by"]
    assert np.array_equal(state.fields["keys"]["held"], held_by.sum(axis=0, dtype=np.int32))
    assert int(state.fields["sensed_count"]) == int(state.fields["is_sensed"].sum())
    masters = state.channels["master"]
    assert np.isin(masters, (*np.flatnonzero(masters == np.arange(16)),)).all()


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_random_bytes(seed: int) -> None:
    jack = FakeJack(block_frames=random.Random(seed).choice((32, 100, 256)))
    state = jack.state
    prepare(state)
    history = state.read_log()
    sounds = [jack.play(random_packets(seed, BYTES, FRAMES), FRAMES)]
    check_bookkeeping(state)
    state.control_ring.command(PANIC)
    sounds.append(jack.play([], 4_800))
    check_bookkeeping(state)
    assert not state.voices["stage"].any(), "a stuck note"
    assert not state.fields["held_by"].any()
    sounds.append(jack.play([(0, b"\xff"), (10, note_on(60))], 4_800))
    assert int(state.meters["active_voices"]) == 1
    assert sounds[-1].any()

    live = np.concatenate(sounds)
    assert np.isfinite(live).all() and np.abs(live).max() <= 1.0 and live.any()
    assert int(state.meters["invalid_samples"]) == int(state.meters["lost_events"]) == 0
    assert int(state.meters["stray_bytes"]) > 0
    twin = OfflineEngine(RATE_HZ, 128)
    prepare(twin.state)
    twin.state.control_ring.pop()  # the log has it
    log = history.read()
    assert history.lost == 0
    twin.send_log(log)
    assert np.array_equal(twin.render(len(live)), live)


@pytest.mark.parametrize("seed", range(3))
def test_the_kernels_bytes_and_pythons_become_the_same_messages(seed: int) -> None:
    jack = FakeJack()
    jack.state.fields["goes_through"] = 1
    # So fast that no input is taken for dead in between, which would add messages of our own.
    packets = [(frame // 20, data) for frame, data in random_packets(seed, BYTES, FRAMES)[:4_000]]
    stream, expected = ByteStream(), []
    for _, data in packets:
        expected += [m[:3] for m in stream.messages(data) if m[0] < 0xF0]
    jack.play(packets, RATE_HZ // 4)
    sent = []
    while (event := jack.state.out_ring.pop()) is not None:
        sent.append((int(event["status"]), int(event["data1"]), int(event["data2"])))
    assert jack.state.out_ring.dropped == 0
    assert sent == expected


@pytest.mark.parametrize("status", [0, 1, 2, 3, 6, 0x40, 0x7F])
def test_a_stray_byte_is_no_command_whatever_way_it_comes(status: int) -> None:
    jack = FakeJack()
    state = jack.state
    prepare(state)
    jack.play([(0, note_on(60))], 1_000)
    jack.play([(0, bytes((status, 1, 127))), (1, bytes((status,)))], 1_000)
    for ring in (state.midi_ring, state.partner_ring, state.control_ring, state.engine_ring):
        ring.push(-1, status, 0, 127)
    ControlInput(state).send(bytes((status, 0, 127)))
    jack.play([], 4_800)
    assert int(state.meters["active_voices"]) == 1
    assert not state.fields["stopped"]
    assert state.channels["bank"].tolist() == [1] * 16
    assert int(state.meters["stray_bytes"]) >= 8
