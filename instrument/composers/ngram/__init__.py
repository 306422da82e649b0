"""The n-gram plays: it counts what followed what, and learns from the player at once.

In: notes. Out: the next note, drawn from the counts. Runs in the partner process when live, else in
the command's.
"""
