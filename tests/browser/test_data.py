"""The data's step in Chromium: the visitor's own file, its columns, its encoding, what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.support.data_files import ENGLISH, JAPANESE, write
from tests.support.office_files import xlsx


def _choose(page: Page, path: Path, own: str) -> None:
    page.get_by_label(own).check()
    page.locator("input[type=file]").set_input_files(path)


def test_a_workbook_is_read_by_the_column_that_is_chosen(open_page, tmp_path: Path) -> None:
    rows = [[n, f"{d} Ask taro{n}@example.co.jp.", d.upper()] for n, d in enumerate(ENGLISH)]
    path = xlsx(tmp_path / "cases.xlsx", {"S": [["id", "remark", "note"], *rows]})
    page = open_page("/?step=2")
    _choose(page, path, "Your own file")
    expect(page.get_by_role("alert")).to_contain_text("Which columns?")
    column = page.get_by_label("Text column")
    column.click()
    page.get_by_role("option", name="note").click()
    expect(page.locator(".ts-docs pre").first).to_contain_text("WORK ORDER 0")
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.get_by_text("None of the forms that are looked for was found.")).to_be_visible()
    # By keyboard alone.
    column.focus()
    column.press("ControlOrMeta+a")
    column.press_sequentially("rem")
    column.press("Enter")
    expect(page.locator(".ts-docs pre").first).to_contain_text("Work order 0")
    expect(page.get_by_text("Personal data was found in 60 documents.")).to_be_visible()
    expect(page.get_by_role("cell", name="t••••@•••••••••••••")).to_be_visible()
    page.get_by_label("Replace personal data").focus()
    page.keyboard.press("Space")
    expect(page.locator(".ts-docs pre").first).to_contain_text("Ask [E-MAIL].")
    expect(page.locator("#studio .ts-chart .main-svg:visible").first).to_be_visible()
    page.get_by_role("button", name="Next: model").click()
    page.get_by_role("button", name="Next: convert").click()
    expect(page.get_by_text("cases.xlsx", exact=True)).to_be_visible()


def test_an_encoding_can_be_chosen_and_taken_back(open_page, tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "\n\n".join(JAPANESE).encode("cp932"))
    page = open_page("/ja?step=2", width=390, height=844)
    _choose(page, path, "自分のファイル")
    expect(page.locator("dd", has_text="CP932 (Shift-JIS)")).to_be_visible()
    encoding = page.get_by_label("文字コード")
    encoding.click()
    page.get_by_role("option", name="EUC-JP").click()
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("EUC-JP では読めません")
    expect(problem).to_contain_text("自動判定に戻してください")
    encoding.click()
    page.get_by_role("option", name="自動判定").click()
    expect(page.locator(".ts-docs pre").first).to_contain_text("作業票0")
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0


def test_an_upload_survives_a_reload_and_goes_when_it_is_removed(open_page, tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "\n\n".join(JAPANESE).encode("cp932"))
    page = open_page("/?step=2")
    _choose(page, path, "Your own file")
    expect(page.locator("dd", has_text="a.txt")).to_be_visible()
    expect(page.locator(".ts-docs pre").first).to_contain_text("作業票0")
    page.reload()
    expect(page.locator("dd", has_text="a.txt")).to_be_visible()
    expect(page.locator(".ts-docs pre").first).to_contain_text("作業票0")
    page.get_by_role("button", name="Next: model").click()
    page.get_by_role("button", name="Next: convert").click()
    expect(page).to_have_url(re.compile("step=4"))
    page.reload()
    expect(page.get_by_text("a.txt", exact=True)).to_be_visible()
    page.locator("#trail-2").click()
    page.get_by_role("button", name="Remove this file").click()
    expect(page.get_by_text("Choose a file.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Choose a file.")).to_be_visible()
