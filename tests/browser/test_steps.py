"""The steps towards a run, filled in well and badly, without starting one. The quick half."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect


def test_two_clicks_lead_to_the_start(open_page) -> None:
    page = open_page()
    page.get_by_role("button", name="Start with the bundled model and data").click()
    expect(page.get_by_role("button", name="Start the conversion")).to_be_enabled()
    expect(page.get_by_label("Hybrid:")).to_be_checked()
    expect(page.get_by_label("Quick:")).to_be_checked()


def test_the_steps_lead_on_and_back(open_page) -> None:
    page = open_page()
    page.get_by_role("button", name="New run").click()
    page.get_by_label("Facts lost, at most").fill("8")
    page.get_by_label("Time per document, at most").fill("1")
    page.get_by_label("Generation speed, at least").fill("")
    page.get_by_role("button", name="Next: data").click()
    expect(page.get_by_text("How the first documents begin")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?step=2$"))
    page.get_by_role("button", name="Next: model").click()
    expect(page.get_by_label("business-2k")).to_be_checked()
    page.get_by_role("button", name="Next: convert").click()
    expect(page.get_by_text("8.0 points of facts lost at most")).to_be_visible()
    expect(page.get_by_text("generation at least")).to_be_hidden()
    page.get_by_label("T2R:").check()
    page.locator("#trail").get_by_role("button", name="Model").click()
    page.get_by_role("button", name="Next: convert").click()
    expect(page.get_by_label("T2R:")).to_be_checked()


def test_a_gate_that_cannot_be_is_explained(open_page) -> None:
    page = open_page("/?step=1")
    page.get_by_label("Length of a document").fill("3")
    page.get_by_role("button", name="Next: data").click()
    expect(page.get_by_role("alert")).to_contain_text("16 to 1,000,000")


@pytest.mark.parametrize("name", ["/etc", "engine/runs", "../models", "gpt2; rm"])
def test_no_path_of_the_server_can_be_named(open_page, name: str) -> None:
    page = open_page()
    page.get_by_role("button", name="New run").click()
    page.get_by_role("button", name="Next: data").click()
    page.get_by_role("button", name="Next: model").click()
    page.get_by_label("Another model from the Hugging Face Hub").check()
    page.get_by_label("Hub id").fill(name)
    page.get_by_role("button", name="Next: convert").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no such model")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.txt", b""),
        ("picture.txt", bytes(range(256)) * 64),
        ("numbers.csv", b"a,b\n1,2\n3,4\n"),
        ("broken.jsonl", b'{"text": \n'),
    ],
)
def test_a_bad_file_is_explained_below_the_field(
    open_page, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    page = open_page()
    page.get_by_role("button", name="New run").click()
    page.get_by_role("button", name="Next: data").click()
    page.get_by_label("Your own file").check()
    page.locator("input[type=file]").set_input_files(tmp_path / name)
    problem = page.get_by_role("alert")
    titles = re.compile("This file cannot be used|Which columns")
    expect(problem).to_contain_text(titles)
    page.get_by_role("button", name="Next: model").click()
    expect(problem).to_be_visible()
    expect(page.get_by_role("button", name="Next: model")).to_be_visible()


def test_a_good_file_is_previewed_as_it_reads(open_page, tmp_path: Path) -> None:
    rows = [
        "番号,報告",
        *(f"{i},点検報告書 第{i}号。" + f"装置{i}に異常なし。" * 120 for i in range(40)),
    ]
    (tmp_path / "reports.csv").write_bytes("\n".join(rows).encode("cp932"))
    page = open_page()
    page.get_by_role("button", name="New run").click()
    page.get_by_role("button", name="Next: data").click()
    page.get_by_label("Your own file").check()
    page.locator("input[type=file]").set_input_files(tmp_path / "reports.csv")
    expect(page.locator(".ts-docs pre").first).to_contain_text("点検報告書 第0号。")
    page.get_by_role("button", name="Next: model").click()
    page.get_by_role("button", name="Next: convert").click()
    expect(page.get_by_text("reports.csv", exact=True)).to_be_visible()


def test_the_upload_box_speaks_japanese(open_page) -> None:
    page = open_page("/ja")
    page.get_by_role("button", name="自分のデータで試す").click()
    page.get_by_role("button", name="次へ：データ").click()
    page.get_by_label("自分のファイル").check()
    expect(page.get_by_text("ファイルをここにドロップ")).to_be_visible()
