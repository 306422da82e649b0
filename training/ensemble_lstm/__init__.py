"""A note LSTM for several voices that hears the player among them.

In: a corpus. Out: a network that plays beside or after somebody.
"""
