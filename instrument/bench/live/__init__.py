"""The whole instrument on a real-time server, measured from outside.

In: a private JACK server, a probe client, the command as a user types it. Out: rows of times,
under-runs and megabytes. The instrument runs in its own processes, the measuring in the bench's.
"""
