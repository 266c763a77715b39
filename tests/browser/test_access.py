"""Everyone can use it: axe-core finds nothing serious, the keyboard reaches all, phones fit."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
SAMPLE = "run=sample-bundled"
ALLOWED = {"label-content-name-mismatch"}
"""Gradio names its upload button otherwise than the text on it."""


def _shown(page: Page, words: str) -> None:
    expect(page.get_by_text(words).locator("visible=true").first).to_be_visible()


def _places(page: Page, server: str, lang: str) -> Iterator[str]:
    """Opens every view of the page, one after the other."""
    path = "/ja" if lang == "ja" else "/"
    page.goto(f"{server}{path}")
    expect(page.locator("#landing .main-svg").first).to_be_visible()
    yield "landing"
    for step in (1, 2, 3):
        page.goto(f"{server}{path}?step={step}")
        expect(page.locator("#studio h1").locator("visible=true").first).to_be_visible()
        yield f"step {step}"
    for step in (1, 4, 5):
        page.goto(f"{server}{path}?{SAMPLE}&step={step}")
        expect(page.locator("#studio h1").locator("visible=true").first).to_be_visible()
        yield f"sample, step {step}"


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page, server, lang: str, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    for place in _places(page, server.url, lang):
        page.evaluate(AXE)
        found = page.evaluate(
            "async () => (await axe.run(document)).violations"
            ".filter(v => ['serious', 'critical'].includes(v.impact))"
            ".map(v => [v.id, v.nodes.slice(0, 3).map(n => n.html.slice(0, 160))])"
        )
        assert [one for one in found if one[0] not in ALLOWED] == [], f"{place}, {lang}, {scheme}"


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_a_phone_never_scrolls_sideways_in_any_step(open_page, server, lang: str) -> None:
    page = open_page(width=390, height=844)
    for place in _places(page, server.url, lang):
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{place}: {wide} px wider than the screen"


def _tab_to(page: Page, name: str, most: int = 60) -> None:
    """Reaches a button by the Tab key alone, and sees that the focus is visible."""
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_be_visible()
    for _ in range(most):
        page.keyboard.press("Tab")
        if button.evaluate("element => element === document.activeElement"):
            break
    assert button.evaluate("element => element === document.activeElement"), name
    assert button.evaluate("e => getComputedStyle(e).outlineStyle") == "solid", "focus is seen"


def test_the_keyboard_alone_leads_through_the_steps(open_page) -> None:
    page = open_page()
    _tab_to(page, "Try it with my data")
    page.keyboard.press("Enter")
    for onward in ("Next: data", "Next: model"):
        if onward == "Next: model":
            page.get_by_label("Your own file").focus()
            page.keyboard.press("Shift+Tab")  # Gradio's radio buttons are stops of their own
            page.keyboard.press("Space")
            _shown(page, "How the first documents begin")
        _tab_to(page, onward)
        page.keyboard.press("Enter")
    _tab_to(page, "Next: convert")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Start the conversion")).to_be_enabled()


def test_a_question_mark_explains_a_figure(open_page) -> None:
    page = open_page(f"/?{SAMPLE}")
    mark = page.locator("#tiles .ts-help").first
    mark.focus()
    shown = mark.evaluate("e => getComputedStyle(e, '::after').content")
    assert "How surprised a model is by text" in shown
