"""A recurrent network as a graph of one step, its memory passed in and out.

In: a bundle's graph whose inputs ``NAME_in`` and outputs ``NAME_out`` are its memory. Out: a
`StepGraph`, whose states are tuples of arrays that nobody changes: keeping one is keeping that
moment, and going back to it costs nothing. The session runs on one thread: two are not faster for a
network this small, and their tails are worse.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.bundle import FETCH_AGAIN, Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.open_graph import Tensors
from instrument.errors import BundleError

States = tuple[NDArray[Any], ...]


class StepOf(Protocol):
    """A `StepGraph`, or what computes the same."""

    def begin(self) -> States:
        """Return the memory before the first step."""
        ...

    def step(self, states: States, inputs: Tensors) -> tuple[Tensors, States]:
        """Take one step."""
        ...


class LaterStep:
    """A step that is taken when its outcome is first asked for; belongs to one thread.

    Of several notes that are drawn only one is kept, and only that one's step is needed.

    Parameters
    ----------
    graph, states, inputs
        See `StepGraph.step`.
    """

    def __init__(self, graph: StepOf, states: States, inputs: Tensors) -> None:
        self._graph, self._before, self._inputs = graph, states, inputs

    @property
    def outputs(self) -> Tensors:
        """What the graph says."""
        return self._outcome[0]

    @property
    def states(self) -> States:
        """Its memory after the step."""
        return self._outcome[1]

    def take(self) -> None:
        """Take the step now: what is asked for later is to be there at once."""
        _ = self._outcome

    @cached_property
    def _outcome(self) -> tuple[Tensors, States]:
        return self._graph.step(self._before, self._inputs)


IN, OUT = "_in", "_out"
_TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64}


class StepGraph:
    """One step of a recurrent network; belongs to one thread.

    Parameters
    ----------
    bundle
        The composer.
    name
        Which graph of it.
    runtime
        Where it runs.

    Raises
    ------
    BundleError
        The graph is missing, differs from its card, or has a memory without a way out.
    """

    def __init__(self, bundle: Bundle, name: str, runtime: Runtime) -> None:
        session = bundle.open_graph(name, runtime)
        self._session = session
        self._memories = [name for name in session.inputs if name.endswith(IN)]
        kept = [memory.removesuffix(IN) + OUT for memory in self._memories]
        self._outputs = [name for name in session.outputs if name not in kept]
        if missing := [name for name in kept if name not in session.outputs]:
            raise BundleError(f"{bundle.what}: graph {name} lacks {missing[0]}", FETCH_AGAIN)
        self._all = [*self._outputs, *kept]
        shapes = (session.inputs[memory] for memory in self._memories)
        self._zeros = tuple(np.zeros(shape, _TYPES[dtype]) for dtype, shape in shapes)

    def begin(self) -> States:
        """Return the memory before the first step: zeros."""
        return self._zeros

    def step(self, states: States, inputs: Tensors) -> tuple[Tensors, States]:
        """Take one step.

        Parameters
        ----------
        states
            What `begin` or the step before returned.
        inputs
            The other inputs by name.

        Returns
        -------
        Tensors
            The outputs that are no memory, by name.
        States
            For the next step.
        """
        feed = dict(zip(self._memories, states, strict=True)) | inputs
        values = self._session.run_for(self._all, feed)
        count = len(self._outputs)
        return dict(zip(self._outputs, values[:count], strict=True)), tuple(values[count:])
