"""What the measurement noted is said in the report's language, from the result's fields."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from engine.evidence.results import Comparison
from engine.report.content import content
from engine.report.model import Report
from engine.report.source import gather
from engine.report.words import LANGS, Words
from engine.runs import service
from tests.support import example_reports as examples

_ENGLISH = re.compile(r"[A-Za-z]{3,} [a-z]{3,} [a-z]{2,}")
FOREIGN = "英語の原文"


def _report(folder: Path, lang: Any, *, config: Any = None, **changes: Any) -> Report:
    made = examples.comparison().model_dump(mode="json")
    for part, values in changes.items():
        made[part] = {**(made[part] or {}), **values}
    run = examples.finished_run(folder, Comparison.model_validate(made), **(config or {}))
    return content(gather(run), lang)


def _annex(report: Report, key: str) -> Any:
    title = Words(report.lang)(f"annex.{key}")
    return next(section for section in report.annexes if section.title == title)


def test_the_japanese_report_of_the_sample_holds_no_sentence_of_english() -> None:
    report = content(gather(service.find("sample-bundled")), "ja")
    texts = examples.strings(report)
    assert not any(FOREIGN in text for text in texts)
    assert [text for text in texts if _ENGLISH.search(text)] == []


def test_the_sample_tells_how_often_the_models_were_started_and_with_which_cache() -> None:
    annex = _annex(content(gather(service.find("sample-bundled")), "en"), "speed")
    said = "\n".join(annex.paragraphs).replace("\N{NO-BREAK SPACE}", " ")
    assert "started 5 times" in said and "writes 16 tokens" in said
    assert "allocated beforehand at 1,024, 2,048, 4,096 and 8,192 tokens" in said
    assert "without a GPU" in said and "idle" not in said


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(("load", "key"), [(None, "unknown"), (0.03, None), (0.25, "busy")])
def test_other_work_on_the_machine_is_told(tmp_path: Path, lang, load, key) -> None:
    words = Words(lang)
    said = _annex(_report(tmp_path / "run", lang, speed={"other_load": load}), "speed").paragraphs
    share = words.percent(25, 0)
    known = {k: words(f"notes.speed.machine.{k}", share=share) for k in ("unknown", "busy")}
    assert [name for name, text in known.items() if text in said] == ([key] if key else [])


@pytest.mark.parametrize("lang", LANGS)
def test_how_steps_ran_on_a_gpu_is_quoted_in_the_measurements_words(tmp_path: Path, lang) -> None:
    """No field holds it."""
    ran = "Decode steps ran, original: as one CUDA graph at 128; converted: one by one at 128."
    annex = _annex(
        _report(
            tmp_path / "run", lang, environment={"device": "cuda"},
            speed={"note": f"Batch size 1. {ran} The GPU was not idle.", "device_load": 0.5},
        ),
        "speed",
    )  # fmt: skip
    assert annex.quotes == ((Words(lang)("quote.note"), ran),)
    assert Words(lang)("notes.speed.gpu.busy", share=Words(lang).percent(50, 0)) in annex.paragraphs


@pytest.mark.parametrize("lang", LANGS)
def test_doubts_about_the_data_are_told_from_their_numbers(tmp_path: Path, lang) -> None:
    checks = {
        "heldout_documents": 10, "copies": 30, "leaked": [{"document": 7, "share": 0.83}],
        "order_interval": {"estimate": 0.001, "low": -0.01, "high": 0.02, "n": 8, "level": 0.95},
        "warnings": ["Leak: 1 of 10.", "Duplicates: 30.", "Order: no.", "New: a thing."],
    }  # fmt: skip
    counts = {"documents": 100, "duplicates": 30}
    annex = _annex(_report(tmp_path / "run", lang, data_checks=checks, dataset=counts),
                   "environment")  # fmt: skip
    told = "\n".join(annex.paragraphs)
    for number in ("83", "130", "0.001", "0.020"):
        assert number in told
    assert annex.quotes == ((Words(lang)("quote.note"), "New: a thing."),)


@pytest.mark.parametrize("lang", LANGS)
def test_which_layers_have_no_maps_of_their_own_is_told(tmp_path: Path, lang) -> None:
    made = examples.comparison().model_dump(mode="json")["fidelity"]
    first = made["heads"][0]["layer"]
    heads = [{**h, "divergence": None} if h["layer"] == first else h for h in made["heads"]]
    report = _report(tmp_path / "run", lang, fidelity={"heads": heads})
    said = Words(lang)("notes.outputs_only", layers=str(first))
    assert said in _annex(report, "attention").paragraphs


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("asked", ["en", "ja"])
def test_an_original_that_answers_no_question_it_was_asked_is_told(tmp_path: Path, lang, asked):
    """Also where questions were asked in one language only, whatever the data's own."""
    made = examples.comparison().model_dump(mode="json")["recall"]
    questions = [{**one, "language": asked, "original": False} for one in made["questions"]]
    recall = {"questions": questions, "languages": [asked], "note": "It does not answer."}
    report = _report(tmp_path / "run", lang, recall=recall)
    said, other = _annex(report, "recall").paragraphs, {"en": "ja", "ja": "en"}[asked]
    assert Words(lang)("risk.recall_note") in said
    assert not any(Words(lang)(f"language.{other}") in text for text in said)


@pytest.mark.parametrize("repeats", [3, 10])
def test_fewer_repeats_than_usual_are_told_where_they_were_asked_for(
    tmp_path: Path, repeats: int
) -> None:
    report = _report(tmp_path / "run", "en", config={"comparison": {"repeats": repeats}})
    few = Words("en")("notes.speed.few", repeats=str(repeats))
    assert (few in _annex(report, "speed").paragraphs) is (repeats < 10)
