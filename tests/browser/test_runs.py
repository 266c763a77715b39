"""Real runs in a real worker, made short: what a person may do to them while they work."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

A_RUN_MS = 600_000
"""Longest wait for one of the short runs, on a machine that has other work too."""


_WORDS = {
    "en": ("Start with the bundled model and data", "Start the conversion", "Cancel and save"),
    "ja": ("付属のモデルとデータで始める", "変換を始める", "保存して中止"),
}


def _start(page: Page, lang: str = "en") -> None:
    """From the landing view: two clicks."""
    bundled, start, cancel = _WORDS[lang]
    page.get_by_role("button", name=bundled).click()
    page.get_by_role("button", name=start).click()
    expect(page.get_by_role("button", name=cancel)).to_be_visible(timeout=A_RUN_MS)
    expect(page).to_have_url(re.compile(r"\?run=\d{8}-[0-9a-f]{12}&step=4$"))


def _transferring(page: Page) -> None:
    expect(page.locator("#status [aria-current=step]")).to_contain_text(
        "Attention transfer", timeout=A_RUN_MS
    )
    expect(page.locator("#status")).to_contain_text("Step", timeout=A_RUN_MS)


def _steps_done(page: Page) -> int:
    found = re.search(r"Step (\d+) of", page.locator("#status").inner_text())
    return int(found.group(1)) if found else 0


def _compare(page: Page) -> None:
    """The third click, once the run is done."""
    page.get_by_role("button", name="See the comparison").click(timeout=A_RUN_MS)
    expect(page.get_by_role("heading", name="business-2k: original and converted")).to_be_visible()


def _live_numbers(page: Page) -> None:
    """Both models answer, and what the chart of their memory shows can be taken along."""
    block = page.locator("#duel-chart")
    expect(block).to_be_hidden()
    page.locator("#duel-text textarea").fill("The pump at Osaka failed again. " * 20)
    page.get_by_role("button", name="Let both answer").click()
    expect(block.locator(".ts-reading")).to_contain_text("as much", timeout=A_RUN_MS)
    expect(block.locator(".js-plotly-plot")).to_be_visible()
    block.get_by_text("Show the numbers").click()
    expect(block.get_by_role("columnheader", name="Converted")).to_be_visible()
    with page.expect_download() as waiting:
        block.get_by_role("link", name="Save the numbers (CSV)").click()
    rows = waiting.value.path().read_text("utf-8-sig").splitlines()
    assert waiting.value.suggested_filename == "Memory kept, token by token.csv"
    assert len(rows) > 2 and "KiB" in rows[-1]


def _live_stopped(page: Page) -> None:
    """Stopped on the way, the chart has its sentence and its numbers all the same."""
    block = page.locator("#duel-chart")
    page.locator("#duel-text textarea").fill("The pump at Osaka failed again. " * 3_000)
    page.get_by_label("Read all of it").check()
    page.get_by_role("button", name="Let both answer").click()
    expect(block).to_be_hidden(timeout=A_RUN_MS)
    expect(block.locator(".js-plotly-plot")).to_be_visible(timeout=A_RUN_MS)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(block.locator(".ts-reading")).to_contain_text("the original kept")
    expect(page.locator("#duel-panes")).to_contain_text("stopped, ")
    block.get_by_text("Show the numbers").click()
    expect(block.get_by_role("columnheader", name="Converted")).to_be_visible()


def test_three_clicks_lead_from_the_landing_view_to_a_comparison(open_page) -> None:
    page = open_page()
    _start(page)
    page.reload()
    _transferring(page)
    expect(page.locator("#studio .main-svg:visible").first).to_be_visible()
    _compare(page)
    expect(page.locator("#studio .ts-chart .main-svg:visible").first).to_be_visible()
    hashes = [
        re.findall(r"\b[0-9a-f]{12}\b", text)
        for text in page.locator("article:is(.original, .converted)").all_inner_texts()
    ]
    assert len(hashes) == 2 and hashes[0] != hashes[1], "each pane names its own weights"
    expect(page.locator("article.converted")).to_contain_text("hybrid")
    _live_numbers(page)
    _live_stopped(page)
    page.get_by_role("button", name="Home").click()
    expect(page.locator("#runs tbody tr").filter(has_text="Done")).not_to_have_count(0)


def test_a_run_in_japanese_ends_with_a_verdict_and_a_vote(open_page) -> None:
    page = open_page("/ja")
    _start(page, "ja")
    page.reload()
    page.get_by_role("button", name="比較結果を見る").click(timeout=A_RUN_MS)
    expect(page.get_by_role("heading", name="business-2k：変換前と変換後")).to_be_visible()
    expect(page.locator("#verdict")).to_contain_text("判定の決め手")
    expect(page.locator("#kpis .ts-tile")).to_have_count(3)
    votes = page.locator("#vote-count")
    expect(votes).to_contain_text("まだ票が足りません")
    page.get_by_role("button", name="左", exact=True).click()
    expect(votes).to_contain_text("優劣をつけた票はまだ 1 票")
    page.locator("#trail").get_by_role("button", name="目標").click()
    expect(page.get_by_role("heading", name="実行前に決めたこと")).to_be_visible()
    expect(page.get_by_text("失われる事実 5.0 ポイント以内")).to_be_visible()


def test_a_cancelled_run_is_saved_and_resumed(open_page) -> None:
    page = open_page()
    _start(page)
    _transferring(page)
    page.get_by_role("button", name="Cancel and save").click()
    resume = page.get_by_role("button", name="Resume")
    expect(resume).to_be_visible(timeout=A_RUN_MS)
    expect(page.locator("#status")).to_contain_text("What was done is saved")
    address = page.url
    again = open_page(address[address.index("/?") :])
    again.get_by_role("button", name="Resume").click()
    expect(again.get_by_role("button", name="Cancel and save")).to_be_visible(timeout=A_RUN_MS)
    _compare(again)


def test_a_server_killed_mid_run_loses_nothing(open_page, server) -> None:
    page = open_page()
    _start(page)
    _transferring(page)
    before = _steps_done(page)
    server.kill()
    server.start()
    # The tab was never reloaded: it finds the new server by itself, and the worker never stopped.
    expect(page.locator("#status")).not_to_contain_text(f"Step {before} of", timeout=A_RUN_MS)
    _compare(page)
    lost = "Failed to load resource", "ERR_CONNECTION_REFUSED", "Connection"
    open_page.trouble[:] = [x for x in open_page.trouble if not any(word in x for word in lost)]
