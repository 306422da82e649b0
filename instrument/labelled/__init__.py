"""Notes in numbers, each with its labels: to train on, to test with, for games and samplers.

In: a model or presets, and how many. Out: a folder in NSynth's layout, shards, or a sampler's map.
"""
