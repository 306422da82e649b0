"""MIDI learn and the morph pad's path in a real Chromium, with controllers that really move."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from instrument.realtime.control_input import ControlInput
from tests.helpers.live.panel_page import knob, open_page
from tests.helpers.live.panel_stage import Stage, ask, stage
from tests.helpers.live.patience import wait_for

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="make setup installs Chromium on Linux"),
]


def test_a_knob_is_learned_by_a_click_and_a_turn_and_is_remembered(
    tmp_path: Path, browser: Browser
) -> None:
    with stage(tmp_path) as panel, panel.socket() as hands:
        page = open_page(browser, panel, "Shape")
        page.get_by_role("button", name="MIDI learn").click()
        page.get_by_label("Cutoff: learn").click()
        expect(page.get_by_label("Cutoff: turn it now …")).to_be_visible()
        ask(hands, "Turn", number=20, value=0)
        expect(page.get_by_label("Cutoff: CC 20, forget it")).to_be_visible()
        wait_for(lambda: abs(knob(panel, "cutoff_hz") - 20.0) < 0.1, "the closed filter")
        ask(hands, "Turn", number=20, value=127)
        wait_for(lambda: abs(knob(panel, "cutoff_hz") - 20_000.0) < 1.0, "the open filter")
        expect(page.get_by_label("Cutoff, typed")).to_have_value("20000 Hz")
        page.context.close()
        ask(hands, "Turn", number=20, value=0)  # nobody looks
        wait_for(lambda: abs(knob(panel, "cutoff_hz") - 20.0) < 0.1, "the closed filter")
    with stage(tmp_path) as panel, panel.socket() as hands:
        page = open_page(browser, panel, "Shape")
        forgets = page.get_by_label("Cutoff: CC 20, forget it")
        ask(hands, "Turn", number=20, value=0)
        wait_for(lambda: abs(knob(panel, "cutoff_hz") - 20.0) < 0.1, "what was remembered")
        forgets.press("Enter")
        expect(forgets).to_be_hidden()
        ask(hands, "Turn", number=20, value=127)
        time.sleep(0.3)
        assert knob(panel, "cutoff_hz") < 21.0
        page.context.close()


def test_pressure_and_the_wheel_move_the_morph_pad(browser: Browser, panel: Stage) -> None:
    page = open_page(browser, panel, "Map")
    with panel.socket() as hands:
        page.get_by_label("Morph pad X: learn").click()
        ask(hands, "Turn", number=1, value=64)
        expect(page.get_by_label("Morph pad X: wheel, forget it")).to_be_visible()
        page.get_by_label("Morph pad Y: learn").click()
        ControlInput(panel.state).send(bytes([0xD0, 0]))
        expect(page.get_by_label("Morph pad Y: pressure, forget it")).to_be_visible()
        ask(hands, "Turn", number=1, value=127)
        ControlInput(panel.state).send(bytes([0xD0, 127]))
        page.wait_for_function(
            """async () => {
              const { x, y } = (await import('/connection.js')).panel.last.Pad;
              return x === 1 && y === 1;
            }"""
        )
        for axis in ("X", "Y"):
            page.locator(f"[aria-label^='Morph pad {axis}:']").click()
            expect(page.get_by_label(f"Morph pad {axis}: learn")).to_be_visible()
        ask(hands, "Turn", number=1, value=0)
    page.context.close()


def test_a_path_over_the_morph_pad_is_recorded_and_goes_round(
    browser: Browser, panel: Stage
) -> None:
    page = open_page(browser, panel, "Map")
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_text("drag now")).to_be_visible()
    box = page.locator(".pad").bounding_box()
    assert box
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    for step in range(10):
        page.mouse.move(box["x"] + 10 + 15 * step, box["y"] + 10 + 10 * step)
        time.sleep(0.05)
    page.mouse.up()
    page.get_by_role("button", name="Loop").click()
    page.evaluate(
        """async () => {
          window.places = [];
          (await import('/connection.js')).panel.on('Pad', ({ x }) => window.places.push(x));
        }"""
    )
    page.wait_for_function("() => places.length > 8 && places.some((x, i) => x > places[i + 1])")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    page.context.close()


def test_the_partners_knobs_turn_its_controllers(browser: Browser, panel: Stage) -> None:
    page = open_page(browser, panel, "Partner")
    page.get_by_role("button", name="Call the partner").click()
    expect(page.locator(".says")).to_contain_text("bpm", timeout=40_000)
    page.get_by_label("Bolder: learn").click()
    ControlInput(panel.state).send(bytes([0xB0, 50, 100]))
    expect(page.get_by_label("Bolder: CC 50, forget it")).to_be_visible()
    page.get_by_label("Bolder (temperature)").focus()
    page.keyboard.press("End")
    expect(page.get_by_text("temperature 2.00")).to_be_visible()
    page.get_by_label("Bolder: CC 50, forget it").click()
    page.get_by_role("button", name="Let it go").click()
    expect(page.get_by_role("button", name="Call the partner")).to_be_visible()
    page.context.close()
