"""Controls of a real, short run, from the page: started, watched over a refresh, stopped, read."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LONG_MS = 600_000
"""On a machine that has other work too."""


def _finished_run(page: Page) -> None:
    page.get_by_role("button", name="Start with the bundled model and data").click()
    page.get_by_role("button", name="Start the conversion").click()
    page.get_by_role("button", name="See the comparison").click(timeout=LONG_MS)


def test_controls_are_trained_on_request_and_kept(open_page) -> None:
    page = open_page()
    _finished_run(page)
    section = page.locator("#studio")
    expect(section.get_by_role("heading", name="What each part is worth")).to_be_visible()
    expect(page.locator("#controls")).to_contain_text("No control has been trained")
    for name in ("Random weights", "ELU + 1", "RFA"):
        section.get_by_label(name).uncheck()
    section.get_by_role("button", name="Train the chosen controls").click()
    status = page.locator("#controls-status")
    expect(status).to_contain_text("Without attention transfer: fine-tuning", timeout=LONG_MS)
    page.reload()  # the worker is not the page's
    expect(page.locator("#controls")).to_contain_text("Attention transfer", timeout=LONG_MS)
    expect(page.locator("#controls")).to_contain_text("nats per token")
    expect(section.get_by_label("Without attention transfer")).to_have_count(0)
    section.get_by_role("button", name="Train the chosen controls").click()
    expect(status).to_contain_text(": fine-tuning", timeout=LONG_MS)
    section.get_by_role("button", name="Stop, and keep the finished ones").click()
    expect(status).to_contain_text("Cancelled", timeout=LONG_MS)
    expect(section.get_by_role("button", name="Train the chosen controls")).to_be_visible()
