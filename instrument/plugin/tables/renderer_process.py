"""The process that renders one table: ``python -m instrument.plugin.tables.renderer_process``.

A process for each table, niced, so that whatever a model does ends with it.
"""

from __future__ import annotations

from instrument.plugin.child import begin_child

NICENESS = 10


def main() -> None:
    """Give way before anything is loaded: somebody may wait for the service itself."""
    begin_child(NICENESS)
    from instrument.plugin.tables.render_table import serve

    serve()


if __name__ == "__main__":
    main()
