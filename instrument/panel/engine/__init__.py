"""The panel's end of the engine block: a page's note-on goes in here, meters and sound come out.

In: keys and controllers of pages. Out: MIDI on the panel's ring; what sounds, as pages see and hear
it. Runs in the panel's process and shares memory with the engine's.
"""
