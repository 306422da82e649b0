"""The models process: it renders tones ahead of the hands.

In: a preset and a bank. Out: the bank's tone table, filled slot by slot, and a copy in the cache.
"""
