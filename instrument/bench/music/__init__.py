"""How fast music is composed, and how exactly the partner plays it.

In: composers' bundles, hands in virtual time. Out: rows of notes a second and of milliseconds.
"""
