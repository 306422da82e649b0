"""What plays by itself in a session: songs, kept takes, the demonstration piece.

In: a `Song` or a take. Out: MIDI on the engine's ring, each message at its own frame; control's
thread.
"""
