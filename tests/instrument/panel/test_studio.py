"""What the panel does with a disk that takes nothing, and with what a browser sends over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from starlette.requests import Request

from instrument.files import shipped_presets_folder
from instrument.panel.engine.hands import Hands
from instrument.panel.engine.watcher import Watcher
from instrument.panel.messages.news import Told
from instrument.panel.studio import TICK_SECONDS, Studio
from instrument.panel.takes import TakeShelf
from instrument.panel.web.files import WebFiles, pitch_of
from instrument.panel.web.server import Panel
from instrument.partner.takes.take import NOTES_FILE
from instrument.processes.json_lines import Notice
from instrument.realtime.memory.state import EngineState


@pytest.fixture
def told() -> list[Told]:
    return []


@pytest.fixture
def asked() -> list[object]:
    return []


@pytest.fixture
def studio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[Told], asked: list[object]
) -> Studio:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    state = EngineState.create(None, 48_000.0)
    studio = Studio(tmp_path, state, Watcher(state), told.append, asked.append)
    studio.bench.open(shipped_presets_folder() / "glass_choir.toml")
    return studio


def test_a_sound_that_cannot_be_written_is_told_and_the_panel_goes_on(
    studio: Studio, told: list[Told], asked: list[object], tmp_path: Path
) -> None:
    (tmp_path / "panel").rmdir()
    studio.bench.turn("filter.cutoff_hz", 900.0)
    studio.tick()
    notices = [message for message in told if isinstance(message, Notice)]
    assert "cannot write" in notices[-1].message and not asked
    (tmp_path / "panel").mkdir()
    studio.bench.turn("filter.cutoff_hz", 800.0)
    time.sleep(2 * TICK_SECONDS)
    studio.tick()
    assert asked


class Ears:
    """A page that remembers what it is told."""

    def __init__(self, state: EngineState) -> None:
        self.hands = Hands(state)
        self.takes: list[int] = []

    def tell(self, message: Told) -> None:
        self.queue(msgspec.json.encode(message).decode())

    def queue(self, text: str) -> None:
        news = msgspec.json.decode(text)
        if news["type"] == "Takes":
            self.takes.append(len(news["takes"]))


def test_a_take_that_one_page_is_greeted_with_is_told_to_all(
    studio: Studio, tmp_path: Path
) -> None:
    state = EngineState.create(None, 48_000.0)
    panel = Panel(state, tmp_path, lambda _: None)
    first, second = Ears(state), Ears(state)
    panel.greet(first)
    panel.pages.open.add(first)
    take = tmp_path / "data" / "latentkeys" / "takes" / "one"
    take.mkdir(parents=True)
    (take / NOTES_FILE).touch()
    panel.greet(second)
    assert second.takes == [1] and first.takes == [0, 1]


def test_a_take_that_cannot_be_read_hides_no_other(studio: Studio, tmp_path: Path) -> None:
    takes = tmp_path / "data" / "latentkeys" / "takes"
    for name in ("one", "three"):
        (takes / name).mkdir(parents=True)
        (takes / name / NOTES_FILE).touch()
    (takes / "two").symlink_to("x" * 300)  # no system follows so long a name
    shelf = TakeShelf()
    assert shelf.look() and [card.name for card in shelf.shown.takes] == ["three", "one"]


def posted(studio: Studio, query: str, receive: Callable[[], dict[str, object]]) -> tuple[int, str]:
    """Post a recording; return the answer's status and text."""

    async def post() -> tuple[int, str]:
        async def parts() -> dict[str, object]:
            return receive()

        scope = {"type": "http", "method": "POST", "query_string": query.encode(), "headers": []}
        route = next(r for r in WebFiles(studio, TakeShelf()).routes() if r.path == "/recording")
        answer = await route.endpoint(Request(scope, parts))
        return answer.status_code, bytes(answer.body).decode()

    return asyncio.run(post())


def test_a_recording_for_which_there_is_no_room_is_refused_with_words(
    studio: Studio, tmp_path: Path
) -> None:
    (tmp_path / "search").rmdir()
    whole = {"type": "http.request", "body": b"RIFF", "more_body": False}
    status, text = posted(studio, "name=Lute", lambda: whole)
    assert status == 507 and "cannot write" in text
    assert not studio.explorer.searching.is_busy


def test_a_recording_that_breaks_off_is_refused(studio: Studio) -> None:
    status, text = posted(studio, "name=Lute", lambda: {"type": "http.disconnect"})
    assert (status, text) == (422, "It has not arrived whole.")


@pytest.mark.parametrize(
    ("text", "pitch"),
    [("60", 60), ("0", 0), ("127", 127), ("007", 7), ("128", None), ("00009999", None),
     ("", None), ("-1", None), ("6.5", None), ("٦٠", None), ("1" * 5000, None)],
)  # fmt: skip
def test_a_pitch_is_a_midi_number_or_none(text: str, pitch: int | None) -> None:
    assert pitch_of(text) == pitch
