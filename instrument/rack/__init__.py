"""The rack: an effect written in Python, with pyo, in a process of its own on an aux send.

In: the engine's sound, through shared memory (`memory.aux_memory`). Out: what the rack makes of
it, one or two blocks later. `knob` and `find` know no pyo: presets and the panel read from them
what can be turned. `racks` holds the shipped ones, one short file each.
"""
