"""Sessions: what they run on, buffers that stay, and a CUDA that is not what it says."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest

from instrument.bundle import inference
from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import PROVIDER_OPTIONS, PROVIDERS, Runtime
from instrument.bundle.open_graph import OpenGraph
from instrument.errors import BundleError, SettingError
from instrument.rendering.open_renderer import open_renderer
from tests.helpers.models.plain_gansynth import LATENT_SIZE, plain_gansynth


def a_session(name: str = "attack_4") -> OpenGraph:
    return Bundle.load(plain_gansynth()).open_graph(name, Runtime(device="cpu"))


def some_notes(seed: int, count: int = 4) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    latents = random.normal(size=(count, LATENT_SIZE)).astype(np.float32)
    return {"z": latents, "pitch": random.integers(40, 71, count)}


class PretendedCuda:
    """An onnxruntime that offers CUDA and opens everything on the CPU, as it is known to do."""

    def __init__(self, *, admits_it: bool, runs: bool = True) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._admits_it, self._runs = admits_it, runs

    SessionOptions = onnxruntime.SessionOptions
    RunOptions = onnxruntime.RunOptions
    GraphOptimizationLevel = onnxruntime.GraphOptimizationLevel
    OrtValue = onnxruntime.OrtValue

    def get_available_providers(self) -> list[str]:
        return list(PROVIDERS.values())

    def preload_dlls(self) -> None:
        """Find nothing."""

    def InferenceSession(  # noqa: N802
        self, graph: bytes, options: Any, providers: Any, **more: Any
    ) -> Any:
        assert more == {"enable_fallback": 0}  # onnxruntime's own would hide what has failed
        if options.graph_optimization_level == self.GraphOptimizationLevel.ORT_DISABLE_ALL:
            return onnxruntime.InferenceSession(graph, options, providers=providers)  # only looks
        self.asked += providers
        on_cuda = providers[0][0] == PROVIDERS["cuda"]
        if on_cuda:  # this option is how CUDA is kept from falling back
            strict = options.get_session_config_entry("session.disable_cpu_ep_fallback")
            assert strict == "1"
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "0")
        real = onnxruntime.InferenceSession(graph, options, providers=[PROVIDERS["cpu"]])
        if not on_cuda:
            return real
        answer = PROVIDERS["cpu" if self._admits_it else "cuda"]
        return SimpleNamespace(
            get_providers=lambda: [answer],
            get_inputs=real.get_inputs,
            get_outputs=real.get_outputs,
            run=real.run if self._runs else self._fail,
        )

    def _fail(self, *_: object) -> None:
        raise RuntimeError("CUDNN_STATUS_NOT_INITIALIZED\nand a long story")


def pretend(monkeypatch: pytest.MonkeyPatch, cuda: PretendedCuda) -> None:
    monkeypatch.setattr(inference, "import_onnxruntime", lambda: cuda)


def test_bound_buffers_give_what_a_plain_run_gives() -> None:
    session = a_session()
    bound = session.bind()
    for seed in range(3):
        notes = some_notes(seed)
        np.testing.assert_array_equal(bound.run(notes)["waveform"], session.run(notes)["waveform"])


def test_a_result_is_the_callers_own() -> None:
    bound = a_session().bind()
    first = bound.run(some_notes(0))["waveform"]
    kept = first.copy()
    bound.run(some_notes(1))
    np.testing.assert_array_equal(first, kept)


def test_a_session_warms_up_on_zeros() -> None:
    a_session("note_1").warm_up()


def test_cuda_is_asked_for_heuristic_convolutions_in_full_precision() -> None:
    options = {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}
    assert PROVIDER_OPTIONS["cuda"] == options


def test_a_cuda_that_is_not_there_is_refused_or_told() -> None:
    with pytest.raises(SettingError, match="this onnxruntime has none"):
        Runtime(device="cuda")
    assert Runtime(device="auto").notice == ""  # nothing was offered, so nothing is missing


def test_a_silent_fall_back_is_told_and_what_follows_opens_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuda = PretendedCuda(admits_it=True)
    pretend(monkeypatch, cuda)
    renderer = open_renderer(Bundle.load(plain_gansynth()), device="auto")
    assert renderer.info.provider == "cpu"
    assert "CUDA does not work here: it runs on CPUExecutionProvider" in renderer.info.notice
    renderer.open(20_000)
    asked = [name for name, _ in cuda.asked]
    assert asked == [PROVIDERS["cuda"], PROVIDERS["cpu"], PROVIDERS["cpu"]]
    assert cuda.asked[0][1] == PROVIDER_OPTIONS["cuda"]


def test_a_cuda_that_was_insisted_on_never_becomes_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, PretendedCuda(admits_it=True))
    with pytest.raises(BundleError, match="it runs on CPUExecutionProvider instead"):
        Bundle.load(plain_gansynth()).open_graph("note_1", Runtime(device="cuda"))


def test_a_cuda_that_opens_but_does_not_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, PretendedCuda(admits_it=False, runs=False))
    renderer = open_renderer(Bundle.load(plain_gansynth()), device="auto")
    assert renderer.info.provider == "cpu"
    assert renderer.info.notice.endswith("it does not run: CUDNN_STATUS_NOT_INITIALIZED")
