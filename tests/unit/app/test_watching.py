"""Both models at once, as the page tells it from what the process says."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from app import long_input, watching
from app.pages import duel
from engine.errors import BadRunConfig, RunBusy
from engine.evidence.results import Comparison
from engine.runs import live, service
from tests.support import example_runs as examples


def _turn(side: str, phase: str, piece: str, read: int, written: int) -> dict[str, Any]:
    reading = phase == "reading"
    return {
        "kind": "turn", "side": side, "phase": phase, "piece": piece, "tokens_read": read,
        "tokens_written": written, "first_token_ms": None if reading else 12.5,
        "tokens_per_s": None if written < 2 else 300.0,
        "cache_bytes": 2048 * (read + written) if side == "original" else 70_000,
    }  # fmt: skip


def _told(**models: Any) -> list[dict[str, Any]]:
    sides = {
        side: {"weights_sha256": letter * 64, "attention": words}
        for side, letter, words in (("original", "a", "softmax in 4 layers"),
                                    ("converted", "b", "hybrid in 3 layers, softmax in 1 layer"))
    }  # fmt: skip
    events: list[dict[str, Any]] = [
        {"kind": "models", "tokens": 500, "dropped": 0, "beyond": False, "context_tokens": 2048,
         **sides, **models}
    ]  # fmt: skip
    for side, words in (
        ("original", ("KD", "402", ".")),
        ("converted", ("KD", examples.EVIL, ".")),
    ):
        events.append(_turn(side, "reading", "", 250, 0))
        events += [_turn(side, "writing", piece, 500, i + 1) for i, piece in enumerate(words)]
        events.append(_turn(side, "done", "", 500, 3))
    return events


def _watch(monkeypatch: pytest.MonkeyPatch, events: list[dict[str, Any]], lang: str = "en"):
    def fake(run_id: str, text: str, *, whole: bool = False) -> Iterator[dict[str, Any]]:
        yield from events

    monkeypatch.setattr(live, "watch", fake)
    monkeypatch.setattr(watching, "REDRAW_S", 0.0)
    return list(watching.watch("run", "text", False, lang, watching.Seen()))


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_panes_name_weights_attention_and_speed_and_escape(monkeypatch, lang: str) -> None:
    said, panes, figure, *_ = _watch(monkeypatch, _told(), lang)[-1]
    assert "aaaaaaaaaaaa" in panes and "bbbbbbbbbbbb" in panes and "<img" not in panes
    assert "softmax" in panes and "300" in panes and "12.5 ms" in panes
    assert "2,048" in said and figure is not None
    assert figure["data"][0]["y"][-1] == 2048 * 503 / 2**20


def test_each_token_has_its_place_even_where_it_shows_nothing_yet() -> None:
    seen = watching.Watched("a" * 64, "softmax in 4 layers")
    for turn in (
        _turn("original", "reading", "", 250, 0), _turn("original", "writing", "", 500, 1),
        _turn("original", "writing", "点", 500, 2), _turn("original", "done", "検", 500, 2),
    ):  # fmt: skip
        seen.add(turn)
    assert seen.pieces == ["", "点検"]


def test_the_answers_part_where_they_part(monkeypatch) -> None:
    said, _, _, kept, _ = _watch(monkeypatch, _told())[-1]
    assert "agree for the first token, then part" in said and "as much" in kept


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", "The document says: {}. Original: right. Converted: does not begin with it."),
     ("ja", "文書に書かれている答えは「{}」です。変換前：正解。変換後：回答の冒頭にありません。")],
)  # fmt: skip
def test_each_answer_is_said_to_be_right_or_not_where_that_is_known(
    monkeypatch, lang: str, words: str
) -> None:
    run, result = service.get("sample-bundled"), service.comparison("sample-bundled")
    offer = long_input.fitting(run, Comparison.model_validate(result), lang)
    told, answer = _told(), offer.record.answer
    told[2] |= {"piece": answer}
    told[3] |= {"piece": " and"}
    monkeypatch.setattr(live, "watch", lambda *_, **__: iter(told))
    *_, last = duel.watch("sample-bundled", offer.record.text, False, lang=lang)
    assert words.format(answer) in str(last[0])
    *_, last = duel.watch("sample-bundled", "My own text.", False, lang=lang)
    assert answer not in str(last[0])


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_numbers_of_the_chart_come_when_both_have_ended(monkeypatch, lang: str) -> None:
    *before, last = _watch(monkeypatch, _told(), lang)
    assert {numbers for *_, numbers in before} == {""}, "a table redrawn would close"
    numbers = last[-1]
    assert numbers.count("<tr") == 1 + 4 and "503" in numbers and "1,006 KiB" in numbers
    address = re.search(r'href="data:text/csv[^,]*,([^"]*)"', numbers)
    assert address
    saved = base64.b64decode(address[1]).decode("utf-8-sig").splitlines()
    assert len(saved) == 1 + 4 and saved[1].startswith("250,500 KiB,")


def test_a_table_of_many_turns_is_short_and_its_file_has_them_all() -> None:
    seen = watching.Watched("a" * 64, "softmax in 4 layers")
    for read in range(1, 1001):
        seen.add(_turn("original", "reading", "", read, 0))
    numbers = watching.numbers({"original": seen, "converted": seen}, "en")
    assert numbers.count("<tr") < 70 and "<th scope=\"row\">1,000</th>" in numbers


@pytest.mark.parametrize(
    ("models", "words"),
    [({"dropped": 100}, "The first 100 were left out, for both models alike"),
     ({"beyond": True}, "what either model writes here means nothing")],
)  # fmt: skip
def test_an_input_that_does_not_fit_is_said_so(monkeypatch, models: dict, words: str) -> None:
    assert words in _watch(monkeypatch, _told(**models))[-1][0]


def test_an_error_leaves_what_was_shown(monkeypatch) -> None:
    def broken(run_id: str, text: str, *, whole: bool = False) -> Iterator[dict[str, Any]]:
        yield from _told()[:4]
        raise RunBusy("A run is at work.", "Wait.")

    monkeypatch.setattr(live, "watch", broken)
    seen = watching.Seen()
    said, panes, _, kept, numbers = list(watching.watch("run", "text", False, "en", seen))[-1]
    assert "A run is at work." in said and "KD" in panes and "250" in numbers
    assert kept == "After 502 tokens the original kept 1,004 KiB."


def _watched_until(
    monkeypatch: pytest.MonkeyPatch, events: list[dict[str, Any]], lang: str
) -> tuple[Iterator[list[Any]], watching.Seen]:
    """A visitor's watching as the page follows it, and what it has to stop."""

    def fake(run_id: str, text: str, *, whole: bool = False) -> Iterator[dict[str, Any]]:
        yield from events

    monkeypatch.setattr(live, "watch", fake)
    monkeypatch.setattr(watching, "REDRAW_S", 0.0)
    following = duel.watch("sample-bundled", "text", False, lang=lang)
    seen = next(following)[-1]
    assert isinstance(seen, watching.Seen)
    return following, seen


