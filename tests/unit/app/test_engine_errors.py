"""Every error that the engine can raise in the pages' way is told in Japanese on the Japanese page.

The engine's source is read for them, so an error that is new, or worded anew, fails here until it
has its translation: a sentence below "said" in both text files, or a form in `data_words`. What
another place hands in (a name, a number, a system's own words) is a gap and not looked into.
"""

from __future__ import annotations

import itertools
import re
import sqlite3
from pathlib import Path

import pytest

from app import notes, problems
from app.text import t
from engine.configs import RunConfig
from engine.errors import BadDataset, EngineError
from engine.runs.boundary import boundary
from tests.support.engine_errors import ENGINE, GAP, KINDS, Raised, every, unseen

ELSEWHERE = {
    "data/confined.py:_read": "words that another place raised in a process of its own",
    "runs/stopping.py:check": "words given to Stop, which are read there",
    "runs/boundary.py:explained": "failures of others, tested below",
}
"""Places whose words do not stand there."""
NOT_OF_THE_PAGES = {
    "cli/": "the command line",
    "__main__.py": "the command line",
    "core/state.py": "a cache that only code can hand over",
    "core/swap.py": "convert and revert called by code",
    "report/verify.py": "`verify` of the command line",
    "runs/files.py": "`--out` of the command line",
    "runs/remeasure.py": "`compare RUN` of the command line",
    "runs/seeds.py": "`compare RUN --over-seeds` of the command line",
}
INSIDE = ["class _Enough(Cancelled):"]
"""Ends a dry run and is caught where it does."""
ENGLISH = t("error.engine_words", "ja", text="")
_COMMAND = re.compile(r"`|--\w|python -m|\w=\w|\b(?:comparison|gates|method|recipe)\.(?!json)[\w*]")
"""What only someone at a command line can do."""
_TWO_WORDS = re.compile(r"[A-Za-z][A-Za-z'-]+ [A-Za-z][A-Za-z'-]+")
_JAPANESE = r"[\u3041-\u30fa\u30fc\u3400-\u9fff]"
_UNSPACED = re.compile(rf"[A-Za-z0-9]{_JAPANESE}|{_JAPANESE}[A-Za-z0-9]")


def _english(said: str) -> str:
    """The first two English words in a row, "" where there are none."""
    found = _TWO_WORDS.search(said.replace(GAP, "…"))
    return found.group() if found else ""


def _of_the_pages(raised: Raised) -> bool:
    return raised.place not in ELSEWHERE and not raised.place.startswith(tuple(NOT_OF_THE_PAGES))


RAISED = every()
OF_THE_PAGES = [one for one in RAISED if _of_the_pages(one)]


@pytest.mark.parametrize("raised", OF_THE_PAGES, ids=lambda one: one.place)
def test_an_error_of_the_engine_is_told_in_japanese(raised: Raised) -> None:
    assert raised.messages and raised.hints, "its words cannot be read off the source"
    for message, hint in itertools.product(raised.messages, raised.hints):
        title, said = problems.words(KINDS[raised.kind](message, hint), "ja")
        assert title and ENGLISH not in said and not _english(said), said
        assert not _UNSPACED.search(said.replace(GAP, "…")), said
        english = problems.words(KINDS[raised.kind](message, hint), "en")[1]
        assert english.startswith(message) or _COMMAND.search(message)
        for words in (said, english):
            assert not _COMMAND.search(words), f"a visitor has no command line: {words}"


@pytest.mark.parametrize(
    "message",
    ["a.csv, line 3: something new here.", "a.csv cannot be read: something new here.",
     "The run is something new, not done."],
)  # fmt: skip
def test_english_within_a_known_form_does_not_pass(message: str) -> None:
    said = problems.words(BadDataset(message, "Check its permissions."), "ja")[1]
    assert ENGLISH not in said and _english(said) == "something new"


@pytest.mark.parametrize("path", sorted(ENGINE.rglob("*.py")), ids=lambda one: one.stem)
def test_no_error_is_made_where_the_search_does_not_look(path: Path) -> None:
    if path.name != "errors.py":
        assert [one for one in unseen(path.read_text("utf-8")) if one not in INSIDE] == []


@pytest.mark.parametrize(
    "source",
    ["raise errors.BadDataset('a', 'b')", "from engine.errors import BadDataset as Bad",
     "class Worse(BadDataset): ...", "class Worse(errors.BadDataset): ...", "Bad = BadDataset"],
)  # fmt: skip
def test_such_a_place_would_be_found(source: str) -> None:
    assert len(unseen(source)) == 1 and unseen("raise BadDataset('a', 'b')") == []


