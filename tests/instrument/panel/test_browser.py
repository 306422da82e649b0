"""The panel in a real Chromium: hands on its keys, and what sounds then."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from instrument.music.yin import RATE_HZ as ESTIMATE_HZ
from instrument.music.yin import estimate_pitch
from instrument.preset.preset import load_preset
from tests.helpers.live.panel_page import WAIT_MS, knob, open_page, sounding, wait_for_keys
from tests.helpers.live.panel_stage import Stage, stage
from tests.helpers.live.patience import wait_for
from tests.helpers.sounds.tones import largest_step

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="make setup installs Chromium on Linux"),
]


def key(page: Page, pitch: int) -> dict[str, float]:
    box = page.locator(f".key[data-pitch='{pitch}']").bounding_box()
    assert box
    return {"x": box["x"] + box["width"] / 2, "y": box["y"], "height": box["height"]}


def test_keys_play_by_mouse_harder_at_their_front(page: Page, panel: Stage) -> None:
    velocities = []
    for share in (0.7, 0.95):
        at = key(page, 60)
        page.mouse.move(at["x"], at["y"] + share * at["height"])
        page.mouse.down()
        wait_for_keys(panel, 60)
        expect(page.locator(".key[data-pitch='60']")).to_have_class("key white player")
        velocities.append(int(panel.state.fields["keys"][0, 60]["velocity"]))
        page.mouse.up()
        wait_for_keys(panel)
    assert velocities[0] < velocities[1]


def test_gliding_over_the_keys_plays_one_after_the_other(page: Page, panel: Stage) -> None:
    at = key(page, 60)
    page.mouse.move(at["x"], at["y"] + 0.9 * at["height"])
    page.mouse.down()
    for pitch in (62, 64, 65):
        page.mouse.move(key(page, pitch)["x"], at["y"] + 0.9 * at["height"])
        wait_for_keys(panel, pitch)
    page.mouse.up()
    wait_for_keys(panel)


def test_the_computer_keyboard_plays_in_octaves(page: Page, panel: Stage) -> None:
    for letter in "adg":
        page.keyboard.down(letter)
    wait_for_keys(panel, 60, 64, 67)
    page.keyboard.up("d")
    wait_for_keys(panel, 60, 67)
    page.keyboard.press("x")  # an octave up, while keys are held
    page.keyboard.down("w")
    wait_for_keys(panel, 60, 67, 73)
    for letter in "agw":
        page.keyboard.up(letter)
    wait_for_keys(panel)


def test_the_space_bar_is_the_pedal(page: Page, panel: Stage) -> None:
    page.keyboard.down(" ")
    page.keyboard.press("a")
    wait_for(lambda: int(panel.state.channels[0]["sustain"]) == 127, "the pedal")
    wait_for(lambda: panel.voices() == 1, "a note that goes on")
    page.keyboard.up(" ")
    wait_for(lambda: panel.voices() == 0, "its end")


def test_two_fingers_play_two_keys(browser: Browser, panel: Stage) -> None:
    page = open_page(browser, panel, viewport={"width": 390, "height": 844}, has_touch=True)
    touch = page.context.new_cdp_session(page)
    points = [{"x": key(page, p)["x"], "id": p} for p in (60, 64)]
    points = [
        {**point, "y": key(page, 60)["y"] + 0.9 * key(page, 60)["height"]} for point in points
    ]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points})
    wait_for_keys(panel, 60, 64)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    wait_for_keys(panel)
    page.context.close()


def test_no_key_sticks_when_the_window_loses_focus_or_closes(page: Page, panel: Stage) -> None:
    page.keyboard.down("a")
    wait_for_keys(panel, 60)
    page.evaluate("window.dispatchEvent(new Event('blur'))")
    wait_for_keys(panel)
    page.keyboard.up("a")
    page.keyboard.down("s")
    wait_for_keys(panel, 62)
    page.close()
    wait_for_keys(panel)


def test_typing_a_name_plays_nothing(page: Page, panel: Stage) -> None:
    strikes = int(panel.state.fields["strikes"])
    page.get_by_label("Search sounds").press_sequentially("adgwe")
    assert int(panel.state.fields["strikes"]) == strikes


def test_a_click_on_a_card_plays_it_while_a_note_is_held(page: Page, panel: Stage) -> None:
    page.keyboard.down("a")
    wait_for_keys(panel, 60)
    held = int(panel.state.channels[0]["bank"])
    other = "Wooden Choir" if page.title().startswith("Reed") else "Reed Bass"
    page.locator(".card", has_text=other).locator(".pick").click()
    expect(page.locator("#top strong")).to_have_text(other)
    wait_for(lambda: int(panel.state.channels[0]["bank"]) != held, "the other preset")
    assert sounding(panel) == [60]
    page.keyboard.up("a")
    wait_for_keys(panel)


def test_search_favourites_and_arrows_find_sounds(page: Page, panel: Stage) -> None:
    number = load_preset("reed_bass").program
    expect(page.locator(".card[data-preset='reed_bass'] .program")).to_have_text(str(number))
    page.get_by_label("Search sounds").fill("choir")
    expect(page.locator(".card", has_text="Glass Choir")).to_be_visible()
    expect(page.locator(".card", has_text="Reed Bass")).to_have_count(0)
    page.get_by_label("Favourite: Glass Choir").click()
    expect(page.get_by_label("Favourite: Glass Choir")).to_have_text("★")
    page.get_by_label("Search sounds").fill("")
    page.get_by_role("button", name="favourites").click()
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_role("button", name="all", exact=True).click()
    page.locator(".card .pick").first.click()
    before = page.locator("#top strong").inner_text()
    page.locator(".card .pick").first.press("ArrowRight")
    expect(page.locator("#top strong")).not_to_have_text(before)


def test_knobs_shape_undo_and_save(browser: Browser, panel: Stage) -> None:
    page = open_page(browser, panel, "Sounds")
    page.locator(".card[data-preset='reed_bass'] .pick").click()
    expect(page.locator("#top strong")).to_have_text("Reed Bass")
    page.locator("#views").get_by_role("button", name="Shape").click()
    typed = page.get_by_label("Attack, typed")
    typed.fill("1.5 s")
    typed.press("Enter")
    expect(page.get_by_role("button", name="Undo 1")).to_be_enabled()
    wait_for(lambda: abs(knob(panel, "attack_seconds") - 1.5) < 1e-4, "the knob")
    page.get_by_role("button", name="Undo 1").click()
    wait_for(lambda: knob(panel, "attack_seconds") < 1.0, "the way back")
    page.get_by_role("slider", name="Resonance").press("End")
    wait_for(lambda: knob(panel, "resonance") == 1.0, "the arrow key")
    page.get_by_role("slider", name="Resonance").dblclick()
    wait_for(lambda: knob(panel, "resonance") == 0.0, "the reset")
    typed.fill("0.7")
    typed.press("Enter")
    page.get_by_role("button", name="Save as…").click()
    page.get_by_label("Save this sound as").fill("Slow Reed")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator("#top strong")).to_have_text("Slow Reed")
    page.context.close()


def loudness_by_band(audio: NDArray[np.float32]) -> NDArray[np.float64]:
    power = np.abs(np.fft.rfft(audio * np.hanning(len(audio)))) ** 2
    bands = np.array([band.sum() for band in np.array_split(power[:1500], 30)])
    loud: NDArray[np.float64] = 10 * np.log10(bands / bands.sum() + 1e-9)
    return loud


def test_dragging_between_sounds_moves_a_held_chord_without_a_click(
    browser: Browser, panel: Stage
) -> None:
    page = open_page(browser, panel, "Map")
    for corner, name in zip(
        ("below left", "below right", "above left", "above right"),
        ("Reed Bass", "Wooden Choir", "Reed Bass", "Wooden Choir"),
        strict=True,
    ):
        page.get_by_label(f"Morph corner: {corner}").select_option(label=name)
    box = page.locator(".pad").bounding_box()
    assert box
    page.locator(".pad").click(position={"x": 2, "y": box["height"] / 2})
    time.sleep(1.0)
    for letter in "adg":
        page.keyboard.down(letter)
    wait_for_keys(panel, 60, 64, 67)
    time.sleep(1.0)
    reader = panel.state.read_recording()
    time.sleep(1.0)
    before = np.asarray(reader.read())[-40_000:, 0]
    page.mouse.move(box["x"] + 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2, steps=10)
    page.mouse.up()
    heard = [before]

    def has_moved() -> bool:
        time.sleep(0.2)
        heard.append(np.asarray(reader.read())[:, 0])
        after = np.concatenate(heard)[-40_000:]
        return bool(np.abs(loudness_by_band(before) - loudness_by_band(after)).mean() > 1.0)

    wait_for(has_moved, "another spectrum")
    time.sleep(2.0)  # the last of the drag's sounds
    heard.append(np.asarray(reader.read())[:, 0])
    assert sounding(panel) == [60, 64, 67] and reader.lost == 0
    steady = max(largest_step(before), largest_step(heard[-1][-40_000:]))
    assert largest_step(np.concatenate(heard)) < 2.0 * steady
    page.context.close()


def test_the_ear_brings_the_sound_into_the_page(browser: Browser, panel: Stage) -> None:
    page = open_page(browser, panel, "Meters")
    page.get_by_role("button", name="Ear off").click()
    expect(page.get_by_role("button", name="Ear on")).to_be_visible()
    figures = page.locator(".figures", has_text="Waits now")
    # 1024 frames at 48 kHz; it waits for longer after gaps, of which a busy machine has some
    expect(figures).to_contain_text(re.compile(r"Target21 ms|Gaps\D*[1-9]"))
    page.get_by_label("Buffer of the ear").select_option("8192")
    expect(figures).to_contain_text(re.compile(r"Target(1[7-9]\d|[2-9]\d\d) ms"))
    page.context.close()


def test_what_is_red_says_what_to_do(browser: Browser, panel: Stage) -> None:
    page = open_page(browser, panel, "Meters")
    remedy = page.get_by_text("Held notes went round because their sound was not rendered in time")
    expect(page.get_by_text("Held notes that came late")).to_be_visible()
    panel.state.meters["late_streams"] = 0  # of tests before
    expect(remedy).to_be_hidden()
    panel.state.meters["late_streams"] = 3
    expect(remedy).to_be_visible()
    panel.state.meters["late_streams"] = 0
    expect(remedy).to_be_hidden()
    page.keyboard.press("a")
    monitor = page.get_by_label("The last 100 MIDI messages").locator("li")
    expect(monitor.filter(has_text="note on 60").first).to_contain_text("panel")
    for _ in range(60):
        page.keyboard.press("s")
    expect(monitor.filter(has_text="note off 62").first).to_be_visible()
    expect(monitor).to_have_count(100)
    page.context.close()


def test_what_went_into_the_bin_comes_out_again(browser: Browser, panel: Stage) -> None:
    page = open_page(browser, panel, "Shape")
    page.get_by_role("button", name="Save as…").click()
    page.get_by_label("Save this sound as").fill("Passing Cloud")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator("#top strong")).to_have_text("Passing Cloud")
    page.get_by_role("button", name="Next sound").click()
    expect(page.locator("#top strong")).not_to_have_text("Passing Cloud")
    path = panel.home / "data" / "latentkeys" / "presets" / "passing_cloud.toml"
    page.get_by_role("button", name="Delete…").click()
    page.get_by_label("Put into the bin").select_option("passing_cloud")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("In the bin: passing_cloud")).to_be_visible()
    assert not path.exists()
    page.get_by_role("button", name="Restore…").click()
    page.get_by_label("Take out of the bin").select_option("passing_cloud")
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    wait_for(path.exists, "the sound")
    page.context.close()


def test_a_tone_keeps_its_pitch_on_its_way_through_the_ear(page: Page, panel: Stage) -> None:
    page.keyboard.down("h")
    wait_for_keys(panel, 69)
    heard = page.evaluate(
        """async () => {
          const { Ear } = await import('/ear.js');
          const ear = new Ear();
          await ear.toggle();
          const analyser = new AnalyserNode(ear.context, { fftSize: 32768 });
          ear.node.connect(analyser);
          await new Promise((resolve) => setTimeout(resolve, 2500));
          const samples = new Float32Array(analyser.fftSize);
          analyser.getFloatTimeDomainData(samples);
          const rate = ear.context.sampleRate;
          await ear.stop();
          return [rate, Array.from(samples)];
        }"""
    )
    page.keyboard.up("h")
    rate_hz, samples = float(heard[0]), np.asarray(heard[1], np.float32)
    assert np.abs(samples).max() > 0.01
    slow = np.asarray(soxr.resample(samples, rate_hz, ESTIMATE_HZ), np.float32)
    assert abs(estimate_pitch(slow) - 69.0) < 0.2
    wait_for_keys(panel)


def test_the_partner_is_called_and_its_plan_is_drawn(browser: Browser, panel: Stage) -> None:
    page = open_page(browser, panel, "Partner")
    page.get_by_label("Composer").select_option("note_lstm_tunes")
    page.get_by_role("button", name="duet").click()
    page.get_by_role("button", name="Call the partner").click()
    expect(page.locator(".says")).to_contain_text("bpm", timeout=40_000)
    for letter in "asdfgh":
        page.keyboard.down(letter)
        time.sleep(0.15)
        page.keyboard.up(letter)
    page.wait_for_function(
        """async () => {
          const view = (await import('/connection.js')).panel.last.View;
          return view && view.notes.some((note) => note.part >= 0 && note.start > view.beats);
        }"""
    )
    lock = page.get_by_role("button", name="Lock", exact=True)
    lock.click()
    expect(lock).to_have_attribute("aria-pressed", "true")
    lock.click()
    expect(lock).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Again", exact=True).click()
    page.get_by_role("button", name="Accept", exact=True).click()
    page.get_by_role("button", name="Silence", exact=True).first.click()
    page.wait_for_function(
        """async () => {
          const view = (await import('/connection.js')).panel.last.View;
          return !view.notes.some((note) => note.part >= 0 && note.start > view.beats);
        }"""
    )
    page.get_by_role("button", name="Let it go").click()
    expect(page.get_by_role("button", name="Call the partner")).to_be_visible()
    page.context.close()


def test_the_page_says_when_the_instrument_has_gone_and_comes_back(
    tmp_path: Path, browser: Browser
) -> None:
    with stage(tmp_path) as first:
        page = open_page(browser, first)
        port = first.origin.rsplit(":", 1)[1]
    expect(page.get_by_text("The instrument is not there")).to_be_visible()
    with stage(tmp_path, "--panel-port", port):
        expect(page.get_by_text("The instrument is not there")).to_be_hidden()
        page.context.close()


def test_a_page_without_its_token_says_what_it_lacks(browser: Browser, panel: Stage) -> None:
    page = browser.new_page()
    page.goto(panel.origin)
    expect(page.get_by_text("This address lacks its token")).to_be_visible(timeout=WAIT_MS)
    page.close()
