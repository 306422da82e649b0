"""The page of a plug-in instance in a real Chromium."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from instrument.bench.clap.host import Plugin
from instrument.plugin.install import status
from tests.helpers.live.panel_stage import CHROMIUM
from tests.helpers.live.patience import wait_for
from tests.helpers.plugin.page import Host, open_panel, preset_in
from tests.helpers.plugin.stage import end_service

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="make setup installs Chromium on Linux"),
]
WAIT_MS = 15_000
PICTURES = os.environ.get("LATENTKEYS_TEST_PICTURES")
WATCH_FOR_GONE = """() => {
  const gone = document.querySelector(".gone");
  const look = () => { if (!gone.hidden) window.hasGone = gone.textContent; };
  new MutationObserver(look).observe(gone, { attributes: true, childList: true, subtree: true });
}"""


@pytest.fixture
def host(no_display: Path, plugin: Plugin) -> Iterator[Host]:
    plugin.ask("clap.render", "set", 0)
    address = open_panel(plugin)
    playing = Host(plugin)
    playing.name = address
    yield playing
    playing.end()


@pytest.fixture
def page(host: Host) -> Iterator[Page]:
    assert CHROMIUM, "Chromium is missing: make setup"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1280, "height": 800})
        opened.set_default_timeout(WAIT_MS)
        expect.set_options(timeout=WAIT_MS)
        problems: list[str] = []
        opened.on("pageerror", lambda error: problems.append(str(error)))
        opened.goto(host.name)
        expect(opened.locator("#top strong")).to_have_text("Breathing Piano")
        yield opened
        assert not problems
        browser.close()


def picture(page: Page, name: str) -> None:
    """Keep a picture of the page, if somebody wants to look."""
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png")


def open_view(page: Page, name: str) -> None:
    page.locator(f"#views button[data-view='{name}']").click()


def test_the_page_shows_and_changes_its_instance(page: Page, host: Host) -> None:
    expect(page.locator(".card.plays b")).to_have_text("Breathing Piano")
    picture(page, "sounds")
    key = page.locator(".key[data-pitch='60']")
    box = key.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 0.8 * box["height"])
    page.mouse.down()
    wait_for(lambda: host.peak > 0.01, "sound in the host")
    expect(key).to_have_class("key white player")
    page.mouse.up()
    expect(key).to_have_class("key white")
    open_view(page, "Shape")
    level = page.locator("[aria-label='reverb'] .knob").first.locator("input")
    level.fill("0.45")
    level.press("Enter")
    wait_for(lambda: "level = 0.45" in preset_in(host.plugin), "the change in the song")
    expect(page.locator("#top .changed")).to_be_visible()
    picture(page, "shape")
    page.keyboard.press("Escape")
    page.locator("button", has_text="Undo").click()
    wait_for(lambda: "level = 0.45" not in preset_in(host.plugin), "the change taken back")


def test_what_the_host_does_is_not_offered(page: Page) -> None:
    for name in ("Ear off", "Web MIDI", "MIDI learn"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    open_view(page, "Partner")
    expect(page.get_by_role("button", name="Call the partner")).to_be_visible()
    for name in ("Tap tempo", "Keep the take", "Bar line"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    expect(page.get_by_label("Takes")).to_be_hidden()
    picture(page, "partner")
    open_view(page, "Meters")
    expect(page.get_by_text("Voices", exact=True)).to_be_visible()
    expect(page.get_by_text("Under-runs", exact=True)).to_have_count(0)
    expect(page.get_by_label("Devices")).to_be_hidden()
    picture(page, "meters")
    page.set_viewport_size({"width": 390, "height": 844})
    for view in ("Sounds", "Map", "Shape", "Partner", "Meters"):
        open_view(page, view)
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        picture(page, f"phone_{view.lower()}")


def test_the_page_says_that_the_service_has_gone_and_comes_back(page: Page, host: Host) -> None:
    before = status().service_pid
    page.evaluate(WATCH_FOR_GONE)  # it may be back within a second
    assert end_service()
    page.wait_for_function("window.hasGone?.includes('The plug-in plays on')", timeout=60_000)
    expect(page.locator(".gone")).to_be_hidden(timeout=60_000)
    assert status().service_pid not in (None, before)
    expect(page.locator("#top strong")).to_have_text("Breathing Piano")
