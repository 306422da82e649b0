"""The command line: one module per verb or group of verbs.

In: what the user types. Out: calls into the other rooms, and errors as messages. Runs in the
control process; nothing heavy is imported before a verb needs it.
"""
