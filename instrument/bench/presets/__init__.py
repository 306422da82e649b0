"""What presets sound like, in figures: ``latentkeys evaluate presets``.

In: presets. Out: for each one the figures that a sound designer would ask for, beside the goals.
"""
