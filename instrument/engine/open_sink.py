"""Which device plays: what the player named, or else the best that this machine has.

In: `EngineSettings`. Out: an open `AudioSink`, and a notice about what it fell back to.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from instrument.engine.audio_sinks import AudioSink, NullSink, SoundCard, WavSink
from instrument.engine.jack_sink import JackSink
from instrument.engine.messages import EngineSettings
from instrument.errors import DeviceError
from instrument.processes.json_lines import Notice
from instrument.realtime.memory.state import EngineState

ONE_PAIR = Notice(
    "all parts leave by the same two outputs: only JACK has others for them",
    "Start a JACK server and play with --audio jack, or leave --part-outputs out.",
)


def open_sink(settings: EngineSettings, state: EngineState) -> tuple[AudioSink, list[Notice]]:
    """Open what the user asked for, or the best there is.

    Raises
    ------
    DeviceError
        What was asked for by name cannot be opened; ``auto`` never raises.
    """
    sink, notices = _open_sink(settings, state)
    if settings.part_pairs and not isinstance(sink, JackSink):
        notices.append(ONE_PAIR)
    return sink, notices


def _open_sink(settings: EngineSettings, state: EngineState) -> tuple[AudioSink, list[Notice]]:
    name = settings.audio
    if name != "auto":
        sink = _named_sink(name, settings)
        sink.open(state)
        return sink, []
    trials: list[Callable[[], AudioSink]] = [
        lambda: JackSink(settings),
        lambda: SoundCard(None, settings.rate_hz, settings.block_frames),
    ]
    reasons: list[str] = []
    for make in trials:
        sink = make()
        try:
            sink.open(state)
        except DeviceError as error:
            reasons.append(error.message)
            continue
        return sink, []
    sink = NullSink(settings.rate_hz, settings.block_frames)
    sink.open(state)
    notice = Notice(
        f"no audio device: playing to nowhere ({'; '.join(reasons)})",
        "Start a JACK server or connect a sound card and play again; `latentkeys devices` shows "
        "what is there, --audio FILE.wav plays into a file.",
    )
    return sink, [notice]


def _named_sink(name: str, settings: EngineSettings) -> AudioSink:
    if name == "jack":
        return JackSink(settings)
    if name == "null":
        return NullSink(settings.rate_hz, settings.block_frames)
    if name.lower().endswith(".wav"):
        return WavSink(Path(name), settings.rate_hz, settings.block_frames)
    device = int(name) if name.isdecimal() else name
    return SoundCard(device, settings.rate_hz, settings.block_frames)
