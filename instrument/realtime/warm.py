"""Compile the audio thread's code ahead of the first start: ``python -m instrument.realtime.warm``.

Does nothing when it is there already.
"""

from __future__ import annotations

from instrument.realtime.compiled.machine_code import load_machine_code

if __name__ == "__main__":
    load_machine_code()
