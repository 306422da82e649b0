"""The terminal of ``latentkeys play``: its status line, and keys without Enter.

In: what plays, and single key strokes. Out: one line of text, and commands; control's thread.
"""
