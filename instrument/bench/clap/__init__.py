"""A CLAP host of our own, through ctypes.

In: a built plug-in, events. Out: its sound, block by block, in the process that loads it.
"""
