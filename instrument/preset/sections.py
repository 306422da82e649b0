"""The sections of a preset's file that are about one voice: what each key of them may be.

In: a preset's tables. Out: frozen dataclasses, put together by `instrument.preset.preset.Preset`,
and the checks that no type can say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from instrument.bundle.reference import LatentNumber
from instrument.errors import PresetError
from instrument.schema import ranged

Parameter = Literal[
    "attack_seconds",
    "decay_seconds",
    "sustain_level",
    "release_seconds",
    "cutoff_hz",
    "resonance",
    "gain_db",
    "vibrato_rate_hz",
    "vibrato_depth_cents",
    "width",
    "drive",
    "tone_low_db",
    "tone_mid_db",
    "tone_high_db",
    "chorus_level",
    "delay_level",
    "delay_feedback",
    "reverb_level",
]


#: What a controller may play: the range and unit of each, which are also the preset's own.
PARAMETER_RANGES: dict[Parameter, tuple[float, float, str]] = {
    "attack_seconds": (0, 10, "s"),
    "decay_seconds": (0, 30, "s"),
    "sustain_level": (0, 1, ""),
    "release_seconds": (0, 10, "s"),
    "cutoff_hz": (20, 20_000, "Hz"),
    "resonance": (0, 1, ""),
    "gain_db": (-60, 24, "dB"),
    "vibrato_rate_hz": (0.1, 12, "Hz"),
    "vibrato_depth_cents": (0, 200, "cents"),
    "width": (0, 1, ""),
    "drive": (0, 1, ""),
    "tone_low_db": (-18, 18, "dB"),
    "tone_mid_db": (-18, 18, "dB"),
    "tone_high_db": (-18, 18, "dB"),
    "chorus_level": (0, 1, ""),
    "delay_level": (0, 1, ""),
    "delay_feedback": (0, 0.95, ""),
    "reverb_level": (0, 1, ""),
}


@dataclass(frozen=True, slots=True)
class Sound:
    """The point in the model's latent space, and what becomes of its notes."""

    latent: tuple[LatentNumber, ...]  #: as many numbers as the model's latent_size
    note_seconds: Annotated[float, ranged(0.5, 4, "s")] = 2.5  #: length rendered per key
    #: What a key held beyond the rendered note does: go round evenly, go round dying away; or,
    #: rendered while it is held and never the same, go on evenly or ring as the model knows it
    #: (frame voice; others go round, but for "stream" with GANSynth).
    sustain: Literal["loop", "decay", "stream", "ring"] = "loop"
    gain_db: Annotated[float, ranged(*PARAMETER_RANGES["gain_db"])] = 0.0
    pan: Annotated[float, ranged(-1, 1)] = 0.0  #: -1 left, 1 right
    stereo_width: Annotated[float, ranged(0, 1)] = 0.0  #: low keys to the left, high to the right
    #: How much strikes differ; at 1 by up to 2 cents, 0.4 dB, 0.1 octave of cut-off, 0.5 ms.
    variation: Annotated[float, ranged(0, 1)] = 0.0
    #: How much a held note wanders; at 1 by up to 4 cents and 0.5 dB, along slow lines.
    drift: Annotated[float, ranged(0, 1)] = 0.0
    #: How much partials beat, 1 = as recorded; high keys have less, see `rendering.frame_voice`.
    motion: Annotated[float, ranged(0, 1.5)] = 1.0
    #: How much there is above 8 kHz of a model that ends there, 1 = as recordings have it.
    air: Annotated[float, ranged(0, 2)] = 0.0

    @property
    def table_sustain(self) -> Literal["loop", "decay"]:
        """How the rendered notes go on until, or unless, they are streamed."""
        return "decay" if self.sustain in ("decay", "ring") else "loop"

    @property
    def manner(self) -> str:
        """How tones are rendered, for the names of what is kept of them; empty = as they are."""
        motion = f" {self.motion}" if self.motion != 1.0 else ""
        return motion + (f" air {self.air}" if self.air else "")

    @property
    def is_streamed(self) -> bool:
        """Whether held notes are rendered while they are held, by a model that can."""
        return self.sustain in ("stream", "ring")


