"""The data's step: what it shows of a file, what it offers, and what it warns of."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from app import data_measured, data_view, uploads
from app.pages import convert, data, goal
from app.pages.data import Chosen, DataPage
from app.text import t
from engine.configs import ComparisonSettings
from engine.errors import BadDataset
from engine.runs import service
from tests.support import example_runs as examples
from tests.support.data_files import ENGLISH, JAPANESE, jsonl, write
from tests.support.office_files import xlsx

MODEL = "business-2k"
READ = ("", False, *("" for _ in data.COLUMNS))
"""Encoding, masking and columns as they are at first."""
BUNDLED = ("business-cases", None, *READ)


@pytest.fixture(scope="module", params=["en", "ja"])
def page(request: pytest.FixtureRequest) -> tuple[DataPage, str]:
    with gr.Blocks():
        return data.build(request.param, ""), request.param


def _filled(rest: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*rest, *READ[len(rest) :])


@pytest.fixture(autouse=True)
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))


def upload(path: Path) -> str:
    """The id of a copy of the file, kept as an upload is."""
    folder = Path(tempfile.mkdtemp(dir=path.parent))
    return uploads.keep(Path(shutil.copy(path, folder)))


def look(page: tuple[DataPage, str], path: Path | None, *rest: Any) -> dict:
    form = (data.UPLOAD, path and upload(path), *_filled(rest))
    return data_view.shown(page[0], form, page[1])


def measure(page: tuple[DataPage, str], path: Path, *rest: Any, model: str = MODEL) -> str:
    form = (data.UPLOAD, upload(path), *_filled(rest))
    found = data_measured.measured(page[0], form, model, page[1])[page[0].personal]
    return data_measured.judged(form, model, page[1]) + found


def test_no_upload_is_said_so(page: tuple[DataPage, str]) -> None:
    with pytest.raises(BadDataset):
        data.chosen_file(Chosen(data.UPLOAD, None, {}), "en")
    updates = look(page, None)
    assert {"en": "Choose a file.", "ja": "ファイルを選んで"}[page[1]] in updates[page[0].preview]
    assert updates[page[0].upload_box]["visible"] and not updates[page[0].reading_box]["visible"]


def test_leading_on_reads_no_file_again(
    page: tuple[DataPage, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(jsonl([{"text": one} for one in ENGLISH]), encoding="utf-8")
    form = (data.UPLOAD, upload(path), *READ)
    data_view.shown(page[0], form, page[1])
    chosen = Chosen.of(form)
    monkeypatch.setattr(data_view, "read_corpus", lambda *_, **__: pytest.fail("read again"))
    data_view.require(chosen, page[1])


def test_a_hostile_document_is_shown_as_text(page: tuple[DataPage, str], tmp_path: Path) -> None:
    rows = [f"{i} {examples.EVIL} " + "plain words here. " * 80 for i in range(30)]
    path = xlsx(tmp_path / "evil.xlsx", {"<img>": [["text"], *([row] for row in rows)]})
    html = look(page, path)[page[0].preview]
    assert "ts-docs" in html and "<img" not in html and "&lt;img" in html


def test_columns_of_the_file_are_offered_and_lead_to_its_texts(
    page: tuple[DataPage, str], tmp_path: Path
) -> None:
    rows = [{"id": n, "q": d, "a": {"b": f"answer {d}"}} for n, d in enumerate(ENGLISH)]
    path = write(tmp_path, "a.jsonl", jsonl(rows))
    dropdown = page[0].columns["text_column"]
    updates = look(page, path, "", False, "a.b")
    assert [value for _, value in updates[dropdown]["choices"]] == ["", "q", "a.b"]
    assert (updates[dropdown]["value"], updates[dropdown]["visible"]) == ("a.b", True)
    assert "answer Work order 0" in updates[page[0].preview]
    # Of another file's columns nothing is kept.
    other = write(tmp_path, "b.csv", "text\n" + "\n".join(f'"{d}"' for d in JAPANESE))
    assert look(page, other, "", False, "a.b")[dropdown]["value"] == ""
    running = look(page, write(tmp_path, "c.txt", "\n\n".join(ENGLISH * 2)), "", False, "a.b")
    assert not running[dropdown]["visible"] and "ts-docs" in running[page[0].preview]


def test_what_was_found_is_said_for_every_column(
    page: tuple[DataPage, str], tmp_path: Path
) -> None:
    def left_open(path: Path, *columns: str) -> list[str]:
        updates = look(page, path, "", False, *columns)
        return [updates[dropdown]["choices"][0][0] for dropdown in page[0].columns.values()]

    rows = [{"text": d, "question": f"What of {d}?", "answer": "Yes."} for d in ENGLISH]
    tasks = write(tmp_path, "a.jsonl", jsonl(rows))
    text, prompt, reference = left_open(tasks)
    assert "question" in prompt and "answer" in reference
    assert text == t("data.column_none.text_column", page[1]), "rows that are tasks have no text"
    text, prompt, reference = left_open(tasks, "text")
    assert prompt == t("data.column_none.prompt_column", page[1])
    assert reference == t("data.column_none.reference_column", page[1])
    plain = write(tmp_path, "b.jsonl", jsonl([{"id": 1, "notes": d * 3} for d in ENGLISH]))
    text, prompt, _ = left_open(plain)
    assert "notes" in text and prompt == t("data.column_none.prompt_column", page[1])
    # One of a pair is not read without the other: what would be taken is not known.
    unclear = left_open(plain, "", "notes")
    assert unclear[2] == t("data.column_empty.reference_column", page[1])


def test_the_encoding_can_be_chosen_and_a_new_file_forgets_it(
    page: tuple[DataPage, str], tmp_path: Path
) -> None:
    encoding = page[0].encoding
    path = write(tmp_path, "a.txt", "\n\n".join(JAPANESE).encode("cp932"))
    assert "CP932 (Shift-JIS)<" in look(page, path)[page[0].preview]
    wrong = look(page, path, "euc-jp", False, "")
    words = {"en": "EUC-JP: byte 0", "ja": "EUC-JP では読めません（0 バイト目"}[page[1]]
    assert words in wrong[page[0].preview] and wrong[encoding]["value"] == "euc-jp"
    form = (data.UPLOAD, upload(path), *_filled(("euc-jp", False, "")))
    new = Path(shutil.copy(path, tmp_path / "new.txt"))
    again = data_view.uploaded(page[0], form, str(new), page[1])
    assert uploads.found(form[1]) is None, "the file before it is gone"
    assert again[encoding]["value"] == "" and "ts-docs" in again[page[0].preview]
    book = xlsx(tmp_path / "a.xlsx", {"S": [["text"], *([d] for d in JAPANESE)]})
    updates = look(page, book, "euc-jp", False, "")
    assert not updates[encoding]["visible"] and "ts-docs" in updates[page[0].preview]


def test_personal_data_is_warned_of_by_masked_examples_and_replaced_on_request(
    page: tuple[DataPage, str], tmp_path: Path
) -> None:
    texts = [f"{d} Write to taro{n}@example.co.jp or 090-1234-{1000 + n}." for n, d in
             enumerate(ENGLISH)]  # fmt: skip
    path = write(tmp_path, "a.jsonl", jsonl([{"text": text} for text in texts]))
    html = measure(page, path)
    assert "t••••@•••••••••••••" in html and "taro0" not in html and "090" not in html
    assert ">60<" in html
    asked = ("", True, "")
    assert "•" not in measure(page, path, *asked)
    shown = look(page, path, *asked)[page[0].preview]
    assert "taro0" not in shown
    (settings,) = [Chosen.of((data.UPLOAD, upload(path), *_filled(asked))).settings]
    assert "Write to [E-MAIL] or [PHONE]." in data_view.corpus_of(path, settings).documents[7]


@pytest.mark.parametrize(
    ("documents", "words", "sign"),
    [(1200, 150, "✓"), (120, 150, "!"), (500, 1500, "!"), (12, 900, "✕")],
    ids=["enough", "few to judge by", "few scored of long ones", "too few"],
)
def test_the_light_says_with_a_sign_and_words_whether_it_is_enough(
    page: tuple[DataPage, str], tmp_path: Path, documents: int, words: int, sign: str
) -> None:
    rows = [{"text": f"{n} " + " ".join(f"{n * k % 997}" for k in range(words))} for n in
            range(documents)]  # fmt: skip
    html = measure(page, write(tmp_path, "a.jsonl", jsonl(rows)))
    title = re.findall("<strong>(.*?)</strong>", html)[0]
    assert title.startswith(f"{sign} ") and len(title) > 5
    assert {"✓": "good", "!": "warn", "✕": "bad"}[sign] in html
    assert (html.count(f"{ComparisonSettings().heldout_tokens:,}") == 1) == (words == 1500)


def test_lengths_are_tokens_of_the_model_or_characters(
    page: tuple[DataPage, str], tmp_path: Path
) -> None:
    rows = [{"text": text * (9 + n % 9)} for n, text in enumerate(ENGLISH)]
    path = write(tmp_path, "a.jsonl", jsonl(rows))
    form = (data.UPLOAD, upload(path), *READ)
    words = {"en": ("tokens", "characters"), "ja": ("トークン", "文字")}[page[1]]
    for model, unit, shapes in ((MODEL, words[0], 1), ("hub", words[1], 0)):
        found = data_measured.measured(page[0], form, model, page[1])
        _, plot, below = (found[one] for one in page[0].lengths.outputs())
        layout = json.loads(plot.plot)["layout"]
        assert unit in layout["xaxis"]["title"]["text"].casefold()
        assert len(layout.get("shapes", [])) == shapes
        assert "ts-reading" in below and "<table" in below
        # A context is that of a model, which nobody need have chosen yet.
        assert (MODEL in below) is (MODEL in json.dumps(layout)) is (model == MODEL)
        assert sum(map(int, re.findall(r"<td>(\d+)</td>", below))) == 60


def test_a_file_that_cannot_be_read_is_not_measured(
    page: tuple[DataPage, str], tmp_path: Path
) -> None:
    form = (data.UPLOAD, upload(write(tmp_path, "a.pdf", "x")), *READ)
    found = data_measured.measured(page[0], form, MODEL, page[1])
    assert data_measured.judged(form, MODEL, page[1]) == found[page[0].personal] == ""
    assert found[page[0].lengths.column]["visible"] is False


def test_what_a_run_was_made_with_is_told(page: tuple[DataPage, str]) -> None:
    config = {"text_column": "本文", "encoding": "cp932", "mask_personal_data": True}
    said = dict(data.agreed(config, page[1]))
    assert "本文" in said.values() and "CP932 (Shift-JIS)" in said.values() and len(said) == 3
    assert data.agreed({}, page[1]) == []


def test_what_was_chosen_becomes_the_settings_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    monkeypatch.setattr(service, "create_run", lambda *given: made.append(given) or "id")
    monkeypatch.setattr(service, "start", lambda run_id: None)
    path = write(tmp_path, "a.csv", "text\nx")
    rest = ("hybrid", 4, "quick", 0, *goal.DEFAULTS.values())
    for form in ((data.UPLOAD, upload(path), *_filled(("euc-jp", True, "text"))), BUNDLED):
        assert convert.create_and_start(MODEL, "", *form, *rest, lang="en") == "id"
    (own, file), (bundled, _) = made
    assert file.read_bytes() == path.read_bytes() and own.data == "a.csv"
    assert (own.encoding, own.mask_personal_data, own.text_column) == ("euc-jp", True, "text")
    assert (bundled.encoding, bundled.text_column) == (None, None)
    assert not bundled.mask_personal_data
