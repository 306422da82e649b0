"""Control's end of the partner's process: starts it, hears it, and lets its notes go."""

from __future__ import annotations

from pathlib import Path

from instrument.midi.messages import ALL_NOTES_OFF, control_change
from instrument.partner.messages import REPORTS, Report, save_options
from instrument.partner.timeline import HAND_OVER_SECONDS
from instrument.preset.partner_options import PartnerOptions
from instrument.processes.supervised_process import Program, RestartPolicy, SupervisedProcess
from instrument.realtime.memory.constants import PARTNER_BEATS, TO_OUT, TO_VOICES
from instrument.realtime.memory.state import EngineState

PROGRAM = Program(
    name="the partner",
    module="instrument.partner.process",
    beats=PARTNER_BEATS,
    policy=RestartPolicy(
        most=3,
        window_seconds=60.0,
        remedy="You play on alone. Start again with another --model.",
    ),
)


class PartnerProcess(SupervisedProcess[Report]):
    """Keep a partner going.

    Parameters
    ----------
    state
        The engine block.
    folder
        The session's folder.
    options
        What the player chose.
    """

    def __init__(self, state: EngineState, folder: Path, options: PartnerOptions) -> None:
        self._options = options
        save_options(options, folder)
        super().__init__(PROGRAM, REPORTS, state, folder)

    def _clean_up(self) -> None:
        """Let its notes go: it can no longer do so itself. Some may be about to begin."""
        options = self._options
        later = self._state.clock + round(2 * HAND_OVER_SECONDS * self._state.rate_hz)
        places = ((TO_VOICES, options.voice_channels), (TO_OUT, options.output_channels))
        for to, channels in places:
            for channel in channels:
                message = control_change(ALL_NOTES_OFF, 0, channel)
                for frame in (-1, later):
                    self._state.control_ring.push(frame, *message, value=to)
