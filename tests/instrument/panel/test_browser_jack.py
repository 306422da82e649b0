"""JACK and a keyboard on it, chosen in a real Chromium while the instrument plays, and heard."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from instrument.midi.messages import note_off, note_on
from tests.helpers.live.jack_server import running_jack
from tests.helpers.live.panel_page import open_page, wait_for_keys
from tests.helpers.live.panel_stage import ask, hear, stage
from tests.helpers.live.patience import wait_for
from tests.helpers.live.play import Keyboard

pytestmark = [
    pytest.mark.serial,
    pytest.mark.skipif(sys.platform != "linux", reason="make setup installs JACK on Linux"),
]
BLOCK_FRAMES = 256


def loudest(keyboard: Keyboard, frames: int) -> float:
    """Return the highest sample of what was heard last."""
    return float(np.abs(keyboard.heard()[-frames:]).max(initial=0.0))


def test_jack_and_a_keyboard_are_chosen_heard_and_left_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Browser
) -> None:
    with running_jack(BLOCK_FRAMES, name="panel") as server:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
        keyboard = Keyboard(server)
        try:
            with stage(tmp_path) as panel:
                program = panel.command.pid
                page = open_page(browser, panel, "Meters")
                before = panel.process("instrument.engine.process").pid
                page.get_by_label("Sound goes to", exact=True).select_option("jack")
                page.get_by_role("checkbox", name="keyboard:out").check()
                page.get_by_role("button", name="Use these").click()
                wait_for(
                    lambda: panel.process("instrument.engine.process").pid != before, "an engine"
                )
                with panel.socket() as socket:
                    hear(socket, "Situation", seconds=20.0, kind="jack", block_frames=BLOCK_FRAMES)
                shown = page.get_by_role("definition")
                expect(shown.filter(has_text=f"{BLOCK_FRAMES} frames at 48000 Hz")).to_be_visible()
                expect(shown.filter(has_text="keyboard:out")).to_be_visible()
                expect(page.get_by_label("Block", exact=True)).to_be_disabled()  # it is JACK's
                keyboard.connect(with_midi=False)  # the program has found the keyboard itself
                assert loudest(keyboard, 4800) == 0.0
                page.keyboard.down("a")
                wait_for_keys(panel, 60)
                wait_for(lambda: loudest(keyboard, 4800) > 0.01, "the page's note")
                page.keyboard.up("a")
                wait_for(lambda: loudest(keyboard, 4800) < 1e-4, "silence")
                keyboard.send(note_on(64, 100))
                wait_for_keys(panel, 64)
                wait_for(lambda: loudest(keyboard, 4800) > 0.01, "the keyboard's note")
                keyboard.send(note_off(64))
                wait_for_keys(panel)
                with panel.socket() as socket:
                    ask(socket, "UseDevices", audio="null", block_frames=512)
                    hear(socket, "Situation", seconds=20.0, kind="null", block_frames=512)
                page.keyboard.down("d")
                wait_for_keys(panel, 64)
                page.keyboard.up("d")
                assert panel.command.poll() is None and panel.command.pid == program
                page.context.close()
        finally:
            keyboard.close()
