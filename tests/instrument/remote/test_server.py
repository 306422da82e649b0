"""A server that does what it should, and servers that do not, over real sockets."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.triton.repository import write_repository
from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.open_graph import Tensors
from instrument.bundle.self_test import seeded_inputs
from instrument.errors import BundleError
from instrument.remote.address import TOKEN_NAME, Address
from instrument.remote.served_graphs import ServedGraph, ServedGraphs
from instrument.remote.server import MOST_ANSWER_BYTES, Server, ServerError
from tests.helpers.models.kserve_server import GraphServer, serving
from tests.helpers.models.plain_gansynth import plain_gansynth

GRAPH = "attack_1"
OUTPUT = 0


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(plain_gansynth())


@pytest.fixture(scope="module")
def repository(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    write_repository(bundle, folder)
    return folder


def opened(bundle: Bundle, address: str, seconds: float = 5.0) -> ServedGraph:
    return bundle.open_graph(GRAPH, ServedGraphs(Server(Address.parse(address)), seconds))


def asked(bundle: Bundle) -> Tensors:
    inputs = seeded_inputs(bundle.graph(GRAPH), seed=1)
    inputs["pitch"][:] = 60
    return inputs


def test_a_served_graph_gives_what_the_graph_gives_here(bundle: Bundle, repository: Path) -> None:
    inputs = asked(bundle)
    here = bundle.open_graph(GRAPH, Runtime(device="cpu")).run(inputs)
    with serving(GraphServer(repository)) as address:
        graph = opened(bundle, address)
        there = graph.bind().run(inputs)
        graph.warm_up()
    assert graph.provider == "remote" and list(there) == list(here)
    for name in here:
        np.testing.assert_array_equal(there[name], here[name])
        there[name][:] = 0  # the caller's own


class Nonsense(GraphServer):
    """Answers something else than what it computed."""

    def __init__(self, repository: Path, answer: Any) -> None:
        super().__init__(repository)
        self._answer = answer

    def outputs(self, arrays: list[Any]) -> list[Any]:
        return [self._answer(array) for array in arrays]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (lambda array: array * np.nan, "numbers that are none"),
        (lambda array: array + np.inf, "numbers that are none"),
        (lambda array: array.astype(np.float64), "must be float32"),
        (lambda array: array.astype(np.int64), "must be float32"),
        (lambda array: array[:, :-1], "must be float32"),
        (lambda array: array[0], "must be float32"),
        (lambda _: np.zeros((1, MOST_ANSWER_BYTES // 4 + 2**15), np.float32), "larger than max"),
    ],
)
def test_nonsense_is_refused(bundle: Bundle, repository: Path, answer: Any, found: str) -> None:
    with (
        serving(Nonsense(repository, answer)) as address,
        pytest.raises(ServerError, match=found),
    ):
        opened(bundle, address).run(asked(bundle))


class ShortAnswers(GraphServer):
    """Says one shape and sends the bytes of another, or none, or other tensors."""

    def __init__(self, repository: Path, cut: Any) -> None:
        super().__init__(repository)
        self._cut = cut

    def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        response = super().ModelInfer(request, context)
        self._cut(response)
        return response


def cut_bytes(response: Any) -> None:
    response.raw_output_contents[OUTPUT] = response.raw_output_contents[OUTPUT][:-4]


def drop_bytes(response: Any) -> None:
    del response.raw_output_contents[:]


def rename(response: Any) -> None:
    response.outputs[OUTPUT].name = "other"


@pytest.mark.parametrize(
    ("cut", "found"),
    [(cut_bytes, "must have"), (drop_bytes, "cannot reshape"), (rename, "is missing")],
)
def test_a_short_answer_is_refused(bundle: Bundle, repository: Path, cut: Any, found: str) -> None:
    with (
        serving(ShortAnswers(repository, cut)) as address,
        pytest.raises(ServerError, match=found),
    ):
        opened(bundle, address).run(asked(bundle))


def in_typed_fields(response: Any) -> None:
    raw = bytes(response.raw_output_contents[OUTPUT])
    del response.raw_output_contents[:]
    response.outputs[OUTPUT].contents.fp32_contents.extend(np.frombuffer(raw, np.float32))


def test_the_protocols_other_way_to_send_numbers_is_read(bundle: Bundle, repository: Path) -> None:
    inputs = asked(bundle)
    here = bundle.open_graph(GRAPH, Runtime(device="cpu")).run(inputs)
    with serving(ShortAnswers(repository, in_typed_fields)) as address:
        there = opened(bundle, address).run(inputs)
    np.testing.assert_array_equal(there["waveform"], here["waveform"])


def test_a_server_with_another_model_or_none_is_refused(
    bundle: Bundle, repository: Path, tmp_path: Path
) -> None:
    with (
        serving(GraphServer(tmp_path)) as address,
        pytest.raises(ServerError, match=r"does not have plain-.*--triton"),
    ):
        opened(bundle, address)
    name = next(path.name for path in repository.iterdir() if path.name.endswith(GRAPH))
    (tmp_path / name).symlink_to(repository / name.replace(GRAPH, "note_1"))
    with (
        serving(GraphServer(tmp_path)) as address,
        pytest.raises(BundleError, match="as on the card"),
    ):
        opened(bundle, address)


def test_a_server_that_is_late_or_not_there_costs_its_time_only(
    bundle: Bundle, repository: Path
) -> None:
    with serving(GraphServer(repository, late=2.0)) as address:
        graph = opened(bundle, address, seconds=0.5)
        with pytest.raises(ServerError, match=r"not answered within 0\.5 s"):
            graph.run(asked(bundle))
    with pytest.raises(ServerError, match="cannot be reached"):
        opened(bundle, address)


def test_a_token_is_sent_and_a_wrong_one_refused(
    bundle: Bundle, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(GraphServer(repository, token="right")) as address:
        for token in ("", "wrong"):
            monkeypatch.setenv(TOKEN_NAME, token)
            with pytest.raises(ServerError, match=f"token.*{TOKEN_NAME}"):
                opened(bundle, address)
        monkeypatch.setenv(TOKEN_NAME, "right")
        assert opened(bundle, address).run(asked(bundle))


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for localhost that nobody vouches for, and its key."""
    folder.mkdir()
    pair = folder / "certificate.pem", folder / "key.pem"
    options = ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
    options += ["-addext", "subjectAltName=DNS:localhost", "-newkey", "rsa:2048"]
    command = ["openssl", "req", "-x509", *options, "-out", str(pair[0]), "-keyout", str(pair[1])]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl makes the test's certificates, and is not here")
    return pair


def test_tls_proves_the_servers_name(
    bundle: Bundle, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, unknown = certificate(tmp_path / "known"), certificate(tmp_path / "unknown")
    # grpc reads the certificates that it trusts when it is first used over TLS.
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(known[0]))
    with serving(GraphServer(repository), tls=known) as address:
        port = address.rpartition(":")[2]
        assert opened(bundle, f"grpcs://localhost:{port}").run(asked(bundle))
        for wrong in (f"grpcs://127.0.0.1:{port}", f"grpc://localhost:{port}"):
            with pytest.raises(ServerError, match="cannot be reached"):
                opened(bundle, wrong)
    with serving(GraphServer(repository), tls=unknown) as address:
        port = address.rpartition(":")[2]
        with pytest.raises(ServerError, match="cannot be reached"):
            opened(bundle, f"grpcs://localhost:{port}")