@pytest.mark.parametrize(
    ("lang", "sentence", "status"),
    [("en", "Stopped. After 502 tokens the original kept 1,004 KiB. After 250 tokens the converted "
      "model kept 68.4 KiB.", ("stopped, 2 tokens written", "stopped, 250 tokens read")),
     ("ja", "停止しました。変換前は 502 トークンの時点で 1,004 KiB を保持していました。変換後は "
      "250 トークンの時点で 68.4 KiB を保持していました。",
      ("停止、2 トークン生成済み", "停止、250 トークン読み込み済み"))],
)  # fmt: skip
def test_stop_leaves_a_sentence_and_the_numbers(
    monkeypatch, lang: str, sentence: str, status: tuple[str, str]
) -> None:
    told = _told()
    events = [*told[:4], *told[6:8]]  # both models, two tokens of the one, 250 read by the other
    following, seen = _watched_until(monkeypatch, events, lang)
    for _ in range(4):  # what a visitor has seen; the answers would go on from there
        next(following)
    said, panes, column, plot, below = duel.stop(seen, lang)
    assert "2,048" in str(said) and "KD402" in re.sub("<[^>]*>", "", str(panes))
    assert all(words in str(panes) for words in status)
    assert column["visible"] is True and plot is not None
    assert sentence in str(below) and str(below).count("<tr") == 1 + 3
    assert list(following) == [], "what comes late would wipe it away"
    assert duel.stop(seen, lang) == [gr.skip()] * 5


def test_stop_while_the_models_are_loaded_says_so(monkeypatch) -> None:
    _, seen = _watched_until(monkeypatch, _told(), "en")
    said, panes, column, *_ = duel.stop(seen, "en")
    assert "Stopped before either model had begun." in str(said)
    assert panes == "" and column["visible"] is False


def test_stop_changes_nothing_where_nothing_is_under_way(monkeypatch) -> None:
    assert duel.stop(None, "en") == [gr.skip()] * 5
    following, seen = _watched_until(monkeypatch, _told(), "en")
    list(following)
    assert duel.stop(seen, "en") == [gr.skip()] * 5


def test_how_the_answers_part_is_said_only_once_both_have_ended(monkeypatch) -> None:
    told = _told()
    said, _, _, kept, _ = _watch(monkeypatch, [one for one in told if one is not told[5]])[-1]
    assert told[5]["phase"] == "done" and "then part" not in said and kept == ""


def test_the_form_is_there_only_with_the_models(tmp_path: Path) -> None:
    run, result = examples.run(folder=tmp_path), examples.comparison()
    assert duel.values(run, result, "en")[0]["visible"] is False
    (tmp_path / "converted").mkdir()
    shown, _, text, whole, about, *_ = duel.values(run, result, "en")
    assert shown["visible"] is True and whole is False
    assert len(str(text)) > 5_000 and "the right answer is" in str(about)


def test_a_japanese_file_fills_the_box(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes("点検報告書".encode("cp932") * 10)
    assert duel.read_file(str(file), "en")[0] == "点検報告書" * 10
    file.write_bytes(bytes(range(256)) * 20)
    assert "This file cannot be used" in str(duel.read_file(str(file), "en")[2])


def test_the_samples_models_answer_in_a_process_that_checks_them() -> None:
    events = list(live.watch("sample-bundled", "The pump at Osaka failed again. " * 40))
    models, last = events[0], events[-1]
    assert models["kind"] == "models" and "hybrid" in models["converted"]["attention"]
    assert models["original"]["weights_sha256"] != models["converted"]["weights_sha256"]
    assert last["phase"] == "done" and last["cache_bytes"] > 0


def test_no_text_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(BadRunConfig):
        next(live.watch("sample-bundled", "  "))