@dataclass(frozen=True, slots=True)
class Envelope:
    """Amplitude over the note's own course: the model's attack and decay are multiplied by it."""

    attack_seconds: Annotated[float, ranged(*PARAMETER_RANGES["attack_seconds"])] = 0.0
    #: From full level to within 1/1000 of the way to the sustain level.
    decay_seconds: Annotated[float, ranged(*PARAMETER_RANGES["decay_seconds"])] = 0.0
    #: Amplitude factor; 1 = as the model has it.
    sustain_level: Annotated[float, ranged(*PARAMETER_RANGES["sustain_level"])] = 1.0
    #: From key-up until 60 dB lower.
    release_seconds: Annotated[float, ranged(*PARAMETER_RANGES["release_seconds"])] = 0.25


@dataclass(frozen=True, slots=True)
class Filter:
    """The two-pole low-pass of each voice."""

    #: At middle C and velocity 127; 20000 = open. CC 74 moves it while notes sound.
    cutoff_hz: Annotated[float, ranged(*PARAMETER_RANGES["cutoff_hz"])] = 20_000.0
    #: 0 = no peak (Butterworth), 1 = strong peak.
    resonance: Annotated[float, ranged(*PARAMETER_RANGES["resonance"])] = 0.0
    #: Octaves that the cut-off moves per octave of pitch, around middle C (60).
    key_tracking: Annotated[float, ranged(0, 1)] = 0.0
    #: How far velocity 1 lies below velocity 127.
    velocity_octaves: Annotated[float, ranged(0, 6, "octaves")] = 0.0
    #: Where a note's cut-off begins, above (or below) where it then stays.
    envelope_octaves: Annotated[float, ranged(-6, 6, "octaves")] = 0.0
    envelope_seconds: Annotated[float, ranged(0.01, 10, "s")] = 0.5  #: until it is there


@dataclass(frozen=True, slots=True)
class Touch:
    """How the hands are heard; brightness by velocity comes from the model itself."""

    #: 0 = every velocity equally loud, 1 = all of ``(velocity / 127) ** velocity_curve``.
    velocity_to_gain: Annotated[float, ranged(0, 1)] = 1.0
    velocity_curve: Annotated[float, ranged(0.25, 4)] = 1.5  #: smaller: a light touch is louder
    pressure: Literal["nothing", "vibrato", "cutoff", "level"] = "vibrato"  #: what pressure plays
    #: Pitch bend at full deflection, until a sequencer says otherwise (RPN 0).
    bend_range_semitones: Annotated[float, ranged(0, 24, "semitones")] = 2.0


