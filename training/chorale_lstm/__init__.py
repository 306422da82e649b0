"""Four voices, after Bach: an LSTM that reads and writes chorales.

In: a corpus of chorales. Out: a `System` for the trainer, and figures of a run.
"""
