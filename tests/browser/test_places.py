"""Where a visitor is survives a reload, and Back leads to the step before."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect


def _fill(page: Page) -> None:
    page.get_by_label("What is the model for?").fill("Night shift")
    page.get_by_label("Facts lost, at most").fill("8")
    page.get_by_role("button", name="Next: data").click()
    expect(page.get_by_text("How the first documents begin")).to_be_visible()


def test_what_was_entered_survives_a_reload(open_page) -> None:
    page = open_page("/?step=1")
    _fill(page)
    page.get_by_role("button", name="Next: model").click()
    page.get_by_label("Another model from the Hugging Face Hub").check()
    page.get_by_label("Hub id").fill("owner/name")
    page.get_by_label("Hub id").press("Enter")
    page.get_by_role("button", name="Next: convert").click()
    page.get_by_label("T2R:").check()
    expect(page).to_have_url(re.compile(r"\?step=4$"))
    page.reload()
    expect(page.get_by_text("8.0 points of facts lost at most")).to_be_visible()
    expect(page.get_by_label("T2R:")).to_be_checked()
    expect(page.get_by_text("owner/name")).to_be_visible()
    page.goto(page.url.replace("step=4", "step=1"))
    expect(page.get_by_label("What is the model for?")).to_have_value("Night shift")
    page.get_by_role("link", name="日本語").click()
    expect(page.get_by_label("何に使うモデルですか")).to_have_value("Night shift")


def test_another_tab_starts_with_empty_forms(open_page) -> None:
    _fill(open_page("/?step=1"))
    other = open_page("/?step=1")
    expect(other.get_by_label("Facts lost, at most")).to_have_value("5")


def test_back_and_forward_lead_through_the_steps(open_page) -> None:
    page = open_page()
    expect(page.get_by_role("button", name="See it live")).to_be_visible()
    page.get_by_role("button", name="New run").click()
    expect(page).to_have_url(re.compile(r"\?step=1$"))
    _fill(page)
    expect(page).to_have_url(re.compile(r"\?step=2$"))
    page.go_back()
    expect(page.get_by_label("Facts lost, at most")).to_be_visible()
    expect(page.get_by_label("Facts lost, at most")).to_have_value("8")
    page.go_forward()
    expect(page.get_by_text("How the first documents begin")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Facts lost, at most")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="See it live")).to_be_visible()
    page.get_by_role("button", name="See it live").click()
    expect(page.locator("#tiles")).to_contain_text("95.3 %")
    expect(page).to_have_url(re.compile("run=sample-bundled"))
    page.go_back()
    expect(page.get_by_role("button", name="See it live")).to_be_visible()
    page.go_forward()
    expect(page.locator("#tiles")).to_contain_text("95.3 %")
