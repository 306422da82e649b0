"""Render one note of a preset into a WAV file.

python one_note.py --preset breathing_piano --pitch 48 --seconds 3
"""

import argparse

from instrument import Note, Phrase, render, write_wav

parser = argparse.ArgumentParser(description="Render one note of a preset into a WAV file.")
parser.add_argument("--preset", default="glass_choir", help="a name or a .toml file")
parser.add_argument("--pitch", type=int, default=60, help="MIDI number, 60 = middle C")
parser.add_argument("--velocity", type=int, default=100, help="1 to 127")
parser.add_argument("--seconds", type=float, default=2.0, help="how long the key is held")
parser.add_argument("--out", default="note.wav")
options = parser.parse_args()

beats = options.seconds * 2  # a phrase has 120 beats per minute unless it says otherwise
note = Note(0.0, options.pitch, beats, options.velocity)
audio = render(Phrase.of([note]), options.preset)
write_wav(options.out, audio)
print(f"{options.out}: {len(audio) / 48_000:.1f} s")
