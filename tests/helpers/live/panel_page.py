"""The panel's page in a real Chromium, and what is heard and held behind it."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.helpers.live.panel_stage import Stage
from tests.helpers.live.patience import wait_for

WAIT_MS = 15_000


def open_page(browser: Browser, panel: Stage, view: str = "", **options: object) -> Page:
    """Open a page at a view; nothing in it may go wrong meanwhile."""
    context = browser.new_context(**options)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.goto(f"{panel.address}#{view}")
    expect(page.locator("#top strong")).not_to_have_text("…")
    assert not problems
    return page


def sounding(panel: Stage) -> list[int]:
    """Return the pitches of the keys that are held."""
    voices = panel.state.voices
    down = (voices["stage"] != 0) & (voices["key_is_down"] != 0) & (voices["is_fading"] == 0)
    return sorted({int(pitch) for pitch in voices[down]["pitch"]})


def wait_for_keys(panel: Stage, *pitches: int) -> None:
    """Wait until these keys are held, and no others."""
    wait_for(lambda: sounding(panel) == list(pitches), f"keys {pitches}", 10.0)


def knob(panel: Stage, name: str) -> float:
    """Return what new notes take."""
    return float(panel.state.banks[int(panel.state.channels[0]["bank"])][name])
