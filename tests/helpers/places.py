"""Where the tests' files are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The checkout."""
GOLDEN = ROOT / "tests" / "golden" / "gansynth"
"""Arrays that Magenta's own code computed."""
HOSTILE = ROOT / "tests" / "golden" / "hostile"
"""Small files made to do harm."""