def test_no_exception_from_the_rule_is_out_of_date() -> None:
    places = [one.place for one in RAISED]
    assert ELSEWHERE.keys() <= set(places)
    assert all(any(one.startswith(start) for one in places) for start in NOT_OF_THE_PAGES)
    assert len(places) > 150, "the source is no longer read"


def _told(error: Exception) -> str:
    with pytest.raises(EngineError) as caught, boundary("the log of the server"):
        raise error
    return problems.words(caught.value, "ja")[1]


def _of_another_version() -> Exception:
    with pytest.raises(ValueError) as caught:
        RunConfig.model_validate({"model": 7})
    return caught.value


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device", "/data/a"), "/data/a：ディスクの空き容量"),
        (PermissionError(13, "Permission denied", "/data/a"), "読み書きする権限がありません"),
        (FileNotFoundError(2, "No such file or directory", "/a.b"), "/a.b：ファイルまたは"),
        (MemoryError(), "マシンのメモリが不足しました"),
        (sqlite3.OperationalError("disk I/O error"), "データベースを使えません（disk I/O error）"),
        (ModuleNotFoundError("No module", name="openpyxl"), "パッケージ 'openpyxl'"),
        (_of_another_version(), "保存された設定または結果を読み取れません（"),
    ],
)
def test_failures_of_others_are_told_in_japanese(error: Exception, words: str) -> None:
    said = _told(error)
    assert words in said and ENGLISH not in said, said


def test_a_fault_of_the_program_is_owned_up_to_and_its_own_words_follow() -> None:
    said = _told(ZeroDivisionError("division by zero"))
    assert said.startswith("入力の誤りではなく、プログラムの不具合です。詳しい内容はサーバーのログ")
    assert said.endswith(t("error.engine_words", "ja", text="ZeroDivisionError: division by zero"))


def test_words_within_a_sentence_are_told_in_japanese_too() -> None:
    for message, words in {
        "a.csv has no column 'x'; it has id (number), body (text); nested text: body.text.":
            "列 'x' はありません。見つかった列：id（数値）, body（文章）／入れ子の文章：body.",
        "a.csv has no column 'x'; it has no columns.": "列 'x' はありません。見つかった列：なし。",
        "a.csv has no column 'x'; it has id (number), b (text) and 3 more.":
            "見つかった列：id（数値）, b（文章）、ほか 3 件。",
        "The sheet 'A' is read; 'B', 'C', 'D' and 2 more is not.": "'B', 'C', 'D'、ほか 2 件",
        "a.txt is a PNG image, not plain text.": "a.txt はテキストファイルではなく、PNG 画像です。",
        "a.txt is a PDF, not plain text.": "a.txt はテキストファイルではなく、PDF ファイルです。",
        "a/b has 3 million weights and needs about 2 GiB of GPU memory; 1 GiB are free.":
            "必要な容量は約 2 GiB（GPU メモリ）ですが、空きは 1 GiB です。",
        "The details are in worker.log in the run's folder.":
            "詳しい内容は実行のフォルダーのログ（worker.log）にあります。",
        "a.jsonl, line 2: 'x' holds a number, not text.": "値が文章ではありません（数値）。",
        "a.jsonl, line 2: a list, not a JSON object.": "オブジェクトではありません（リスト）。",
        "The run is fine-tuning, not done.": "現在：追加学習中",
        "The model cannot be saved: No space left on device.": "（ディスクの空き容量がありません）",
        "a cannot be converted: its family (t5) is not among the tested ones.": "系統（t5）が",
        "The weights of a/b cannot be read: header too large. Or so": "（header too large. Or so）",
    }.items():
        assert words in notes.told(message, "ja")


def test_names_are_never_translated() -> None:
    for message, words in {
        "report (empty).csv is a binary file: 3 of its 9 bytes are no characters.":
            "report (empty).csv はテキストファイルではありません",
        "There is a run named done already.": "done という名前の実行",
        "There is no folder memory, and no public Hub repository of that name.": "memory という",
        "Choose from: failed.": "failed。",
        "report (text).csv, line 2: 'x (empty)' holds a list, not text.":
            "report (text).csv の 2 行目で、列 'x (empty)' の値が文章ではありません（リスト）。",
        "a.csv has no column 'x'; it has y (empty) z (text).": "y (empty) z（文章）。",
        "a.csv has no column 'x'; it has b; nested text: a (list).": "入れ子の文章：a (list)",
    }.items():
        assert words in notes.told(message, "ja")


def test_why_a_run_stopped_is_told_in_japanese() -> None:
    stopped = ("The training loss became nan at step 12.", "Something new.")
    said = notes.stopped(*stopped, "ja")
    assert said.startswith("学習のステップ 12 で") and said.endswith("Something new.")
    assert notes.stopped("The run was stopped; what was done is saved.", None, "ja").endswith("。")
    assert notes.stopped(None, None, "ja") == ""
