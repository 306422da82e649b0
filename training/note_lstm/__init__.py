"""An LSTM over notes as tuples of pitch, length and step, and a transformer beside it.

In: a corpus. Out: two `System` objects for the trainer.
"""
