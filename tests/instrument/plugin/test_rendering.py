"""A renderer's process for one table: nobody works for nobody."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from instrument.files import shipped_presets_folder
from instrument.plugin.rendering import Renderers, Rendering
from tests.helpers.live_play import wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="a killed process has no signal there"),
]


class LateRenderers(Renderers):
    """Give a renderer only once it may come."""

    def __init__(self) -> None:
        super().__init__()
        self.may_come = threading.Event()
        self.taken: subprocess.Popen[str] | None = None

    def take(self) -> subprocess.Popen[str]:
        self.may_come.wait()
        self.taken = super().take()
        return self.taken


def test_who_has_left_before_the_renderer_came_has_nothing_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    renderers = LateRenderers()
    rendering = Rendering(renderers, shipped_presets_folder() / "felt_grand.toml", 48_000)
    queue = rendering.follow()
    rendering.leave(queue)
    renderers.may_come.set()
    renderer = wait_for(lambda: renderers.taken, "a renderer")
    assert renderer and renderer.wait(20.0) == -9
    assert rendering.is_over
    renderers.close()
