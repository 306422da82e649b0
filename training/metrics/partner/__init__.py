"""What a partner makes of a person's playing.

In: the phrases of ``phrases.abc`` as a person plays them. Out: how much answers have to do with
them.
"""
