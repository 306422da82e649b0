"""Play an arpeggio live, each note at its own frame, and change the sound on the way.

Your program may be late by as much as it hands the notes over early; the engine plays them on time.

    python live_arpeggio.py --audio jack --presets moonlit_harp glass_choir
"""

import argparse
import time

from instrument import Session

EARLY_SECONDS = 0.2

parser = argparse.ArgumentParser(description="Play an arpeggio live.")
parser.add_argument("--audio", default="auto", help="auto, jack, a device, null, or FILE.wav")
parser.add_argument("--presets", nargs="+", default=["moonlit_harp", "glass_choir"])
parser.add_argument("--bpm", type=float, default=100.0)
parser.add_argument("--bars", type=int, default=4, help="for each preset")
options = parser.parse_args()

step = 60 / options.bpm / 4
chords = [(57, 60, 64, 69), (53, 57, 60, 65), (48, 55, 60, 64), (55, 59, 62, 67)]
with Session(options.presets[0], audio=options.audio) as session:
    print(f"playing to {session.audio}")
    at = session.seconds + EARLY_SECONDS
    for preset in options.presets:
        session.change_preset(preset)
        for bar in range(options.bars):
            for pitch in chords[bar % len(chords)] * 4:
                session.note_on(pitch, 90, at_seconds=at)
                session.note_off(pitch, at_seconds=at + 0.9 * step)
                at += step
                time.sleep(max(0.0, at - EARLY_SECONDS - session.seconds))
    time.sleep(1.0)
