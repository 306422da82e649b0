"""Render a MIDI file on several presets, to compare them.

python song_on_presets.py song.mid glass_choir wooden_choir breathing_piano
"""

import argparse
from pathlib import Path

import numpy as np

from instrument import list_presets, read_phrase, render, write_wav

parser = argparse.ArgumentParser(description="Render a MIDI file on several presets.")
parser.add_argument("song", type=Path, help="a MIDI file")
parser.add_argument("presets", nargs="*", help="names; the first three when not given")
parser.add_argument("--beats", type=float, default=16.0, help="how much of the song")
options = parser.parse_args()

song = read_phrase(options.song)
opening = song.between(0.0, min(options.beats, song.length_beats))
for name in options.presets or [entry.name for entry in list_presets()[:3]]:
    audio = render(opening, name)
    path = f"{options.song.stem}_{name}.wav"
    write_wav(path, audio)
    level_db = 20 * np.log10(np.abs(audio).max())
    print(f"{path}: {len(audio) / 48_000:.1f} s, peak {level_db:.1f} dB")
