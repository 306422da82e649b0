"""Another block, channel and device, chosen in a real Chromium while the instrument plays."""

from __future__ import annotations

import sys

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.live.panel_page import wait_for_keys
from tests.helpers.live.panel_stage import Stage, ask, hear
from tests.helpers.live.patience import wait_for

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="make setup installs Chromium on Linux"),
]


def test_another_block_and_channel_are_used_without_a_new_start(page: Page, panel: Stage) -> None:
    page.locator("#views").get_by_role("button", name="Meters").click()
    before = panel.process("instrument.engine.process").pid
    expect(page.get_by_label("Sound goes to", exact=True)).to_have_value("null")
    page.get_by_label("Block", exact=True).select_option("512")
    page.get_by_label("MIDI channel").select_option("3")
    page.get_by_role("button", name="Use these").click()
    wait_for(lambda: panel.process("instrument.engine.process").pid != before, "another engine")
    expect(page.get_by_role("definition").filter(has_text="512 frames")).to_be_visible()
    assert int(panel.state.fields["channel_mask"]) == 1 << 2
    clock = panel.state.clock
    wait_for(lambda: panel.state.clock > clock, "the stream going on")
    with panel.socket() as socket:
        situation = hear(socket, "Situation", block_frames=512)
        assert situation["chosen"]["channel"] == 3 and situation["preset"]
        page.keyboard.down("a")  # the page plays on whatever channel is heard
        wait_for_keys(panel, 60)
        page.keyboard.up("a")
        wait_for_keys(panel)
        ask(socket, "UseDevices", audio="null")
        hear(socket, "Situation", chosen={**situation["chosen"], "channel": 0, "block_frames": 0})
        hear(socket, "Situation", seconds=20.0, block_frames=128)
    assert int(panel.state.fields["channel_mask"]) == 0xFFFF
    page.keyboard.down("a")
    wait_for_keys(panel, 60)
    page.keyboard.up("a")
    wait_for_keys(panel)


def test_devices_that_come_late_leave_what_is_being_chosen(page: Page, panel: Stage) -> None:
    page.locator("#views").get_by_role("button", name="Meters").click()
    block = page.get_by_label("Block", exact=True)
    expect(block.locator("option", has_text="512 frames")).to_be_attached()
    block.select_option("512")
    with panel.socket() as socket:
        ask(socket, "LookForDevices")  # whoever looks, all pages are told
        hear(socket, "Devices", seconds=20.0)
    page.wait_for_timeout(200)
    expect(block).to_have_value("512")
    expect(page.get_by_role("button", name="Use these")).to_be_enabled()


def test_what_there_is_is_looked_for_and_a_file_is_refused(panel: Stage) -> None:
    with panel.socket() as socket:
        ask(socket, "LookForDevices")
        found = hear(socket, "Devices", seconds=20.0)
        assert isinstance(found["audio"], list) and isinstance(found["midi"], list)
        ask(socket, "UseDevices", audio="/tmp/x.WAV")
        assert "file" in hear(socket, "Notice")["message"]


def test_a_device_that_is_not_there_is_said_and_can_be_left_again(panel: Stage) -> None:
    with panel.socket() as socket:
        ask(socket, "UseDevices", audio="Nobody's Card")
        assert "Nobody's Card" in hear(socket, "Notice", seconds=20.0)["message"]
        ask(socket, "UseDevices", audio="null")
        wait_for(lambda: bool(panel.state.fields["playing"]), "the engine")
        clock = panel.state.clock
        wait_for(lambda: panel.state.clock > clock + 48_000, "the stream going on")
