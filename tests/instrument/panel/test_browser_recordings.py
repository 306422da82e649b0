"""A recorded note dropped on the page in a real Chromium, and what it is told if it is none."""

from __future__ import annotations

import base64
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect

from instrument.panel.explore.searching import MOST_BYTES
from instrument.preset.preset import load_preset
from tests.helpers.live.panel_page import open_page, wait_for_keys
from tests.helpers.live.panel_stage import Stage, ask, hear
from tests.helpers.live.patience import wait_for

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="make setup installs Chromium on Linux"),
]
SEARCH_MS = 120_000
_DROP = """([content, name]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name));
  document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true }));
}"""


def plucked(path: Path, seconds: float = 1.5) -> Path:
    """Write a plucked string's A, a little flat."""
    at = np.arange(round(seconds * 48_000)) / 48_000
    note = sum(
        0.3 / n * np.sin(2 * np.pi * 219.0 * n * at) * np.exp(-3 * n * at) for n in range(1, 9)
    )
    soundfile.write(path, np.asarray(note, np.float32), 48_000)
    return path


def drop(page: Page, path: Path) -> None:
    content = base64.b64encode(path.read_bytes()).decode()
    page.evaluate(_DROP, [content, path.name])


def test_a_dropped_note_becomes_a_sound_that_can_be_compared_and_saved(
    tmp_path: Path, browser: Browser, panel: Stage
) -> None:
    page = open_page(browser, panel, "Shape")
    drop(page, plucked(tmp_path / "My Lute.wav"))
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_text("Found, and it plays: A3")).to_be_visible(timeout=SEARCH_MS)
    expect(page.locator("#top strong")).to_have_text("My Lute")
    page.get_by_role("button", name="A: the recording").click()
    page.get_by_role("button", name="B: the sound found").click()
    wait_for_keys(panel, 57)
    wait_for_keys(panel)
    box = page.get_by_label("From a recording", exact=True)
    box.get_by_role("button", name="Save as…").click()
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator(".card[data-preset='my_lute']")).to_be_visible()
    preset = load_preset(panel.home / "data" / "latentkeys" / "presets" / "my_lute.toml")
    assert preset.name == "My Lute" and preset.sound.sustain == "decay"
    page.context.close()


@pytest.mark.parametrize(
    ("name", "samples", "told"),
    [
        ("notes.wav", None, "cannot be read as a sound file"),
        ("rest.wav", np.zeros(48_000), "is silent"),
        ("wind.wav", np.random.default_rng(1).normal(0, 0.1, 48_000), "pitch of"),
    ],
)
def test_what_is_no_note_is_refused_in_clear_words(
    tmp_path: Path,
    page: Page,
    panel: Stage,
    name: str,
    samples: np.ndarray | None,
    told: str,
) -> None:
    path = tmp_path / name
    if samples is None:
        path.write_text("do re mi")
    else:
        soundfile.write(path, samples, 48_000)
    before = page.locator("#top strong").inner_text()
    page.locator("input[accept^='.wav']").set_input_files(path)
    problem = page.get_by_role("alert").filter(has_text=told)
    expect(problem).to_be_visible(timeout=SEARCH_MS)
    expect(problem).to_contain_text(name.removesuffix(".wav"))
    assert str(panel.folder) not in problem.inner_text()
    assert page.locator("#top strong").inner_text() == before
    page.get_by_role("button", name="Close").click()
    expect(problem).to_be_hidden()


def post(panel: Stage, content: bytes, token: str) -> int:
    request = urllib.request.Request(f"{panel.origin}/recording?token={token}", content)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as problem:
        return problem.code
    except urllib.error.URLError:
        return 413  # it has hung up while we still said more


def test_recordings_need_the_token_and_have_a_limit(panel: Stage) -> None:
    assert post(panel, b"x", "wrong") == 403
    assert post(panel, bytes(MOST_BYTES + 1), panel.token) == 413


def test_a_search_can_be_left(tmp_path: Path, panel: Stage) -> None:
    with panel.socket() as socket:
        post(panel, plucked(tmp_path / "a.wav").read_bytes(), panel.token)
        assert hear(socket, "Search", stage="searching")
        assert post(panel, b"RIFF", panel.token) == 409
        ask(socket, "StopSearch")
        assert hear(socket, "Search", stage="nothing")
        values = hear(socket, "Meters")
        assert values["pages"] == 1


def test_a_surprise_is_heard_before_it_is_offered_and_can_be_taken_back(
    page: Page, panel: Stage
) -> None:
    page.locator("#views").get_by_role("button", name="Map").click()
    with panel.socket() as socket:
        before = hear(socket, "Desk")
        page.get_by_role("button", name="Surprise me").click()
        drawn = hear(socket, "Desk", seconds=60.0, undo=before["undo"] + 1)
        assert (drawn["x"], drawn["y"]) != (before["x"], before["y"])
        page.get_by_role("button", name="Back").click()
        assert hear(socket, "Desk", undo=before["undo"])["x"] == before["x"]
    wait_for(lambda: panel.voices() == 0, "silence")
