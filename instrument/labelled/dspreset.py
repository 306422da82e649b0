"""Write the map of a sampled preset for DecentSampler: what `sampler_map` says in SFZ.

In: a preset and its samples. Out: ``NAME.dspreset``, XML beside the SFZ map, which plays the same
samples (https://decentsamples-developers-guide.readthedocs.io). Velocity layers do not blend there:
the middle between them parts them. The low-pass is one for all notes, as far open as the strongest
has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree as Xml

from instrument.files import replacing_file
from instrument.labelled.key_sample import TAKES, KeySample
from instrument.preset.preset import Preset
from instrument.realtime.memory.constants import LOUD, LOUD_VELOCITY, SOFT_VELOCITY

_PARTING = (SOFT_VELOCITY + LOUD_VELOCITY) // 2
_OPEN_HZ = 19_999.0


def write_dspreset(path: Path, preset: Preset, samples: Sequence[KeySample], origin: str) -> None:
    """Write the map.

    Parameters
    ----------
    path
        Its samples lie as in the SFZ map beside it.
    origin
        What a comment says of where the sounds come from.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    root = Xml.Element("DecentSampler", minVersion="1.0.0")
    root.append(Xml.Comment(f" {origin.replace('--', '- -')} "))
    envelope = preset.envelope
    groups = Xml.SubElement(
        root,
        "groups",
        attack=f"{envelope.attack_seconds:g}",
        decay=f"{envelope.decay_seconds:g}",
        sustain=f"{envelope.sustain_level:g}",
        release=f"{envelope.release_seconds:g}",
    )
    group = Xml.SubElement(
        groups,
        "group",
        ampVelTrack=f"{preset.touch.velocity_to_gain:g}",
        pan=f"{100.0 * preset.sound.pan:.1f}",
    )
    group.extend(_sample_elements(preset, samples))
    if preset.filter.cutoff_hz < _OPEN_HZ:
        effects = Xml.SubElement(root, "effects")
        cutoff, resonance = preset.filter.cutoff_hz, 0.7 + 4.0 * preset.filter.resonance
        Xml.SubElement(
            effects,
            "effect",
            type="lowpass",
            frequency=f"{cutoff:.1f}",
            resonance=f"{resonance:.2f}",
        )
    Xml.indent(root)
    with replacing_file(path) as building:
        Xml.ElementTree(root).write(building, encoding="UTF-8", xml_declaration=True)


def _sample_elements(preset: Preset, samples: Sequence[KeySample]) -> Iterator[Xml.Element]:
    takes = TAKES if preset.sound.variation > 0.0 else TAKES[:1]
    has_layers = any(sample.tone.layer != LOUD for sample in samples)
    for sample in samples:
        for number, (cents, louder_db) in enumerate(takes, start=1):
            share = preset.sound.variation
            yield Xml.Element(
                "sample",
                {
                    "path": sample.file,
                    "rootNote": f"{sample.tone.pitch}",
                    "loNote": f"{sample.keys[0]}",
                    "hiNote": f"{sample.keys[1]}",
                    "volume": f"{sample.volume_db + share * louder_db:.2f}dB",
                    "tuning": f"{share * cents / 100.0:.4f}",
                    **(_layer(sample) if has_layers else {}),
                    **_loop(sample),
                    **_turn(number, len(takes)),
                },
            )


def _layer(sample: KeySample) -> dict[str, str]:
    is_loud = sample.tone.layer == LOUD
    return {"loVel": f"{_PARTING + 1}"} if is_loud else {"hiVel": f"{_PARTING}"}


def _loop(sample: KeySample) -> dict[str, str]:
    if sample.loop is None:
        return {"loopEnabled": "false"}
    first, after = sample.loop
    return {"loopEnabled": "true", "loopStart": f"{first}", "loopEnd": f"{after - 1}"}


def _turn(number: int, count: int) -> dict[str, str]:
    if count == 1:
        return {}
    return {"seqMode": "round_robin", "seqLength": f"{count}", "seqPosition": f"{number}"}