@dataclass(frozen=True, slots=True)
class Slide:
    """Where a note's own CC 74 (MPE), above its middle, takes its timbre, if the note streams."""

    latent: tuple[LatentNumber, ...]  #: all the way up; as many numbers as that of the sound
    #: Instruments of the bundle's card with their shares, from which it can be made again.
    blend: dict[str, Annotated[float, ranged(-4, 4)]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Soft:
    """What a soft touch sounds like, where the model learned soft notes; `Sound` is the loud one.

    Without it the model's own brightness by velocity is all that a touch changes.
    """

    latent: tuple[LatentNumber, ...]  #: as many numbers as that of the sound
    #: Instruments of the bundle's card with their shares, from which it can be made again.
    blend: dict[str, Annotated[float, ranged(-4, 4)]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vibrato:
    """Pitch moved by a sine; its depth follows the mod wheel (CC 1), from none to all."""

    rate_hz: Annotated[float, ranged(*PARAMETER_RANGES["vibrato_rate_hz"])] = 5.5
    #: Peak deviation with the wheel fully up.
    depth_cents: Annotated[float, ranged(*PARAMETER_RANGES["vibrato_depth_cents"])] = 40.0
    share: Annotated[float, ranged(0, 1)] = 0.0  #: of the depth, that comes without the wheel,
    delay_seconds: Annotated[float, ranged(0, 5, "s")] = 0.5  #: so long after the strike


#: Controllers with a meaning of their own (MIDI 1.0, table III; CC 1 plays the vibrato and CC 74
#: the filter, as in GM2): a preset cannot take them.
RESERVED_CONTROLLERS = frozenset({0, 1, 6, 7, 10, 11, 32, 38, 64, 66, 67, 74, *range(96, 102)})


@dataclass(frozen=True, slots=True)
class Control:
    """One controller's parameter, from its value at 0 to its value at 127.

    It takes hold of the notes struck after it moved, because a voice copies its sound when it
    starts, and of effects at once; a controller that has not moved leaves the preset's own value.
    """

    parameter: Parameter
    low: float  #: in the unit of the parameter, at controller value 0
    high: float  #: at controller value 127; may be the smaller of the two
    curve: Literal["linear", "exponential"] = "linear"  #: exponential: equal ratios per step


@dataclass(frozen=True, slots=True)
class Recipe:
    """Where the latent came from, so that it can be made again for another model.

    Exactly one of the two is given: ``blend``, instrument names of the bundle's card with their
    shares, or ``seed``, a draw from the latent prior.
    """

    blend: dict[str, Annotated[float, ranged(-4, 4)]] = field(default_factory=dict)
    seed: Annotated[int, ranged(0, 2**31 - 1)] | None = None
    #: Of a draw: how far from the prior's mean, 1 when not given; see `latent.draw`.
    truncation: Annotated[float, ranged(0, 4)] | None = None
    #: Of a draw: how far towards few instruments, 0 when not given; see `latent.draw`.
    sharpness: Annotated[float, ranged(0, 16)] | None = None


def check_control(source: str, control: Control, what: str) -> None:
    """Refuse a controller that MIDI has taken, and ends that the parameter cannot reach.

    Parameters
    ----------
    source
        What should turn it: "cc20".
    what
        The preset, for the message.

    Raises
    ------
    PresetError
        With what was found and what is allowed.
    """
    number = source.removeprefix("cc")
    is_number = source.startswith("cc") and number.isascii() and number.isdigit()
    if not (is_number and len(number) <= 3 and int(number) < 120):
        found = f"{what}: [controls] {source[:20]} is not a controller"
        raise PresetError(found, "Use cc2 to cc119.")
    if int(number) in RESERVED_CONTROLLERS:
        raise PresetError(
            f"{what}: [controls] {source} has a meaning of its own in MIDI",
            "Use another one; cc2, cc4, cc12 to cc31, cc71 to cc73 and cc75 to cc79 are usual.",
        )
    low, high, unit = PARAMETER_RANGES[control.parameter]
    for end, value in (("low", control.low), ("high", control.high)):
        if not low <= value <= high:
            allowed = f"{low:g}..{high:g} {unit}".rstrip()
            raise PresetError(
                f"{what}: [controls.{source}] {end} must be in {allowed} for {control.parameter}, "
                f"got {value:g}"
            )
    if control.curve == "exponential" and min(control.low, control.high) <= 0:
        raise PresetError(
            f"{what}: [controls.{source}] an exponential curve needs low and high above 0, "
            f"got {control.low:g} and {control.high:g}",
            'Use curve = "linear".',
        )


def check_recipe(recipe: Recipe | None, what: str) -> None:
    """Refuse a recipe that is none, or two.

    Parameters
    ----------
    what
        The preset, for the message.

    Raises
    ------
    PresetError
        It has neither blend nor seed, or both; or what belongs to the other.
    """
    if recipe and bool(recipe.blend) == (recipe.seed is not None):
        raise PresetError(f"{what}: [recipe] must have either blend or seed")
    if recipe and recipe.seed is None:
        for name in ("truncation", "sharpness"):
            if getattr(recipe, name) is not None:
                raise PresetError(f"{what}: [recipe] {name} belongs to a seed, not to a blend")


def check_point(point: Slide | Soft | None, sound: Sound, what: str) -> None:
    """Refuse a point of another space.

    Parameters
    ----------
    point
        Of the preset, besides its sound.
    sound
        Whose space it must be in.
    what
        The preset, for the message.

    Raises
    ------
    PresetError
        Its latent has too few or too many numbers.
    """
    if point and len(point.latent) != len(sound.latent):
        raise PresetError(
            f"{what}: [{type(point).__name__.lower()}] latent must have {len(sound.latent)} "
            f"numbers, as that of [sound], got {len(point.latent)}",
            "Take the latent of a preset of the same model.",
        )
