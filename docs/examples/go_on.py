"""Let a composer go on from a melody, several times, and hear the results.

python go_on.py --model note_lstm_tunes --bars 4 --takes 3
"""

import argparse

from instrument import (
    Constraints,
    Key,
    Note,
    Phrase,
    list_composers,
    open_composer,
    render,
    write_phrase,
    write_wav,
)

names = [entry.name for entry in list_composers()]
parser = argparse.ArgumentParser(description="Let a composer go on from a melody.")
parser.add_argument("--model", default="note_lstm_tunes", choices=names, metavar="NAME")
parser.add_argument("--bars", type=int, default=4)
parser.add_argument("--takes", type=int, default=3)
parser.add_argument("--key", default="G")
options = parser.parse_args()

melody = (67, 71, 74, 71, 69, 72, 71, 69)
phrase = Phrase.of([Note(float(beat), pitch, 1.0) for beat, pitch in enumerate(melody)], bpm=120)
composer = open_composer(options.model)
for seed in range(1, options.takes + 1):
    constraints = Constraints(temperature=0.9, key=Key.named(options.key))
    more = composer.continue_phrase(phrase, options.bars * phrase.bar_beats, constraints, seed)
    whole = phrase.followed_by(more)
    write_phrase(f"take_{seed}.mid", whole)
    write_wav(f"take_{seed}.wav", render(whole, "paper_koto"))
    print(f"take_{seed}: {' '.join(str(note.pitch) for note in more.notes)}")
