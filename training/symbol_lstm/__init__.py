"""LSTMs over symbols: with attention, and stacked.

In: a corpus. Out: two `System` objects for the trainer.
"""
