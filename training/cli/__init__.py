"""`latentkeys data`, `train` and `evaluate`.

In: what the user types. Out: calls into the other rooms. Imported when one of the three is typed.
"""
