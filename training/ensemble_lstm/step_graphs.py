"""The ensemble LSTM as five fixed-shape graphs, one note at a time.

In: a trained `EnsembleNetwork`. Out: modules of batch 1 that an exporter takes as they are, and the
same for the composer to play without exporting. What every input means say
`instrument.composers.note_lstm.features` and `instrument.composers.ensemble_lstm.company`:

========  ====================================================  ===================================
graph     inputs                                                outputs
========  ====================================================  ===================================
advance   notes (1, 20), hidden (L, 1, U), cell (L, 1, U)       past (1, U), hidden, cell
shift     past, candidates (1, 4), anchors (1, 2),              logits (1, 193)
          conditions (1, 16)
pitch     past, columns (1, 23), candidates (1, 5),             logits (1, 128)
          anchors (1, 2), pitch_classes (1, 2, 12), conditions
duration  past, columns (1, 19), candidates (1, 9),             logits (1, 192): symbol + 1 ticks
          anchors (1, 2), conditions
velocity  past, columns (1, 6), conditions                      logits (1, 8): bins of 16
========  ====================================================  ===================================
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from instrument.bundle.open_graph import Tensors
from instrument.bundle.recurrent_graph import States
from instrument.composers.ensemble_lstm.company import NOTHING_ASKED, Company
from instrument.composers.note_history import History
from instrument.composers.note_lstm import features
from training.ensemble_lstm.network import EnsembleNetwork
from training.note_lstm.step_graphs import Advance, ShiftLogits

STATES = ("hidden", "cell")


def step_modules(network: EnsembleNetwork) -> dict[str, nn.Module]:
    """Return the graphs by name; the network is in evaluation mode."""
    return {
        "advance": Advance(network.lstm),
        "shift": ShiftLogits(network.shift),
        "pitch": network.pitch,
        "duration": network.duration,
        "velocity": network.velocity,
    }


def examples(network: EnsembleNetwork) -> dict[str, dict[str, Tensor]]:
    """Return inputs of the right shapes for each graph, by graph and by name, in order."""
    lstm = network.lstm.lstm
    history, company = History.begin(4.0, 0.0), Company()
    onset, past = history.onset(0), torch.zeros(1, lstm.hidden_size)
    zeros = torch.zeros(lstm.num_layers, 1, lstm.hidden_size)
    asked = _row((*NOTHING_ASKED, *company.columns(0, history.last_pitch)))
    shift, pitch = features.shift_inputs(history, onset), features.pitch_inputs(history, onset)
    duration = features.duration_inputs(history, onset, 60)
    told = {
        "shift": (None, shift),
        "pitch": (_row(pitch.columns), pitch),
        "duration": (_row(duration.columns), duration),
    }
    notes = (*features.note_columns(history, onset), *company.role_columns(history))
    found = {"advance": {"notes": _row(notes), "hidden": zeros, "cell": zeros}}
    for name, (columns, inputs) in told.items():
        found[name] = {"past": past}
        if columns is not None:
            found[name]["columns"] = columns
        found[name]["candidates"] = _row(inputs.candidates)
        found[name]["anchors"] = _row(inputs.anchors)
        if name == "pitch":
            heard = features.pitch_classes(history)
            found[name]["pitch_classes"] = torch.from_numpy(heard)[None]
        found[name]["conditions"] = asked
    columns = _row(features.velocity_columns(history, onset, 60, 24))
    found["velocity"] = {"past": past, "columns": columns, "conditions": asked}
    return found


class TorchGraph:
    """A step graph in torch, with the interface of `instrument.bundle.recurrent_graph.StepGraph`.

    Parameters
    ----------
    module
        The graph.
    example
        Its inputs by name, in order.
    """

    def __init__(self, module: nn.Module, example: dict[str, Tensor]) -> None:
        self._module, self._example = module, example

    def begin(self) -> States:
        """Return the memory before the first step: zeros."""
        return tuple(self._example[name].numpy() for name in STATES)

    @torch.no_grad()
    def step(self, states: States, inputs: Tensors) -> tuple[Tensors, States]:
        """Take one step; see `StepGraph.step`."""
        given = inputs | dict(zip(STATES, states, strict=False))
        made = self._module(*(torch.from_numpy(given[name]) for name in self._example))
        if not states:
            return {"logits": made.numpy()}, ()
        past, *after = (tensor.numpy() for tensor in made)
        return {"past": past}, tuple(after)


def torch_graphs(network: EnsembleNetwork) -> dict[str, TorchGraph]:
    """Return the graphs of a network, to play with."""
    told = examples(network)
    return {name: TorchGraph(module, told[name]) for name, module in step_modules(network).items()}


def _row(values: Sequence[int] | np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Tensor:
    """Return a batch of one."""
    return torch.tensor(np.asarray(values, np.int64))[None]
