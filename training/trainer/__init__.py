"""The loop that trains every system.

In: a `System` and a run's folder. Out: steps, checkpoints, metrics, samples; resumed to the bit.
"""
