"""A renderer's process for one table: nobody works for nobody."""

from __future__ import annotations

import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from instrument.files import shipped_presets_folder
from instrument.plugin.tables.renderers import RendererProcess, Renderers
from instrument.plugin.tables.rendering import Rendering
from instrument.plugin.tables.table_file import tables_folder
from tests.helpers.live.patience import wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="a killed process has no signal there"),
]


class LateRenderers(Renderers):
    """Give a renderer only once it may come, and remember who was given."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.may_come = threading.Event()
        self.given: list[RendererProcess] = []
        self.folder = folder

    def take(self) -> RendererProcess:
        self.may_come.wait()
        self.given.append(super().take())
        return self.given[-1]


@pytest.fixture
def renderers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LateRenderers:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return LateRenderers(tmp_path)


def is_gone(path: Path) -> bool:
    return not path.exists()


def begin(renderers: LateRenderers, preset: str) -> Rendering:
    return Rendering(
        renderers, shipped_presets_folder() / f"{preset}.toml", 48_000, renderers.folder
    )


def test_who_has_left_before_the_renderer_came_has_nothing_rendered(
    renderers: LateRenderers,
) -> None:
    rendering = begin(renderers, "felt_grand")
    rendering.leave(rendering.follow())
    renderers.may_come.set()
    wait_for(lambda: renderers.given, "a renderer")
    assert rendering.is_over
    later = begin(renderers, "glass_choir")  # it waits for work, and gets it
    lines = later.follow()
    assert lines.get(timeout=60.0).startswith("TABLE ")
    assert len(list(tables_folder().glob("*.part"))) == 1
    later.leave(lines)
    renderers.close()
    for given in renderers.given:
        given.end()


def test_what_is_left_makes_room_for_the_next_table_in_the_same_process(
    renderers: LateRenderers,
) -> None:
    renderers.may_come.set()
    for preset in ("felt_grand", "glass_choir", "moonlit_harp"):
        rendering = begin(renderers, preset)
        lines = rendering.follow()
        assert lines.get(timeout=60.0).startswith("TABLE ")
        (part,) = tables_folder().glob("*.part")
        rendering.leave(lines)
        wait_for(partial(is_gone, part), "room")
    assert len({renderer.pid for renderer in renderers.given}) == 1
    renderers.close()
    wait_for(lambda: not renderers.given[0].is_running, "its end")
