"""Choose symbols from logits while a network is still in torch: to look at a run or evaluate it."""

from __future__ import annotations

import torch
from torch import Tensor


def choose(
    logits: Tensor, generator: torch.Generator, temperature: float = 1.0, top_p: float = 1.0
) -> Tensor:
    """Draw one symbol per row.

    Parameters
    ----------
    logits
        float32, shape (n, symbols); a symbol with -inf is never drawn.
    generator
        Where chance comes from.
    temperature
        0 is greedy (the likeliest symbol), 1 pure sampling from the network's distribution.
    top_p
        Nucleus sampling (Holtzman et al., 2020, section 3.1): only the likeliest symbols that
        together reach this probability are in the draw.

    Returns
    -------
    Tensor
        int64, shape (n,).
    """
    if temperature == 0.0:
        return logits.argmax(dim=-1)
    chances = (logits / temperature).softmax(dim=-1)
    ordered, index = chances.sort(dim=-1, descending=True)
    before = ordered.cumsum(dim=-1) - ordered
    ordered = ordered * (before < top_p)
    drawn = torch.multinomial(ordered, 1, generator=generator)
    return index.gather(-1, drawn)[:, 0]
