"""The engine's own English on a page in another language: translated where it is known."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from app import fidelity, notes
from app.text import names, t, texts
from engine.data.ingest import read_corpus
from engine.errors import BadRunConfig
from engine.runs import paths, seal
from engine.runs.records import RunEvent
from engine.services.data_checks import personal_warnings
from tests.support import example_runs as examples
from tests.support.data_files import ENGLISH, jsonl, write

_LATIN = re.compile(r"[A-Za-z]{3,} [a-z]{3,} [a-z]{2,}")
SAMPLE = paths.SAMPLES / "bundled"
MARK = "英語"


def _notes_of_the_sample() -> list[str]:
    """What was written down when the sample run was really made."""
    comparison = json.loads((SAMPLE / "comparison.json").read_text("utf-8"))
    events = json.loads((SAMPLE / "events.json").read_text("utf-8"))
    found = [comparison["speed"]["note"], comparison["fidelity"]["note"]]
    found += [comparison["forgetting"]["note"], comparison["recall"]["note"]]
    found += [e["values"]["text"] for e in events if e["kind"] in ("note", "warning")]
    return [note for note in found if note]


@pytest.mark.parametrize("note", _notes_of_the_sample())
def test_every_note_of_the_sample_run_speaks_japanese(note: str) -> None:
    said = notes.told(note, "ja")
    assert MARK not in said and not _LATIN.search(said), said
    for figure in re.findall(r"\d[\d,.]*\d", note):
        assert figure in said or figure.rstrip(".") in said, f"{figure} is lost"
    assert notes.told(note, "en") == note


SENTENCES = [name for name in names("said", "en") if not name.startswith("word_")]


@pytest.mark.parametrize("name", SENTENCES)
def test_every_known_sentence_is_found_with_its_numbers(name: str) -> None:
    gaps = re.findall(r"\{(\w+)\}", texts("en")[f"said.{name}"])
    values = {gap: str(1000 + index) for index, gap in enumerate(gaps)}
    sentence = t(f"said.{name}", "en", **values)
    # What sends its reader to the command line is told a visitor in other words.
    section = "instead" if name in names("instead", "ja") else "said"
    assert notes.told(sentence, "ja") == t(f"{section}.{name}", "ja", **values)


def test_the_engines_own_words_are_those_that_are_known() -> None:
    """Where the engine changes a sentence, its translation must follow."""
    said = notes.told(str(seal.sealing("ab12").values["text"]), "ja")
    assert "ab12" in said and MARK not in said


def test_what_is_not_known_is_said_to_be_english_and_kept_whole() -> None:
    said = notes.told("Something new (p. 3). Resumed. Another thing.", "ja")
    assert said.index("Something new") < said.index("再開しました") < said.index("Another thing.")
    assert said.count(MARK) == 2
    assert notes.told(None, "ja") == notes.told("", "ja") == ""


def test_personal_data_is_told_kind_by_kind_and_without_the_names_of_settings(
    tmp_path: Path,
) -> None:
    texts = [f"{text} Write to a{n}@example.co.jp, 03-1234-5678." for n, text in enumerate(ENGLISH)]
    file = write(tmp_path, "a.jsonl", jsonl([{"text": text} for text in texts]))
    (warning,) = personal_warnings(read_corpus(file))
    said = notes.told(warning, "ja")
    assert "メールアドレス 60 件、電話番号 60 件" in said and MARK not in said
    assert "=" not in warning


def test_ways_that_differ_are_told_in_the_engines_words() -> None:
    note = "Decode steps ran, original: as one CUDA graph; converted: one by one (no graph)."
    said = notes.told(note, "ja")
    assert MARK in said and note in said


def test_the_map_and_the_log_speak_the_pages_language() -> None:
    from app import progress

    event = RunEvent("note", "preparing", values={"text": "Resumed."}, seq=1, at=0.0)
    assert "再開しました" in progress.log(progress.Seen().add([event]), "ja")
    said = fidelity.reading(examples.comparison(), "divergence", "ja")
    assert said and "Jensen-Shannon divergence of maps" not in said


def test_a_guessed_encoding_is_said_in_the_pages_words() -> None:
    assert notes.encoding("Windows-1252 (guessed)", "ja") == "Windows-1252（推定）"
    assert notes.encoding("UTF-8", "ja") == "UTF-8"


FROM_THE_SYSTEM = {f"word_{name}" for name in ("full", "denied", "missing", "readonly")}


def _engines_own_words() -> str:
    """The engine's source with its broken string literals made whole."""
    source = "\n".join(file.read_text("utf-8") for file in Path("engine").rglob("*.py"))
    whole = re.sub(r'"\s*\n\s*f?"', "", source)
    return whole


def test_every_error_that_has_a_translation_is_still_the_engines() -> None:
    source = _engines_own_words()
    for name in names("said", "en"):
        if name.startswith(("err_", "word_")) and name not in FROM_THE_SYSTEM:
            parts = re.split(r"\{\w+\}", texts("en")[f"said.{name}"])
            long = [part.strip() for part in parts if len(part) > 5]
            assert [part for part in long if part not in source] == [], name


def test_an_error_that_is_known_has_no_word_of_english() -> None:
    error = BadRunConfig("The input has 0 characters.", "Give a text of 1 to 400,000 characters.")
    said = "入力は 0 文字です。1～400,000 文字の文章を入力してください。"
    assert notes.explained(error, "ja") == said
    new = BadRunConfig("The input has 0 characters.", "Do something new.")
    assert MARK in notes.explained(new, "ja"), "half a translation is none"
    assert MARK not in notes.stopped("The run is being worked on.", None, "ja")


def test_recipes_and_the_code_that_ran_are_named_in_the_pages_words() -> None:
    assert notes.recipe("quick", "ja") == "クイック" and notes.recipe("quick", "en") == "Quick"
    assert notes.recipe("of my own", "ja") == "of my own" and notes.recipe(None, "en") == ""
    ran = json.loads((SAMPLE / "comparison.json").read_text("utf-8"))["environment"]["backend"]
    said = notes.backend(ran, "ja")
    assert said.startswith("変換前：") and not _LATIN.search(said)
    assert notes.backend(ran, "en") == ran
    assert notes.backend("something new", "ja") == "something new"


@pytest.mark.parametrize("number", ["2,048", "2048"])
def test_a_length_in_a_note_is_kept_as_it_was_written(number: str) -> None:
    note = f"Lengths beyond the trained context of {number} tokens: timing only."
    said = notes.told(note, "ja")
    assert said == f"学習時のコンテキスト長 {number} トークンを超える長さは、時間だけの測定です。"
