"""A graph that is open: what goes in and out, and its buffers.

In: named tensors. Out: named tensors; a run that takes too long is abandoned. One thread at a time.
Only this module imports onnxruntime, and only when a runtime is made; it is told first to tell
nobody: builds of onnxruntime report to their maker over the network.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.bundle import Signature
from instrument.bundle.watchdog import Watchdog
from instrument.errors import BundleError, MissingExtraError, first_line

Tensors = dict[str, NDArray[Any]]
RUN_SECONDS = 10.0
"""A run that takes longer, and `ROW_SECONDS` more for each tone that it makes, is abandoned."""
ROW_SECONDS = 1.0
_DTYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(bool)": np.bool_}


class Bound(Protocol):
    """A graph that keeps its buffers, where it has any."""

    @property
    def session(self) -> RunnableGraph:
        """What is run."""
        ...

    def run(self, tensors: Tensors) -> Tensors:
        """Run the graph once; what comes back is the caller's own."""
        ...


class RunnableGraph(Protocol):
    """What renderers need of a graph, wherever it runs."""

    @property
    def inputs(self) -> Signature:
        """What it takes."""
        ...

    @property
    def outputs(self) -> Signature:
        """What it gives."""
        ...

    @property
    def provider(self) -> str:
        """Where it really runs: "cpu", "cuda" or "remote"."""
        ...

    def run(self, tensors: Tensors) -> Tensors:
        """Run the graph once."""
        ...

    def warm_up(self) -> None:
        """Run on zeros."""
        ...

    def bind(self) -> Bound:
        """Keep buffers for all inputs and outputs where the graph runs."""
        ...


@dataclass(frozen=True, slots=True)
class OpenGraph:
    """An open graph; belongs to one thread at a time."""

    inputs: Signature
    outputs: Signature
    provider: str  #: "cpu" or "cuda": where it really runs
    session: Any
    rows: int  #: how many tones or voices a run makes
    options: Any  #: of every run
    watchdog: Watchdog

    def run(self, tensors: Tensors) -> Tensors:
        """Run the graph once; releases the interpreter lock.

        Parameters
        ----------
        tensors
            By name, of the shapes and types that the graph takes.

        Raises
        ------
        BundleError
            It fails, or does not answer in time.
        """
        names = list(self.outputs)
        return dict(zip(names, self.run_for(names, tensors), strict=True))

    def run_for(self, names: Sequence[str], tensors: Tensors) -> list[NDArray[Any]]:
        """Run the graph for some of its outputs; see `run`.

        Parameters
        ----------
        names
            Of the outputs that are wanted, in this order.
        """
        found: list[NDArray[Any]] = self.watched(self.session.run, names, tensors)
        return found

    def watched(self, run: Callable[..., Any], *arguments: Any) -> Any:
        """Call one of onnxruntime's ways to run the session, within its time."""
        seconds = RUN_SECONDS + ROW_SECONDS * self.rows
        self.watchdog.begin(self.options, seconds)
        try:
            return run(*arguments, self.options)
        except Exception as reason:  # onnxruntime's exceptions have no public common base
            if not self.options.terminate:
                raise BundleError(f"a graph does not run: {first_line(reason, 300)}") from reason
            self.options.terminate = False
            raise BundleError(f"a graph has not answered within {seconds:.0f} s") from reason
        finally:
            self.watchdog.end(self.options)

    def warm_up(self) -> None:
        """Run on zeros: on CUDA the first run chooses algorithms and takes memory."""
        shapes = self.inputs.items()
        self.run({name: np.zeros(shape, _DTYPES[dtype]) for name, (dtype, shape) in shapes})

    def bind(self) -> BoundGraph:
        """Keep buffers for all inputs and outputs where the graph runs."""
        return BoundGraph(self, import_onnxruntime().OrtValue)


class BoundGraph:
    """A session whose buffers stay where it runs: no run allocates or moves more than it must.

    Belongs to one thread.

    Parameters
    ----------
    session
        What is run.
    ort_value
        onnxruntime's class of tensors.
    """

    def __init__(self, session: OpenGraph, ort_value: Any) -> None:
        self.session = session
        self._binding = session.session.io_binding()

        def buffers(tensors: Signature) -> dict[str, Any]:
            return {
                name: ort_value.ortvalue_from_shape_and_type(shape, _DTYPES[dtype], device)
                for name, (dtype, shape) in tensors.items()
            }

        device = session.provider
        self._inputs, self._outputs = buffers(session.inputs), buffers(session.outputs)
        for name, value in self._inputs.items():
            self._binding.bind_ortvalue_input(name, value)
        for name, value in self._outputs.items():
            self._binding.bind_ortvalue_output(name, value)

    def run(self, tensors: Tensors) -> Tensors:
        """Run the graph once; what comes back is the caller's own.

        Parameters
        ----------
        tensors
            All of the graph's inputs, by name, of the shapes that the graph was bound to.
        """
        for name, value in self._inputs.items():
            value.update_inplace(tensors[name])
        session = self.session
        session.watched(session.session.run_with_iobinding, self._binding)
        found = {name: value.numpy() for name, value in self._outputs.items()}
        if self.session.provider == "cpu":  # these are the buffers themselves
            return {name: array.copy() for name, array in found.items()}
        return found


def import_onnxruntime() -> Any:
    """Import onnxruntime; nothing else does.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when it is imported
    try:
        import onnxruntime
    except ImportError as reason:
        raise MissingExtraError("running a model", "onnxruntime", "cpu") from reason
    return onnxruntime
