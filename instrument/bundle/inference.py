"""Open onnxruntime sessions and know the truth about where they run.

onnxruntime falls back to the CPU without an error when CUDA is listed but cannot load (its issues
23372, 23612, 9302), so a CUDA session is asked for with the CPU forbidden, and the provider that
answers is read back. Only this module imports onnxruntime, and only when a runtime is made; it is
told first to tell nobody: builds of onnxruntime report to their maker over the network.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.bundle import FETCH_AGAIN, Bundle, Signature
from instrument.bundle.graph_check import check_cost, read_parts, with_every_result
from instrument.bundle.limits import memory_bytes
from instrument.bundle.watchdog import Watchdog
from instrument.errors import BundleError, MissingExtraError, SettingError, first_line
from instrument.installation import how_to_install

Tensors = dict[str, NDArray[Any]]
Device = Literal["auto", "cpu", "cuda"]
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
PROVIDER_OPTIONS: dict[str, dict[str, str]] = {
    "cpu": {},
    "cuda": {
        # The default tries every algorithm per shape: 634 ms against 1.9 (PaddleX issue 5057).
        "cudnn_conv_algo_search": "HEURISTIC",
        # Ten bits of mantissa would make other notes than a CPU: phases are running sums.
        "use_tf32": "0",
    },
}
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
        return BoundGraph(self, _import_onnxruntime().OrtValue)


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


class Runtime:
    """How sessions are opened: on which device and with how many threads.

    Parameters
    ----------
    threads
        Cores that one run may use. More than one rarely helps a network this small.
    device
        "auto" tries CUDA where onnxruntime offers it and says in `notice` why it did not work.
    """

    def __init__(self, threads: int = 1, device: Device = "auto") -> None:
        self.threads = threads
        self.notice = ""  #: why "auto" did not end on the GPU, for the status line
        self._ort = _import_onnxruntime()
        self._wanted = device
        self._device = self._choose(device)
        self._watchdog = Watchdog()

    def open_graph(self, bundle: Bundle, name: str) -> OpenGraph:
        """Open a graph of a bundle, after a look into it; `Bundle.open_graph` checks the rest.

        Raises
        ------
        BundleError
            The graph is broken, swapped, would take too much, or reaches for other files.
        """
        graph, card = bundle.graph(name), bundle.card
        content, weights = bundle.read(graph.file), {card.weights: bundle.read(card.weights)}
        try:
            parts = read_parts(content)
            results = self.results_in(with_every_result(content, parts), weights)
            check_cost(parts, results, graph.rows, memory_bytes())
            return self.open(content, weights)
        except ValueError as reason:
            raise BundleError(f"{bundle.what}, {graph.file}: {reason}", FETCH_AGAIN) from reason

    def open(self, graph: bytes, external: dict[str, bytes]) -> OpenGraph:
        """Open a graph from memory.

        Parameters
        ----------
        graph
            The ONNX file's content.
        external
            Content of the files that hold its weights, by the name the graph calls them. A graph
            that names any other file is refused.

        Raises
        ------
        ValueError
            onnxruntime refuses the graph; the message is its own first line.
        """
        if self._device == "cuda" and self._wanted == "auto":
            try:
                return self._open("cuda", graph, external)
            except ValueError as reason:
                self._device, self.notice = "cpu", f"CUDA does not work here: {reason}"
        return self._open(self._device, graph, external)

    def results_in(
        self, graph: bytes, external: dict[str, bytes]
    ) -> dict[str, tuple[str, tuple[object, ...]]]:
        """Return element type and shape of every output of a graph, without computing anything.

        Sizes that are not fixed are None or a name.

        Parameters
        ----------
        graph
            The content of an ONNX file.
        external
            The contents of the files that have its weights, by name.

        Raises
        ------
        ValueError
            onnxruntime refuses the graph; the message is its own first line.
        """
        options = self._options()
        options.graph_optimization_level = self._ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = self._session(graph, external, options, (PROVIDERS["cpu"], {}))
        return {tensor.name: (tensor.type, tuple(tensor.shape)) for tensor in session.get_outputs()}

    def _choose(self, device: Device) -> Literal["cpu", "cuda"]:
        offered = PROVIDERS["cuda"] in self._ort.get_available_providers()
        if device == "cuda" and not offered:
            raise SettingError(
                "CUDA was asked for, but this onnxruntime has none",
                f"Uninstall onnxruntime, then: {how_to_install('gpu')}",
            )
        if device == "cpu" or not offered:
            return "cpu"
        self._ort.preload_dlls()
        return "cuda"

    def _open(
        self, device: Literal["cpu", "cuda"], graph: bytes, external: dict[str, bytes]
    ) -> OpenGraph:
        options = self._options()
        if device == "cuda":
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        provider = (PROVIDERS[device], PROVIDER_OPTIONS[device])
        session = self._session(graph, external, options, provider)
        if session.get_providers()[0] != PROVIDERS[device]:
            raise ValueError(f"it runs on {session.get_providers()[0]} instead")
        outputs = {each.name: (each.type, tuple(each.shape)) for each in session.get_outputs()}
        opened = OpenGraph(
            {tensor.name: (tensor.type, tuple(tensor.shape)) for tensor in session.get_inputs()},
            outputs,
            device,
            session,
            max((shape[0] for _, shape in outputs.values() if shape), default=1),
            self._ort.RunOptions(),
            self._watchdog,
        )
        if device == "cuda":
            _prove(opened)
        return opened

    def _options(self) -> Any:
        options = self._ort.SessionOptions()
        options.log_severity_level = 4  # refusals come back as exceptions, not on the terminal
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return options

    def _session(
        self,
        graph: bytes,
        external: dict[str, bytes],
        options: Any,
        provider: tuple[str, dict[str, str]],
    ) -> Any:
        names, contents = list(external), list(external.values())
        if external:
            # onnxruntime reads `contents` while it makes the session, and copies them.
            options.add_external_initializers_from_files_in_memory(
                names, contents, [len(content) for content in contents]
            )
        try:
            return self._ort.InferenceSession(
                graph, options, providers=[provider], enable_fallback=0
            )
        except Exception as reason:  # onnxruntime's exceptions have no public common base
            raise ValueError(f"onnxruntime refuses it: {first_line(reason, 300)}") from reason


def _prove(session: OpenGraph) -> None:
    """Run once: CUDA may open and then lack a kernel, a library or the memory for it."""
    try:
        session.warm_up()
    except BundleError as reason:
        raise ValueError(str(reason).replace("a graph does", "it does")) from reason


def _import_onnxruntime() -> Any:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when it is imported
    try:
        import onnxruntime
    except ImportError as reason:
        raise MissingExtraError("running a model", "onnxruntime", "cpu") from reason
    return onnxruntime
