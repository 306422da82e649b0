"""Ten minutes of kills: ``python -m tests.plugin.kills [SECONDS]``; prints what has happened."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from instrument.plugin.places import Binary, this_target
from tests.helpers.plugin.kills import play_among_kills
from tests.helpers.plugin.stage import binaries_in, plugin_home


def main() -> None:
    """Play, kill, tell."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    with tempfile.TemporaryDirectory(prefix="latentkeys-kills-") as name, plugin_home(Path(name)):
        binaries = binaries_in(Path(name, "binaries"))
        found = play_among_kills(binaries / Binary(this_target(), "clap").file, seconds, seed=3)
    sys.stdout.write(f"{seconds:.0f} s of kills: {found}\n")


if __name__ == "__main__":
    main()
