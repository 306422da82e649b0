"""The options of ``latentkeys play``, and what is refused before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import SystemRandom
from typing import Any

from instrument.engine.messages import EngineSettings
from instrument.errors import SettingError
from instrument.music.tuning import KeyTuning
from instrument.preset.partner_options import ClockName, PartnerOptions
from instrument.preset.parts import SoundPart, check_parts, parts_of
from instrument.preset.preset import Preset, find_preset

_PARTNER, _TUNING = "partner_", "tuning_"  # flags that begin so are its


@dataclass(frozen=True, slots=True)
class PlaySettings:
    """The options of ``latentkeys play``; the command line's help says what they mean."""

    preset: str | None = None
    parts: tuple[SoundPart, ...] = ()
    """With the first, which is `preset`; none when it plays alone on all keys."""
    part_outputs: bool = False
    """Give the parts behind the first JACK outputs of their own."""
    audio: str = "auto"
    midi_in: tuple[str, ...] = ()
    channel: int | None = None
    block_frames: int | None = None
    rate_hz: int | None = None
    lowest_latency: bool = False
    record: Path | None = None
    midi: Path | None = None
    no_drums: bool = False
    demo: bool = False
    force: bool = False
    through: bool = False
    panel: bool = False
    panel_host: str = "127.0.0.1"
    panel_port: int = 0
    osc: int = 0
    renderer: str = ""
    rack: str = ""
    """A shipped rack's name, or a file; empty: as presets say."""
    impulse: str = ""
    """An impulse response for the rack."""
    tuning: KeyTuning = field(default_factory=KeyTuning)
    partner: Mapping[str, Any] = field(default_factory=dict)
    """What was asked of the partner: fields of `PartnerOptions`."""

    @classmethod
    def of_flags(cls, flags: Mapping[str, Any]) -> PlaySettings:
        """Take the command line's flags; what begins with ``partner_`` or ``tuning_`` is its."""
        own = {
            name: value for name, value in flags.items() if not name.startswith((_PARTNER, _TUNING))
        }
        own["parts"] = parts_of(own.pop("keys", None), own.pop("part", ()))
        partner = {name: value for name, value in _of(_PARTNER, flags).items() if value is not None}
        return cls(**own, tuning=KeyTuning(**_of(_TUNING, flags)), partner=partner)

    def for_engine(self) -> EngineSettings:
        """Say what of it concerns the engine."""
        return EngineSettings(
            audio=self.audio,
            rate_hz=float(self.rate_hz or 0),
            block_frames=self.block_frames or 0,
            midi_in=tuple(self.midi_in),
            channel=self.channel,
            lowest_latency=self.lowest_latency,
            part_pairs=max(len(self.parts) - 1, 0) if self.part_outputs else 0,
        )

    def for_partner(self, preset: PartnerOptions | None) -> PartnerOptions | None:
        """Say what of it concerns the partner; None without one.

        Parameters
        ----------
        preset
            The preset's own options; the command line's go before them.
        """
        if preset is None and "mode" not in self.partner:
            return None
        options = replace(preset or PartnerOptions(), **self.partner)
        if "clock" not in self.partner:
            options = replace(options, clock=self._clock(options, preset is not None))
        if options.seed is None:
            options = replace(options, seed=SystemRandom().getrandbits(31))
        return options

    def _clock(self, options: PartnerOptions, is_from_preset: bool) -> ClockName:
        """Whose tempo counts where nobody says it: the player's, if nothing else beats time."""
        if "tempo" in self.partner or options.metronome or options.count_in_bars:
            return "internal" if options.clock == "player" else options.clock
        return options.clock if is_from_preset or options.sends_clock else "player"


def _of(prefix: str, flags: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): value for name, value in flags.items() if name.startswith(prefix)
    }


def _check_part_outputs(settings: PlaySettings) -> None:
    """Refuse outputs for parts that are not there, or that the audio cannot have."""
    if len(settings.parts) < 2:
        raise SettingError(
            "--part-outputs belongs to --part", 'Name the second part, too: --part "slow_strings".'
        )
    if settings.audio not in ("auto", "jack"):
        raise SettingError(
            f"--part-outputs needs JACK, and the sound goes to {settings.audio}",
            "Play with --audio jack, or leave --part-outputs out.",
        )


def check_files(settings: PlaySettings) -> None:
    """Refuse files that cannot be written before anything starts."""
    if settings.midi and settings.demo:
        raise SettingError("--midi and --demo exclude each other", "Choose one of them.")
    if settings.no_drums and not settings.midi:
        raise SettingError(
            "--no-drums belongs to --midi", "For example: --midi song.mid --no-drums"
        )
    if settings.part_outputs:
        _check_part_outputs(settings)
    for path in (settings.record, Path(settings.audio)):
        if path and (path == settings.record or path.suffix.lower() == ".wav"):
            from instrument.wav_files import check_target

            check_target(path, replace=settings.force)


def check_others(settings: PlaySettings, preset: Preset) -> None:
    """Refuse a partner or parts that cannot play, before anything starts."""
    partner = settings.for_partner(preset.partner)
    sounds = bool(partner and partner.preset and partner.voice_channels)
    check_parts(settings.parts, others=int(sounds))
    if partner:
        from instrument.partner.open_partner import check_composers  # not needed otherwise

        check_composers(partner)
        if partner.preset:
            find_preset(partner.preset)
