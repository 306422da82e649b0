"""`latentkeys export`, `latentkeys import` and `latentkeys learn`.

In: what the user types. Out: calls into the other rooms. Imported when one of them is typed.
"""
