"""The process of one instance's partner: ``python -m instrument.plugin.partner_process``.

Arguments are a preset and a rate; stdin and stdout have the lines of
`instrument.plugin.host_partner`. It ends with the service, and whatever a composer does ends with
it.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from instrument.errors import LatentkeysError
from instrument.plugin.child import begin_child
from instrument.plugin.host_partner import HostPartner, in_a_host
from instrument.preset.preset import load_preset


def main() -> None:
    """Say that it is ready, then answer until stdin ends."""
    begin_child(0)
    out = sys.stdout
    try:
        partner = HostPartner(in_a_host(load_preset(Path(sys.argv[1])).partner), float(sys.argv[2]))
    except LatentkeysError as problem:
        out.write(f"FAILED {problem.message}. {problem.remedy}\n".replace("\n", " ").strip() + "\n")
        return
    gc.collect()
    gc.freeze()  # a collection of what lies here would come in the middle of the music
    out.write("READY\n")
    out.flush()
    for line in sys.stdin:
        answers = "\n".join(partner.take(line))
        if answers:
            out.write(answers + "\n")
            out.flush()


if __name__ == "__main__":
    main()
