"""Which tone a voice reads: its own, a neighbour's, the built-in one, or a stream's ring.

In: what is rendered so far. Out: a slot or a ring, and requests for what is missing. Runs on the
audio thread; the built-in tone is written before it starts.
"""
