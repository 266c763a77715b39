"""What a first visitor sees and does, without waiting for a run. The quick half."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

SAMPLE = "/?run=sample-bundled"


def _fits(page: Page) -> None:
    """Nothing sticks out to the side."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{wide} px wider than the screen"


def _open_sample(page: Page) -> None:
    page.get_by_role("button", name="See it live").click()
    expect(page.get_by_role("heading", name="business-2k: original and converted")).to_be_visible()


def test_a_first_visit_shows_the_sample_within_five_seconds(open_page) -> None:
    page = open_page()
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=5_000)
    label = page.get_by_text("Really made with T2R Studio on 2026-11-24")
    expect(label.first).to_be_visible(timeout=5_000)
    expect(page.get_by_text("3.5 % higher than the original")).to_be_visible(timeout=5_000)
    assert page.title() == "T2R Studio"


def test_the_sample_result_is_one_click_away_and_complete(open_page) -> None:
    page = open_page()
    _open_sample(page)
    for chart in (
        "Perplexity by position", "Recall by distance", "Memory by context",
        "Generating: speed by context", "Reading the prompt: speed by context",
    ):  # fmt: skip
        block = page.locator("#studio .ts-chart").filter(
            has=page.get_by_role("heading", name=chart)
        )
        expect(block.locator(".main-svg").first).to_be_visible()
        expect(block.locator(".ts-reading")).not_to_be_empty()
        block.get_by_text("Show the numbers").click()
        expect(block.get_by_role("table")).to_be_visible()
    answers = page.locator("article.ts-answer")
    expect(answers).to_have_count(2)
    expect(answers.nth(0)).to_contain_text("aaaaaaaaaaaa")
    expect(answers.nth(1)).to_contain_text("bbbbbbbbbbbb")
    expect(page.get_by_text("timing only: no model was trained for them")).to_be_visible()


def test_an_address_brings_a_run_back(open_page) -> None:
    page = open_page()
    _open_sample(page)
    expect(page).to_have_url(re.compile(r"\?run=sample-bundled&step=5$"))
    page.reload()
    expect(page.locator("#tiles")).to_contain_text("95.3 %")
    page.get_by_role("button", name="Home").click()
    expect(page).not_to_have_url(re.compile("run="))
    page.get_by_role("link", name="Sample run").click()
    expect(page.locator("#tiles")).to_contain_text("95.3 %")


def test_how_the_sample_was_made_can_be_seen(open_page) -> None:
    page = open_page(SAMPLE)
    page.locator("#trail").get_by_role("button", name="Convert").click()
    expect(page.get_by_role("heading", name="Sample run: how it was made")).to_be_visible()
    expect(page.get_by_text("12 duplicates removed")).to_be_visible()
    expect(page.locator("#studio .main-svg:visible").first).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_hidden()


def test_all_five_steps_of_the_sample_can_be_walked_and_left_again(open_page) -> None:
    page = open_page(SAMPLE)
    trail = page.locator("#trail").get_by_role("button")
    for number, heading in (
        (1, "Agreed before the run"), (3, "The model of"), (2, "The text of"), (4, "Sample run"),
        (5, "business-2k: original"),
    ):  # fmt: skip
        trail.nth(number - 1).click()
        expect(page.locator("h1:visible")).to_contain_text(heading)
        expect(trail.nth(number - 1)).to_have_attribute("aria-current", "step")
        expect(page).to_have_url(re.compile(rf"step={number}$"))
    page.get_by_role("button", name="New run").click()
    expect(trail.nth(1)).to_be_disabled()


@pytest.mark.parametrize(
    "run", ["20260101-000000000000", "../../etc/passwd", "<img src=x onerror=alert(1)>"]
)
def test_a_run_that_does_not_exist_is_said_so(open_page, run: str) -> None:
    page = open_page(f"/?run={run}")
    expect(page.get_by_role("alert")).to_contain_text("There is no such run")
    expect(page.get_by_role("button", name="Start with the bundled model and data")).to_be_visible()


def test_the_steps_of_a_run_show_what_it_was_made_with(open_page) -> None:
    page = open_page(f"{SAMPLE}&step=1")
    expect(page.get_by_role("heading", name="Agreed before the run")).to_be_visible()
    expect(page.get_by_label("What is the model for?")).to_be_hidden()
    for onward in ("Next: data", "Next: model", "Next: convert", "See the comparison"):
        page.get_by_role("button", name=onward).click()
    expect(page.locator("#tiles")).to_contain_text("95.3 %")


