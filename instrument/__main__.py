"""Where ``latentkeys`` and ``python -m instrument`` begin.

Ctrl-C while Python still imports the command line would print a traceback; until
`instrument.cli.main.run` takes over, the system's own way of ending is the right one.
"""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line and exit with its code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from instrument.cli.main import main as command_line

    command_line()


if __name__ == "__main__":
    main()
