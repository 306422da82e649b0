"""The engine process: it opens the sound card and the MIDI ports.

In: MIDI from ports, settings from control as lines of JSON. Out: sound, and what the kernel
applied, in the state block. Its audio callback is `instrument.realtime`; its Python threads poll.
"""
