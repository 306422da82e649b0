"""Ways to sounds that nobody has stored: the map, the morph pad, chance, a recording.

In: a place on a plane, a drawn latent, a recording. Out: a `Preset` for the desk. Runs in the
panel's process; what takes long runs in the search process.
"""
