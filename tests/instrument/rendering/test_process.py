"""The models process itself, with a real bundle, asked as control asks it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from export.triton.repository import write_repository
from instrument.bundle.bundle import Bundle
from instrument.preset.preset import find_preset
from instrument.processes.child_process import ChildProcess
from instrument.processes.json_lines import Notice
from instrument.realtime.memory.constants import LOUD, LOWEST_PITCH
from instrument.realtime.memory.state import EngineState
from instrument.rendering.messages import (
    REPORTS,
    AttacksReady,
    Fill,
    Opened,
    Report,
    TableFailed,
    TableReady,
)
from tests.helpers.live.home import make_home
from tests.helpers.live.patience import wait_for
from tests.helpers.models.kserve_server import ServerProcess
from tests.helpers.models.tiny_model import tiny_bundle

pytestmark = pytest.mark.slow

BANK = 1


class Asked:
    """A models process and the memory it fills."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.state = EngineState.create(folder, 48_000, 4.0)
        self.process = ChildProcess("instrument.rendering.process", folder)
        self.reports: list[Report] = []

    def fill(self, preset: Path, bank: int = BANK, server: str = "") -> None:
        self.process.send(Fill(bank, str(preset), server=server))

    def wait_for(self, kind: type, seconds: float = 60.0) -> object:
        return wait_for(lambda: self.find(kind), kind.__name__, seconds)

    def is_at(self, provider: str) -> bool:
        """Whether it was said last that tones are rendered there."""
        self.find(Opened)
        told = [report for report in self.reports if isinstance(report, Opened)]
        return bool(told) and told[-1].provider == provider

    def find(self, kind: type) -> object:
        self.reports += [REPORTS.decode(line) for line in self.process.lines()]
        assert self.process.exit_code is None, self.process.last_words()
        return next((report for report in self.reports if isinstance(report, kind)), None)


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        make_home(Path(os.environ["XDG_DATA_HOME"]))
        yield


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    models = Asked(tmp_path / "session")
    yield models
    models.process.end()


def test_a_table_is_rendered_once_and_then_comes_from_the_cache(
    asked: Asked, tmp_path: Path
) -> None:
    asked.fill(find_preset("reed"))
    assert isinstance(asked.wait_for(Opened), Opened)
    assert asked.wait_for(AttacksReady)
    ready = asked.wait_for(TableReady)
    assert isinstance(ready, TableReady) and ready.source == "model"
    slots = asked.state.slots[BANK]
    assert np.all((slots["frames_ready"] > 0) & (slots["frames_ready"] == slots["frames_whole"]))
    rendered = asked.state.tones[BANK].copy()
    kept = tmp_path / "cache" / "latentkeys" / "tones"
    wait_for(lambda: list(kept.glob("[!.]*.npz")), "the cache")  # not the file being written

    second = Asked(tmp_path / "second")
    second.fill(find_preset("reed"))
    ready = second.wait_for(TableReady)
    assert isinstance(ready, TableReady) and ready.source == "cache"
    assert not second.find(Opened)
    for name in slots.dtype.names or ():
        np.testing.assert_array_equal(second.state.slots[BANK][name], slots[name])
    np.testing.assert_array_equal(second.state.tones[BANK], rendered)
    second.process.end()


def test_a_servers_end_is_told_once_while_this_machine_renders_the_rest(
    asked: Asked, tmp_path: Path
) -> None:
    write_repository(Bundle.load(tiny_bundle()), tmp_path / "repository")
    server = ServerProcess(tmp_path / "repository", "--late", "0.05")
    asked.fill(find_preset("reed"), server=server.address)
    try:
        wait_for(lambda: asked.is_at("remote"), "the server")
        asked.reports.clear()
        asked.fill(find_preset("choir"), bank=2, server=server.address)
        slots = asked.state.slots[2, LOUD]
        wait_for(lambda: (slots["frames_ready"] > 0).sum() > 5, "tones of the server's")
    finally:
        server.kill()
    wait_for(lambda: np.all(slots["frames_ready"] == slots["frames_whole"]), "all tones")
    wait_for(lambda: asked.is_at("cpu"), "the notice")
    told = [report for report in asked.reports if isinstance(report, Opened)]
    assert [report.provider for report in told] == ["remote", "cpu"]
    assert not told[0].notice and "this machine renders" in told[1].notice
    asked.reports.clear()
    again = ServerProcess(tmp_path / "repository", "--port", str(server.port))
    try:
        wait_for(lambda: asked.is_at("remote"), "the server")  # told though nothing is rendered
        opened = asked.find(Opened)
        assert isinstance(opened, Opened) and "renders again" in opened.notice
    finally:
        again.kill()


def test_a_key_struck_while_cold_is_rendered_before_the_others(asked: Asked) -> None:
    asked.state.wanted[BANK, 0] = 1
    asked.fill(find_preset("reed"))
    slots = asked.state.slots[BANK, LOUD]
    wait_for(lambda: slots["frames_ready"].any(), "a slot")
    assert slots["frames_ready"][0] > 0
    wait_for(lambda: (slots["frames_ready"] > 0).sum() > 20, "more slots")
    asked.state.wanted[BANK, 107 - LOWEST_PITCH] = 9
    before = int((slots["frames_ready"] > 0).sum())
    wait_for(lambda: slots["frames_ready"][107 - LOWEST_PITCH] > 0, "the struck key")
    assert int((slots["frames_ready"] > 0).sum()) <= before + 6  # what passed while we looked


def test_a_new_request_stops_the_old_one(asked: Asked) -> None:
    asked.fill(find_preset("reed"), bank=1)
    asked.wait_for(Opened)
    asked.fill(find_preset("choir"), bank=2)
    ready = asked.wait_for(TableReady)
    assert isinstance(ready, TableReady) and ready.bank == 2
    assert not np.all(asked.state.slots[1, LOUD]["frames_ready"] > 0)


def test_a_preset_without_its_model_fails_by_name_and_the_next_one_works(
    asked: Asked, tmp_path: Path
) -> None:
    text = find_preset("reed").read_text().replace('name = "tiny"', 'name = "lost"')
    (tmp_path / "lost.toml").write_text(text)
    asked.fill(tmp_path / "lost.toml")
    failed = asked.wait_for(TableFailed)
    assert isinstance(failed, TableFailed) and "there is no model 'lost'" in failed.message
    asked.fill(find_preset("reed"), bank=2)
    assert asked.wait_for(Opened)


def test_a_cache_that_cannot_be_written_is_told_and_costs_no_note(
    asked: Asked, tmp_path: Path
) -> None:
    (tmp_path / "cache" / "latentkeys").mkdir(parents=True)
    (tmp_path / "cache" / "latentkeys" / "tones").write_text("a file where the folder should be")
    asked.fill(find_preset("reed"))
    assert asked.wait_for(TableReady)
    notice = asked.wait_for(Notice)
    assert isinstance(notice, Notice) and "cannot create the cache folder" in notice.message


@pytest.mark.serial
def test_it_ends_with_its_stdin(asked: Asked) -> None:
    asked.fill(find_preset("reed"))
    asked.wait_for(Opened)
    began = time.monotonic()
    asked.process.end(wait_seconds=5.0)
    assert time.monotonic() - began < 2.0
    assert asked.process.exit_code == 0
