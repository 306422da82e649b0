"""Train the models: one room per system, one loop that trains them all.

In: data sets. Out: a run's folder with checkpoints, metrics and samples.
"""

DISTRIBUTION = "latentkeys"
"""The mark of `instrument.import_names`: these files are ours."""
