"""Kept takes in a real Chromium: listed, played once more, downloaded."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, expect

from instrument.midi.messages import note_off, note_on
from instrument.preset.partner_options import PartnerOptions
from tests.helpers.live.panel_page import open_page, sounding
from tests.helpers.live.panel_stage import ask, hear, stage
from tests.helpers.live.patience import wait_for
from tests.helpers.music.partner_stage import RATE
from tests.helpers.music.takes import Session

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="make setup installs Chromium on Linux"),
]


def keep_take(folder: Path) -> None:
    """Play five long notes to a partner, and keep what came of it."""
    session = Session(PartnerOptions(model="ngram", seed=1))
    events: list[tuple[int, bytes]] = []
    half = round(RATE) // 2
    for number, pitch in enumerate((60, 62, 64, 65, 67)):
        events.append((1000 + number * half, note_on(pitch, 100)))
        events.append((900 + (number + 1) * half, note_off(pitch)))
    session.play(12 * half, events)
    folder.mkdir(parents=True)
    session.keep(folder)


def test_takes_are_listed_played_and_downloaded(tmp_path: Path, browser: Browser) -> None:
    takes = tmp_path / "data" / "latentkeys" / "takes"
    keep_take(takes / "2026-11-30 10.00.00")
    soundfile.write(takes / "2026-11-30 10.00.00" / "audio.wav", np.zeros((480, 2)), 48_000)
    with stage(tmp_path) as panel:
        page = open_page(browser, panel, "Partner")
        take = page.locator("[data-take='2026-11-30 10.00.00']")
        expect(take).to_contain_text("0:06 · answer · ngram")
        for file in ("notes.mid", "audio.wav"):
            text = {"notes.mid": "MIDI", "audio.wav": "WAV"}[file]
            with page.expect_download() as download:
                take.get_by_role("link", name=text).click()
            assert (
                download.value.path().read_bytes()
                == (takes / "2026-11-30 10.00.00" / file).read_bytes()
            )
        take.get_by_role("button", name="Play").click()
        wait_for(lambda: 62 in sounding(panel), "the take's second note")
        expect(take.get_by_role("button", name="Stop")).to_be_visible()
        take.get_by_role("button", name="Stop").click()
        wait_for(lambda: panel.voices() == 0, "silence")
        expect(take.get_by_role("button", name="Play")).to_be_visible()
        keep_take(takes / "2026-11-30 11.00.00")
        other = page.locator("[data-take='2026-11-30 11.00.00']")
        expect(other).to_contain_text("no sound")
        page.context.close()


def test_a_partner_that_is_called_ends_the_take_that_plays(tmp_path: Path) -> None:
    keep_take(tmp_path / "data" / "latentkeys" / "takes" / "one")
    with stage(tmp_path) as panel, panel.socket() as socket:
        ask(socket, "PlayTake", take="one")
        hear(socket, "Situation", take="one")
        ask(socket, "CallPartner", mode="duet", model="ngram")
        assert not hear(socket, "Situation", has_partner=True)["take"]


def test_files_of_takes_are_for_those_with_the_token_and_no_others_are_given(
    tmp_path: Path,
) -> None:
    keep_take(tmp_path / "data" / "latentkeys" / "takes" / "one")
    (tmp_path / "data" / "latentkeys" / "secret").write_text("secret")
    import urllib.error
    import urllib.request

    def status(path: str) -> int:
        try:
            with urllib.request.urlopen(f"{panel.origin}{path}", timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as problem:
            return problem.code

    with stage(tmp_path) as panel, panel.socket():
        token = f"?token={panel.token}"
        assert status(f"/takes/one/notes.mid{token}") == 200
        assert status("/takes/one/notes.mid") == 403
        for path in ("..%2f/secret", "one/..%2f..%2fsecret", "one/other", "two/notes.mid"):
            assert status(f"/takes/{path}{token}") == 404
