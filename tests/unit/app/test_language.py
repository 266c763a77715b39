"""Each page declares its language, and nothing but the pages is touched."""

import asyncio
import re

import gradio as gr
import pytest

from app import notes
from app.language import LanguagePages, in_language, page_language
from app.numbers import day, duration, moment, money, percent, times
from app.pages import compare
from app.readings import listed
from app.text import PATHS, sentences, t, texts
from engine.errors import BadDataset, EngineError
from tests.support import example_runs as examples

PAGE = b'<!doctype html>\n<html\n\tlang="en"><head><meta></head><body>x</body></html>'


def test_every_text_file_has_a_page() -> None:
    assert page_language("/") == "en" and page_language("/ja") == "ja"
    assert page_language("/ja/") == "ja" and page_language("/config") is None


def test_a_page_says_its_language_before_any_script_runs() -> None:
    html = in_language(PAGE, "ja").decode()
    assert 'lang="ja"' in html and html.index("<script>") < html.index("<meta>")
    assert '"language", "ja"' in html


def _ask(path: str, kind: str = "http") -> list[dict]:
    async def app(scope, receive, send) -> None:
        length = str(len(PAGE)).encode()
        start = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"Content-Length", length)],
        }
        await send(start)
        await send({"type": "http.response.body", "body": PAGE[:20], "more_body": True})
        await send({"type": "http.response.body", "body": PAGE[20:]})

    sent: list[dict] = []

    async def send(message) -> None:
        sent.append(message)

    scope = {"type": kind, "path": path, "method": "GET"}
    asyncio.run(LanguagePages(app)(scope, None, send))  # pyright: ignore[reportArgumentType]
    return sent


def test_the_middleware_changes_pages_and_their_length_and_nothing_else() -> None:
    start, body = _ask("/ja")
    assert dict(start["headers"])[b"content-length"] == str(len(body["body"])).encode()
    assert b'lang="ja"' in body["body"]
    assert b"".join(part["body"] for part in _ask("/other")[1:]) == PAGE
    assert b"".join(part["body"] for part in _ask("/ja", "websocket")[1:]) == PAGE


def test_dates_durations_shares_and_money_follow_the_language() -> None:
    when = "2026-11-24T01:02:03+00:00"
    assert (day(when, "en"), day(when, "ja")) == ("2026-11-24", "2026年11月24日")
    assert (moment(when, "en"), moment(when, "ja")) == ("2026-11-24 01:02", "2026年11月24日 01:02")
    assert (duration(185, "en"), duration(185, "ja")) == ("3 min 05 s", "3 分 05 秒")
    assert (percent(0.97, lang="ja"), times(3.2, lang="ja")) == ("97%", "3.2 倍")
    assert money(1234567.6, "JPY", "ja") == money(1234567.6, "JPY", "en") == "¥1,234,568"
    assert money(8123.456, "USD", "ja") == "$8,123.46" and money(None, "USD") == "–"


def test_sentences_join_as_the_language_does() -> None:
    assert sentences("en", ["One.", "", "Two."]) == "One. Two."
    assert sentences("ja", ["一つ。", "二つ。"]) == "一つ。二つ。"
    assert listed(["512", "1,024"], "ja") == "512、1,024"


def test_japanese_is_set_with_japanese_punctuation() -> None:
    """No ASCII bracket, comma, colon or full stop beside a Japanese character."""
    cjk = "\u3040-\u30ff\u4e00-\u9fff"
    wrong = re.compile(rf"[{cjk}][(),:;!?.]|[(),;!?][{cjk}]")
    assert [key for key, text in texts("ja").items() if wrong.search(text)] == []


def test_no_japanese_sentence_was_left_in_english() -> None:
    words = re.compile(r"[A-Za-z]{2,}(?: [A-Za-z]{2,}){2,}")
    left = {
        key: text
        for key, text in texts("ja").items()
        if words.search(text.replace("Hugging Face Hub", ""))
    }
    assert left == {}


def test_an_error_of_the_engine_is_explained_in_the_pages_language() -> None:
    error = BadDataset("No column holds text.", "Choose one.")
    assert notes.explained(error, "en") == "No column holds text. Choose one."
    said = notes.explained(error, "ja")
    assert said.startswith(t("error.help.BadDataset", "ja")) and "No column holds text." in said
    own = EngineError("ファイルがありません。", "ファイルを選んでください。")
    assert (
        notes.explained(own, "ja") == "ファイルがありません。ファイルを選んでください。"
    )


@pytest.mark.parametrize("lang", PATHS)
def test_the_attention_in_use_is_said_in_words(lang: str) -> None:
    said = notes.attention("hybrid in 3 layers, softmax in 1 layer", lang)
    assert "3" in said and "hybrid" in said and "softmax" in said
    assert notes.attention("something else", lang) == "something else"


def test_the_last_step_sets_japanese_without_gaps_between_sentences() -> None:
    """Nothing is joined, and no share written, in the English way."""
    with gr.Blocks():
        page = compare.build("ja")
    values = compare.values(page, examples.run(), examples.comparison(), "ja")
    html = [re.sub(r"<[^>]*>", "", value) for value in values if isinstance(value, str)]
    found = [gap for text in html for gap in re.findall(r".{9}(?:\d %|。 ).{9}", text)]
    assert sum(map(len, html)) > 3000 and found == []
