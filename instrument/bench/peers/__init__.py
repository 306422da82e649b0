"""What we are measured beside, each in a process of its own.

In: voices, frames, a rate. Out: seconds per block, as lines of JSON.
"""
