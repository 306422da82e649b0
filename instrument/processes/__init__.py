"""What all our processes share: messages as JSON lines, and the supervision of one by another.

Below every process's own room, because each of them talks and is supervised; `instrument.session`,
which starts them, lies above. In: a module to run. Out: what it reports, restarts included.
"""
