"""How the audio thread's Python becomes machine code, and how a process comes by it.

In: the sources of `instrument.realtime`. Out: an object file on disk, and the addresses of its
functions. Runs when a process starts, never on the audio thread.
"""
