"""Other people's hosts load the VST3, and sound as `latentkeys render` does, to the bit."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from instrument.plugin.places import Binary, this_target
from tests.helpers.plugin.stage import RATE_HZ, four_notes, note_messages, rendered, without_reverb

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
BLOCK_FRAMES = 480

Audio = NDArray[np.float32]
Host = Callable[[Path, Path, int, bytes | None], tuple[Audio, bytes]]
"""What a host plays and saves: a new instance whose reverb it takes away, or a recalled one."""


def in_pedalboard(vst3: Path, _: Path, frames: int, song: bytes | None) -> tuple[Audio, bytes]:
    from pedalboard import VST3Plugin

    instrument: Any = VST3Plugin(str(vst3))  # its stubs do not have all of it
    assert instrument.is_instrument
    if song is None:
        instrument.parameters["reverb"].raw_value = 0.0
    else:
        instrument.raw_state = song
    seconds = frames / RATE_HZ
    messages: list[Any] = list(note_messages(four_notes()))
    instrument(messages, duration=seconds, sample_rate=RATE_HZ)  # waits for the tones
    audio = instrument(messages, duration=seconds, sample_rate=RATE_HZ, reset=True)
    return audio, bytes(instrument.raw_state)


def in_minihost(vst3: Path, _: Path, frames: int, song: bytes | None) -> tuple[Audio, bytes]:
    import minihost

    with minihost.Plugin(str(vst3), sample_rate=RATE_HZ, max_block_size=BLOCK_FRAMES) as plugin:
        plugin.non_realtime = True
        if song is None:
            plugin.set_param_by_name("Reverb", 0.0)
        else:
            plugin.set_state(song)
        silence = np.zeros((max(plugin.num_input_channels, 2), BLOCK_FRAMES), np.float32)
        out = np.zeros((2, BLOCK_FRAMES), np.float32)
        plugin.process(silence, out)  # waits for the tones
        plugin.reset()
        events = [(round(at * RATE_HZ), *data) for data, at in note_messages(four_notes())]
        pieces = []
        for begin in range(0, frames, BLOCK_FRAMES):
            due: list[Any] = [
                (at - begin, *data) for at, *data in events if begin <= at < begin + BLOCK_FRAMES
            ]
            plugin.process_midi(silence, out, due)
            pieces.append(out.copy())
        return np.concatenate(pieces, axis=1), bytes(plugin.get_state())


def in_dawdreamer(
    vst3: Path, scratch: Path, frames: int, song: bytes | None
) -> tuple[Audio, bytes]:
    import dawdreamer

    engine = dawdreamer.RenderEngine(RATE_HZ, 512)
    synth = engine.make_plugin_processor("synth", str(vst3))
    state = scratch / "state"
    if song is None:
        names = [entry["name"] for entry in synth.get_parameters_description()]
        synth.set_parameter(names.index("Reverb"), 0.0)
    else:
        state.write_bytes(song)
        with suppress(RuntimeError):  # it has loaded it, and then wants a window to show it
            synth.load_state(str(state))
    engine.load_graph([(synth, [])])
    engine.render(0.1)  # waits for the tones
    messages = note_messages(four_notes())
    for (data, start), (_, end) in zip(messages[::2], messages[1::2], strict=True):
        synth.add_midi_note(data[1], data[2], start, end - start)
    engine.render(frames / RATE_HZ)
    synth.save_state(str(state))
    return np.asarray(engine.get_audio(), np.float32), state.read_bytes()


def in_its_process(host: Host, *arguments: Any) -> tuple[Audio, bytes]:
    """Run a host alone: several in one process, each with its threads, crash one another."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(host, *arguments).result()


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="installed on Linux alone")


@pytest.mark.parametrize(
    "host",
    [
        in_pedalboard,
        pytest.param(in_minihost, marks=LINUX),
        pytest.param(in_dawdreamer, marks=LINUX),
    ],
)
def test_sounds_as_render_does_and_recalls_it(
    binaries: Path, home: Path, tmp_path: Path, host: Host
) -> None:
    expected = rendered(four_notes(), str(without_reverb(tmp_path)))
    vst3 = binaries / Binary(this_target(), "vst3").bundle
    audio, song = in_its_process(host, vst3, tmp_path, expected.shape[1], None)
    count = min(audio.shape[1], expected.shape[1])
    np.testing.assert_array_equal(audio[:, :count], expected[:, :count])
    again, _ = in_its_process(host, vst3, tmp_path, expected.shape[1], song)
    np.testing.assert_array_equal(again[:, :count], expected[:, :count])
