"""Play without a clock: a MIDI file becomes a WAV file.

In: a song and a preset. Out: exactly the samples that live play gives. Runs the audio thread's
kernel in the command's own process.
"""
