"""Change a bundle as a forger would: its card still tells the truth about its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def edit_card(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change what a bundle's card says."""
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    edit(card)
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")


def relist(folder: Path, name: str) -> None:
    """Put a changed file's own size and sha256 on the card."""
    content = (folder / name).read_bytes()
    listed = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
    edit_card(folder, lambda card: card["files"].update({name: listed}))
