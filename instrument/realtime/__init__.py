"""Everything that runs on the audio thread, as machine code.

In: events with frames, tone tables, parameters, in the state block. Out: two channels of sound,
and a log of what was applied. Nothing here allocates, locks, logs or runs Python while it plays.
"""
