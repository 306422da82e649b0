"""``latentkeys play``: each flag is a field of `PlaySettings` or of the partner's options.

Nothing heavy is imported before the command runs, so that an error of typing is told at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from instrument.cli.options import (
    PRESET_HELP,
    RATE_HZ,
    Choice,
    HeadedCommand,
    check_rack_options,
    check_renderer,
    meter_beats,
    part_options,
    rack_options,
    refuse_without,
    renderer_option,
    tuning_options,
    under,
)
from instrument.errors import MissingExtraError
from instrument.realtime.memory.constants import BLOCKS_FRAMES

SOUND = "Sound and audio"
_audio, _midi, _partner = under(SOUND), under("MIDI"), under("Partner")
_panel = under("Panel")
OPEN_TO_OTHERS = (
    "The panel listens at {}: whoever has its address, token included, can play and change sounds. "
    "What goes over the network is not encrypted; use it at home or on stage, not in the open."
)
_THIS_MACHINE = "127.0.0.1"
_PARTNER = "partner_"  # the partner's flags are called so


@click.command("play", cls=HeadedCommand)
@_audio("--preset", metavar="NAME", help=PRESET_HELP)
@partial(part_options, heading=SOUND)
@_audio(
    "--part-outputs",
    is_flag=True,
    help="Let each --part leave by JACK outputs of its own: part_2_L, part_2_R and so on.",
)
@partial(rack_options, heading=SOUND)
@_audio(
    "--audio",
    default="auto",
    show_default=True,
    metavar="OUT",
    help="Where the sound goes: auto, jack, a device's name or number, null, or FILE.wav.",
)
@_audio(
    "--block-frames",
    type=click.IntRange(*BLOCKS_FRAMES),
    metavar="N",
    help="Frames per block: fewer answer sooner, more never stutter; see: latentkeys doctor.",
)
@_audio("--rate", "rate_hz", type=RATE_HZ, metavar="HZ", help="Frames per second.")
@_audio(
    "--lowest-latency",
    is_flag=True,
    help="Start each note with the next block: up to a block sooner, but less evenly.",
)
@renderer_option(SOUND)
@_audio("--record", type=click.Path(path_type=Path), metavar="FILE", help="Record to a WAV file.")
@_audio("--force", is_flag=True, help="Let --record or --audio FILE.wav replace a file.")
@_midi(
    "--midi-in",
    multiple=True,
    metavar="TEXT",
    help="Of keyboards and programs, open only those whose name contains TEXT; may be given several"
    " times. Without it, every keyboard.",
)
@_midi(
    "--channel",
    type=click.IntRange(1, 16),
    metavar="N",
    help="Listen to this MIDI channel only; to all when not given.",
)
@_midi("--through", is_flag=True, help="Send what you play to the MIDI output, too.")
@_midi(
    "--midi",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Play this MIDI file; you may play along.",
)
@_midi("--no-drums", is_flag=True, help="Leave the drums of --midi out.")
@_midi("--demo", is_flag=True, help="Play the demonstration piece; you may play along.")
@tuning_options
@_partner(
    "--partner",
    "partner_mode",
    type=Choice(["answer", "duet", "accompany", "loop"]),
    help="Let a composer play with you: answer your phrases, play along, be a band, vary a loop.",
)
@_partner(
    "--model",
    "partner_model",
    metavar="NAME",
    help="The composer that plays; see: latentkeys models list.",
)
@_partner("--partner-preset", metavar="NAME", help="The partner's preset; yours when not given.")
@_partner(
    "--clock",
    "partner_clock",
    type=Choice(["internal", "player", "midi", "link"]),
    help="Whose tempo counts: the partner's own (internal), yours, found in what you play (player),"
    " a MIDI clock's, Ableton Link's. Yours when neither this nor --tempo is given, nor a click.",
)
@_partner(
    "--tempo",
    "partner_tempo",
    type=click.FloatRange(20, 400),
    metavar="BPM",
    help="The tempo to begin with; 120 when not given.",
)
@_partner(
    "--meter",
    "partner_bar_beats",
    callback=meter_beats,
    metavar="3/4",
    help="The meter, such as 3/4 or 6/8; 4/4 when not given. While you play, the key b marks bars.",
)
@_partner(
    "--seed",
    "partner_seed",
    type=click.IntRange(0, 2**63 - 1),
    metavar="N",
    help="The same number and the same playing give the same answers.",
)
@_partner(
    "--metronome", "partner_metronome", is_flag=True, default=None, help="Click on every beat."
)
@_partner(
    "--count-in",
    "partner_count_in_bars",
    type=click.IntRange(0, 4),
    metavar="BARS",
    help="Count in this many bars.",
)
@_partner(
    "--send-clock",
    "partner_sends_clock",
    is_flag=True,
    default=None,
    help="Send a MIDI clock to the MIDI output.",
)
@_panel(
    "--panel/--no-panel",
    default=True,
    help="Show the instrument in a browser, at the address that is printed; yes when not given.",
)
@_panel(
    "--panel-port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="Port of the panel; 8347, or any free one, when not given.",
)
@_panel(
    "--osc",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="Let programs of this machine play and shape over OSC at this UDP port.",
)
@_panel(
    "--panel-host",
    default=_THIS_MACHINE,
    show_default=True,
    metavar="ADDRESS",
    help="Where the panel listens; 0.0.0.0 lets every machine that knows the address play here.",
)
@click.pass_context
def play_command(context: click.Context, /, **flags: Any) -> None:
    """Play live through MIDI and audio ports, until Ctrl-C."""
    names = {option.name: option.opts[0] for option in context.command.params}
    partner = {names[name]: value for name, value in flags.items() if name.startswith(_PARTNER)}
    if flags["record"] is None and not flags["audio"].lower().endswith(".wav"):
        refuse_without("--record or --audio FILE.wav", {"--force": flags["force"]}, "Leave it out.")
    if flags["partner_mode"] is None:
        _check_partner(flags["preset"], partner)

    if not flags["panel"]:
        host = flags["panel_host"] if flags["panel_host"] != _THIS_MACHINE else None
        theirs = {
            "--panel-port": flags["panel_port"] or None,
            "--panel-host": host,
            "--osc": flags["osc"] or None,
        }
        refuse_without("the panel", theirs, "Leave it out, or --no-panel.")
    if flags["osc"] and find_spec("pythonosc") is None:
        raise MissingExtraError("--osc", "python-osc", "osc")
    check_renderer(flags["renderer"])
    check_rack_options(flags["rack"], flags["impulse"])
    if flags["panel"] and not _is_only_here(flags["panel_host"]):
        click.echo(OPEN_TO_OTHERS.format(flags["panel_host"]), err=True)

    from instrument.session.play import play_live
    from instrument.session.settings import PlaySettings

    play_live(PlaySettings.of_flags(flags))


def _is_only_here(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _check_partner(preset: str | None, given: Mapping[str, object]) -> None:
    """Refuse options of a partner, by their flags, if neither they nor the preset call one."""
    if all(value is None for value in given.values()):
        return
    from instrument.preset.banks import chosen_preset
    from instrument.preset.preset import load_preset

    if load_preset(chosen_preset(preset)).partner is None:
        refuse_without("--partner", given, "Call one: --partner answer, duet, accompany or loop.")
