"""How the partner plays along: answer, duet, accompany, loop.

In: the player's notes in beats. Out: bars for the `Plan`.
"""