def test_a_phone_never_scrolls_sideways(open_page) -> None:
    page = open_page(width=390, height=844)
    expect(page.get_by_text("3.5 % higher than the original")).to_be_visible()
    expect(page.locator("#runs table")).to_be_visible()
    _fits(page)
    _open_sample(page)
    expect(page.locator("#studio .main-svg:visible").first).to_be_visible()
    _fits(page)
    page.get_by_role("button", name="New run").click()
    for onward in ("Next: data", "Next: model", "Next: convert"):
        expect(page.get_by_role("button", name=onward)).to_be_visible()
        _fits(page)
        page.get_by_role("button", name=onward).click()
    expect(page.get_by_role("button", name="Start the conversion")).to_be_visible()
    _fits(page)


def test_the_keyboard_alone_opens_the_sample(open_page) -> None:
    page = open_page()
    sample = page.get_by_role("button", name="See it live")
    expect(sample).to_be_visible()
    for _ in range(8):
        page.keyboard.press("Tab")
        if sample.evaluate("element => element === document.activeElement"):
            break
    assert sample.evaluate("e => getComputedStyle(e).outlineStyle") == "solid", "focus is seen"
    page.keyboard.press("Enter")
    expect(page.locator("#tiles")).to_contain_text("95.3 %")


def test_the_japanese_page_is_japanese(open_page) -> None:
    page = open_page("/ja")
    expect(page.get_by_role("button", name="動かして確かめる")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "ja"
    page.get_by_role("button", name="動かして確かめる").click()
    expect(page.get_by_role("heading", name="business-2k：変換前と変換後")).to_be_visible()
    expect(page.locator("article.ts-answer").first).to_contain_text("softmax：4 層")
    parts = "#studio :is(.ts-section, .ts-tile, .ts-reading, .ts-notice, summary, dt)"
    shown = "\n".join(page.locator(parts).all_inner_texts())
    assert not re.search(r"[a-z]+ (the|is|of|than) [a-z]+", shown), "English is left on the page"
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", name="business-2k: original and converted")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en"
    page.get_by_role("link", name="日本語").click()
    expect(page.get_by_role("heading", name="business-2k：変換前と変換後")).to_be_visible()


def test_a_run_is_found_and_compared_in_the_list(open_page) -> None:
    page = open_page()
    expect(page.locator("#runs")).to_contain_text("Sample run")
    page.get_by_label("Find").fill("no such run")
    expect(page.locator("#runs")).to_contain_text("No runs here.")
    page.get_by_label("Find").fill("business hybrid")
    expect(page.locator("#runs")).to_contain_text("Sample run")
    page.get_by_role("button", name="Compare, rename, delete or make again").click()
    page.get_by_role("button", name="Compare them").click()
    expect(page.locator("#history-told")).to_contain_text("Choose two runs or more.")


def test_money_by_other_numbers_is_calculated_on_the_spot(open_page) -> None:
    page = open_page(SAMPLE)
    expect(page.locator("#money")).to_contain_text("no prices were given")
    page.get_by_role("button", name="Try other numbers").click()
    panel = page.get_by_role("tabpanel").filter(has=page.locator("#money"))
    panel.get_by_label("Length of a document").fill("2048")
    panel.get_by_label("Documents a day").fill("２０，０００")
    panel.get_by_label("Answer expected within").fill("60")
    panel.get_by_label("One machine, per hour").fill("150")
    panel.get_by_role("button", name="Calculate").click()
    expect(page.locator("#money table")).to_contain_text("¥")
    expect(page.locator("#money")).to_contain_text("Tried out, not the run's own numbers")


def test_a_chart_is_not_there_before_it_is_drawn(open_page) -> None:
    page = open_page()
    held = []
    # The chart library, which takes a moment to come, shall take longer.
    page.route("**/PlotlyPlot*.js", lambda route: held.append(route))
    page.goto(page.url.partition("?")[0] + SAMPLE[1:])
    box = page.locator("#memory-chart [aria-label='Empty value']").first
    box.wait_for(state="attached")
    assert box.is_hidden()
    for route in held:
        route.continue_()
    expect(page.locator("#memory-chart .main-svg").first).to_be_visible()
