"""Held notes of the plug-in's instances, rendered on by a process of the service.

In: what an instance's audio thread asks for in memory that the plug-in shares, and which sounds its
banks have. Out: half seconds of sound in that memory's rings. Never in the way of the audio: where
nothing is answered, notes go round in their loop.
"""
