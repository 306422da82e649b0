"""Held notes whose sound is made while they are held, half a second at a time.

In: keys that are down and what their tables hold. Out: the next half second of each, in the streams
of the state block. Runs in the models process; offline in the command's.
"""
