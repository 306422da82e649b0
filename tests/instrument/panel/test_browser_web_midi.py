"""A keyboard at the browser's machine plays, and leaves nothing behind when it is pulled out.

Chromium has no MIDI system here that a test could plug a keyboard into; so the page is given a
keyboard that speaks as the Web MIDI API says (W3C, "Web MIDI API"), and all behind it is real.
"""

from __future__ import annotations

import sys

import pytest
from playwright.sync_api import Browser, expect

from tests.helpers.live.panel_page import open_page, wait_for_keys
from tests.helpers.live.panel_stage import Stage
from tests.helpers.live.patience import wait_for

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="make setup installs Chromium on Linux"),
]
_KEYBOARD = """() => {
  const port = { id: "one", state: "connected" };
  const access = { inputs: new Map([["one", port]]) };
  window.plays = (...data) => port.onmidimessage({ data: new Uint8Array(data) });
  window.pull = () => { port.state = "disconnected"; access.onstatechange({ port }); };
  window.plug = () => { port.state = "connected"; access.onstatechange({ port }); };
  navigator.requestMIDIAccess = async () => access;
}"""


def test_a_keyboard_at_the_browser_plays_and_nothing_sticks(browser: Browser, panel: Stage) -> None:
    page = open_page(browser, panel)
    page.evaluate(_KEYBOARD)
    page.get_by_role("button", name="Web MIDI").click()
    expect(page.get_by_role("button", name="Web MIDI: 1")).to_be_visible()
    page.evaluate("() => { plays(0x90, 60, 33); plays(0x92, 64, 99); plays(0xb0, 64, 127); }")
    wait_for_keys(panel, 60, 64)
    assert int(panel.state.fields["keys"][0, 60]["velocity"]) == 33
    wait_for(lambda: int(panel.state.channels[0]["sustain"]) == 127, "the pedal")
    page.evaluate("() => { plays(0xd0, 80); plays(0xe0, 0, 96); }")
    wait_for(lambda: int(panel.state.channels[0]["pressure"]) == 80, "the pressure")
    wait_for(lambda: int(panel.state.channels[0]["bend"]) == 4096, "the wheel")
    page.evaluate("() => plays(0x80, 60, 0)")
    wait_for_keys(panel, 64)
    page.evaluate("() => pull()")
    wait_for_keys(panel)
    channel = panel.state.channels[0]
    wait_for(lambda: not any(channel[name] for name in ("sustain", "pressure", "bend")), "rest")
    expect(page.get_by_role("button", name="Web MIDI: 0")).to_be_visible()
    page.evaluate("() => { plug(); plays(0x90, 62, 80); }")
    wait_for_keys(panel, 62)
    page.context.close()
    wait_for_keys(panel)


def test_a_browser_without_web_midi_says_so(browser: Browser, panel: Stage) -> None:
    page = open_page(browser, panel)
    page.evaluate("() => { navigator.requestMIDIAccess = undefined; }")
    page.get_by_role("button", name="Web MIDI").click()
    expect(page.get_by_text("No keyboard can be heard through this browser.")).to_be_visible()
    page.context.close()
