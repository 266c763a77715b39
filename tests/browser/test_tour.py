"""The two-minute tour, by keyboard alone, in both languages, with nothing serious for axe."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from playwright.sync_api import expect

from app.text import t
from app.tour import STOPS

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
SERIOUS = (
    "async () => (await axe.run(document)).violations"
    ".filter(v => ['serious', 'critical'].includes(v.impact)).map(v => v.id)"
)
ALLOWED = {"label-content-name-mismatch"}


@pytest.mark.parametrize(("lang", "path"), [("en", "/"), ("ja", "/ja")])
def test_the_tour_leads_through_the_sample_by_keyboard(open_page, lang: str, path: str) -> None:
    page = open_page(path)
    page.get_by_role("button", name=t("landing.tour", lang)).press("Enter")
    panel = page.locator("#tour")
    for number, stop in enumerate(STOPS, start=1):
        expect(panel).to_contain_text(f"{number} / {len(STOPS)}")
        expect(panel).to_contain_text(t(f"tour.title.{stop.name}", lang))
        expect(page.locator(stop.target).and_(page.locator(".ts-shown"))).to_be_in_viewport()
        if number == 1:
            page.evaluate(AXE)
            assert set(page.evaluate(SERIOUS)) <= ALLOWED
        onward = "tour.own" if number == len(STOPS) else "tour.next"
        panel.get_by_role("button", name=t(onward, lang)).press("Enter")
    expect(panel).to_be_hidden()
    expect(page).to_have_url(re.compile(r"\?step=1$"))
    page.wait_for_timeout(1500)  # what is held in view would have been drawn back to by now
    assert page.evaluate("window.scrollY") == 0, "the step opens at its top"


def test_escape_ends_the_tour_and_the_phone_holds_it(open_page) -> None:
    page = open_page(width=390, height=844)
    page.get_by_role("button", name="Two-minute tour").click()
    expect(page.locator("#tour")).to_contain_text("1 / 6")
    expect(page.locator("#verdict.ts-shown")).to_be_in_viewport()
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{wide} px wider than the screen"
    page.keyboard.press("Escape")
    expect(page.locator("#tour")).to_be_hidden()
    expect(page.locator(".ts-shown")).to_have_count(0)
