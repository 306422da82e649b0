"""The process that renders held notes on: ``python -m instrument.plugin.streaming.process``.

One for all instances, niced, so that whatever a model does ends with it. It is told what
`streaming.messages` has, and says ``NOTICE key text`` where something is wrong.
"""

from __future__ import annotations

from instrument.plugin.child import begin_child

NICENESS = 5


def main() -> None:
    """Give way to music before anything is loaded."""
    begin_child(NICENESS)
    from instrument.plugin.streaming.shared_notes import serve

    serve()


if __name__ == "__main__":
    main()
