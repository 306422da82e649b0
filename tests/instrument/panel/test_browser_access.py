"""Everybody can use the panel: axe-core finds no serious fault; no view is wider than its page."""

from __future__ import annotations

import sys
from importlib import resources

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.live.panel_page import open_page
from tests.helpers.live.panel_stage import Stage

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="make setup installs Chromium on Linux"),
]
VIEWS = ("Sounds", "Map", "Shape", "Partner", "Meters")
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desk": (1440, 900)}
AXE = resources.files("axe_playwright_python").joinpath("axe.min.js")


def faults(page: Page) -> list[str]:
    """Return what axe-core takes for serious or critical, and where."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run(document)).violations")
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:200]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES)
def test_no_view_has_a_serious_fault(browser: Browser, panel: Stage, theme: str, size: str) -> None:
    width, height = SIZES[size]
    viewport = {"width": width, "height": height}
    page = open_page(browser, panel, viewport=viewport, color_scheme=theme)
    for view in VIEWS:
        page.locator("#views").get_by_role("button", name=view).click()
        expect(page.locator("#views [aria-current=page]")).to_have_text(view)
        page.wait_for_timeout(200)  # colours that fade in
        assert not faults(page), (view, size, theme)
        wider = page.evaluate(
            "() => [document.body, document.getElementById('view')]"
            ".some((box) => box.scrollWidth > box.clientWidth + 1)"
        )
        assert not wider, (view, size, theme)
    page.context.close()


def test_a_question_has_no_serious_fault_and_keeps_the_keys(browser: Browser, panel: Stage) -> None:
    page = open_page(browser, panel, "Shape")
    page.get_by_role("button", name="Save as…").click()
    assert not faults(page)
    strikes = int(panel.state.fields["strikes"])
    page.keyboard.type("adg")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert int(panel.state.fields["strikes"]) == strikes
    page.context.close()
