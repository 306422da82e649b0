"""The composers of note tuples play; their features and heads the ensemble LSTM uses, too.

In: a bundle and notes. Out: the next note. Runs in the partner process when live, else in the
command's.
"""
