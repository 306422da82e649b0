"""A session with its panel for each module of tests, and a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from instrument.realtime.memory.constants import LET_GO, PANEL_SOURCE
from tests.helpers.live.panel_page import open_page
from tests.helpers.live.panel_stage import CHROMIUM, Stage, stage
from tests.helpers.live.patience import wait_for


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "Chromium is missing: make setup"
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, panel: Stage) -> Iterator[Page]:
    panel.state.command(LET_GO, PANEL_SOURCE)
    wait_for(lambda: panel.voices() == 0, "silence")
    opened = open_page(browser, panel)
    yield opened
    opened.context.close()
