"""Make what the project ships: composers, presets and their pictures.

In: runs and recipes. Out: files in ``presets/`` and ``docs/``.
"""
