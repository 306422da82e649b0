"""What both have played, kept: the log of a session, its take on disk, and the take played again.

In: messages and commands in the order of their frames. Out: a folder that `replay` makes again.
"""
