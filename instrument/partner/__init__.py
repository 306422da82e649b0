"""The live partner: it listens, answers on the beat, and takes back what is not wanted.

In: what the kernel applied, from the state block. Out: notes with their frames, on the partner's
ring. Runs in the partner process, in steps of a millisecond.
"""
