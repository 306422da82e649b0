"""What the partner is going to play: its composer, its phrasing, and the plan of notes.

In: the player's notes in beats, options, the rules of a take. Out: planned notes in beats, that can
be taken back. Runs in the partner process, or in a loop in virtual time.
"""
