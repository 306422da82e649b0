"""Effects: one chain per bank, between its voices and the master, without latency.

In: a bank's voices, added up. Out: the same with tone, drive, width, orbit, chorus, delay, reverb
and glue, in this order. Parameters move on the tick's grid and everything else is computed sample
by sample, so that blocks change no bit; a chain whose parameters all rest is not computed at all.
"""
