"""Open onnxruntime sessions and know the truth about where they run.

onnxruntime falls back to the CPU without an error when CUDA is listed but cannot load (its issues
23372, 23612, 9302), so a CUDA session is asked for with the CPU forbidden, and the provider that
answers is read back.
"""

from __future__ import annotations

from typing import Any, Literal

from instrument.bundle.bundle import FETCH_AGAIN, Bundle
from instrument.bundle.graph_check import check_cost, read_parts, with_every_result
from instrument.bundle.limits import memory_bytes
from instrument.bundle.open_graph import OpenGraph, import_onnxruntime
from instrument.bundle.watchdog import Watchdog
from instrument.errors import BundleError, SettingError, first_line
from instrument.installation import how_to_install

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
        self._ort = import_onnxruntime()
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
