"""Tones from a real server that is late, stopped, killed, and comes back."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from export.triton.repository import write_repository
from instrument.bundle.bundle import Bundle
from instrument.errors import SettingError
from instrument.rendering.open_renderer import open_renderer, self_test
from instrument.rendering.remote_renderer import RemoteRenderer
from instrument.rendering.renderer import MovingRenderer
from tests.helpers.live.patience import wait_for
from tests.helpers.models.kserve_server import GraphServer, ServerProcess, serving
from tests.helpers.models.tiny_model import tiny_bundle

pytestmark = pytest.mark.slow

NOTICED_SECONDS = 1.0
BUSY_SECONDS = 0.5  # of what is rendered here instead, on a machine that tests keep busy


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(tiny_bundle())


@pytest.fixture(scope="module")
def repository(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    write_repository(bundle, folder)
    return folder


@pytest.fixture
def server(repository: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(repository)
    yield process
    process.kill()


def remote(bundle: Bundle, address: str) -> RemoteRenderer:
    return RemoteRenderer(bundle, open_renderer(bundle, device="cpu"), address, 20.0)


def latent(bundle: Bundle) -> list[tuple[float, ...]]:
    return [bundle.sound.latents["Reed"].latent]


def is_back(renderer: RemoteRenderer) -> bool:
    return renderer.info.provider == "remote"


def test_a_server_gives_the_tones_of_this_machine(bundle: Bundle, server: ServerProcess) -> None:
    renderer, near = remote(bundle, server.address), open_renderer(bundle, device="cpu")
    assert (renderer.info.provider, renderer.info.notice) == ("remote", "")
    assert isinstance(renderer, MovingRenderer) and isinstance(near, MovingRenderer)
    for there, here in (
        (renderer, near),
        (renderer.moving(0.2), near.moving(0.2)),
        (renderer.as_recorded(), near.as_recorded()),
    ):
        expected = here.render([60, 60, 72], latent(bundle) * 3, [40, 127, 90], 5000)
        found = there.render([60, 60, 72], latent(bundle) * 3, [40, 127, 90], 5000)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert self_test(bundle, renderer) < 1e-4
    assert is_back(renderer)


def test_a_server_that_stops_is_noticed_within_a_second_and_used_again(
    bundle: Bundle, server: ServerProcess
) -> None:
    renderer, near = remote(bundle, server.address), open_renderer(bundle, device="cpu")
    expected = near.render([60], latent(bundle), frames=5000)
    os.kill(server.process.pid, signal.SIGSTOP)  # as a cable that is pulled: nothing answers
    began = time.monotonic()
    found = renderer.render([60], latent(bundle), frames=5000)
    assert time.monotonic() - began < NOTICED_SECONDS + BUSY_SECONDS
    np.testing.assert_array_equal(found, expected)
    assert renderer.info.provider == "cpu"
    assert "has not answered within 0.9 s: this machine renders" in renderer.info.notice
    began = time.monotonic()
    renderer.render([60], latent(bundle), frames=5000)
    assert time.monotonic() - began < BUSY_SECONDS, "asked again too soon"
    os.kill(server.process.pid, signal.SIGCONT)
    wait_for(lambda: is_back(renderer), "the server")
    assert renderer.info.notice == f"127.0.0.1:{server.port} renders again."


def test_a_server_that_was_killed_is_used_again_when_another_is_there(
    bundle: Bundle, repository: Path, server: ServerProcess
) -> None:
    renderer = remote(bundle, server.address)
    server.kill()
    renderer.render([60], latent(bundle), frames=5000)
    assert "cannot be reached" in renderer.info.notice
    again = ServerProcess(repository, "--port", str(server.port))
    try:
        wait_for(lambda: is_back(renderer), "the server")
        renderer.render([60], latent(bundle), frames=5000)
        assert is_back(renderer)
    finally:
        again.kill()


def test_a_server_that_is_slow_is_not_used_until_it_is_quick(
    bundle: Bundle, repository: Path
) -> None:
    servicer = GraphServer(repository, late=1.2)
    with serving(servicer) as address:
        renderer = remote(bundle, address)
        assert renderer.info.provider == "cpu" and "has not answered" in renderer.info.notice
        assert renderer.render([60], latent(bundle), frames=5000).any()
        servicer.late = 0.0
        wait_for(lambda: is_back(renderer), "the server")


def test_a_server_that_makes_another_sound_is_not_used(bundle: Bundle, repository: Path) -> None:
    class OtherSound(GraphServer):
        def outputs(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
            return [array * np.float32(1.1) for array in arrays]

    with serving(OtherSound(repository)) as address:
        renderer = remote(bundle, address)
        assert renderer.info.provider == "cpu" and "self-test" in renderer.info.notice


def test_an_address_that_is_none_is_refused(bundle: Bundle) -> None:
    with pytest.raises(SettingError, match="is no address"):
        remote(bundle, "box")
