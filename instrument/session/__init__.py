"""The control process of live play: it starts the others, watches them, and shows a status line.

In: settings from the command line. Out: a running instrument, recordings, takes.
"""
