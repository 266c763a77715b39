"""The task, the capacity probe and the timing in detail, as step 5 shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import data_view, risks, task, timing
from app.pages import data
from app.text import PATHS
from engine.evidence.mqar_parts import Mqar
from engine.evidence.task_parts import TaskScore
from tests.support import example_asked as asked_for
from tests.support import example_runs as examples
from tests.support.data_files import ENGLISH, jsonl, write


def _score(**changes) -> TaskScore:
    return TaskScore.model_validate(asked_for.task(**changes))


@pytest.mark.parametrize("lang", PATHS)
def test_without_a_task_there_is_no_section(lang):
    assert task.section(examples.comparison(), lang) == ""
    assert timing.section(examples.comparison(), lang) == ""


@pytest.mark.parametrize("lang", PATHS)
def test_the_task_is_read_against_the_control_and_answers_are_escaped(lang):
    page = task.section(examples.comparison(task=asked_for.task(), mqar=asked_for.mqar()), lang)
    for shown in ("36.1", "40.2", "21.0", "−7.5", "−1.5", "52", "53/160", "40/40"):
        assert shown in page, shown
    assert "<img" not in page and "&lt;img" in page


def test_the_sentence_says_which_way_the_interval_lies():
    assert "worse: ROUGE-L 36.1 against 40.2" in task.reading(_score(), "en")
    assert "−7.5 to −1.5, 40 prompts" in task.reading(_score(), "en")

    def reading(low: float, high: float) -> str:
        metrics = asked_for.task()["metrics"]
        metrics[1]["change_from_control"] |= {"low": low, "high": high}
        return task.reading(_score(metrics=metrics), "en")

    assert reading(-3.0, 1.0).startswith("No difference is shown")
    assert "does the task better" in reading(1.0, 3.0)


def test_without_a_control_it_is_the_original_and_few_prompts_have_no_interval():
    metrics = [{**one, "control": None, "change_from_control": None} for one in
               asked_for.task()["metrics"]]  # fmt: skip
    said = task.reading(_score(metrics=metrics), "en")
    assert "better: ROUGE-L 36.1 against 21.0 for the original" in said
    few = [{**one, "change": None} for one in metrics]
    assert "3 prompts are too few" in task.reading(_score(metrics=few, documents=3), "en")


def test_a_task_that_nobody_does_is_not_judged():
    assert "nothing about the conversion" in task.reading(_score(judged=False), "en")


def test_the_capacity_is_read_where_the_original_has_it():
    said = task.mqar_reading(Mqar.model_validate(asked_for.mqar()), "en")
    assert "up to 32 pairs" in said and "manages up to 4 pairs" in said
    said = task.mqar_reading(Mqar.model_validate(asked_for.mqar(judged=False)), "en")
    assert "not judged" in said


@pytest.mark.parametrize("lang", PATHS)
def test_timing_in_detail_names_caches_batches_and_what_did_not_fit(lang):
    found = examples.comparison(**asked_for.timed_in_detail())
    page = timing.section(found, lang)
    for shown in ("2,048", "1.25", "made up"):
        assert shown in page, shown
    words = {"en": ("2 inputs at once", "out of memory"), "ja": ("同時入力 2 件", "メモリ")}[lang]
    assert all(word in page for word in words)
    speed = found.speed.model_copy(update={"energy": None})
    nothing = timing.section(found.model_copy(update={"speed": speed}), lang)
    assert {"en": "not reported by this device", "ja": "取得できません"}[lang] in nothing


def test_no_preallocated_cache_is_told_too():
    found = examples.comparison(**asked_for.timed_in_detail())
    grown = [one.model_copy(update={"cache": "dynamic"}) for one in found.speed.baselines]
    speed = found.speed.model_copy(update={"baselines": tuple(grown)})
    page = timing.section(found.model_copy(update={"speed": speed}), "en")
    assert "growing cache" in page


@pytest.mark.parametrize("lang", PATHS)
def test_the_data_page_says_that_rows_are_tasks(lang, tmp_path):
    rows = [{"question": text, "answer": f"Site {n}"} for n, text in enumerate(ENGLISH)]
    file = str(write(tmp_path, "a.jsonl", jsonl(rows)))
    said = {"en": "question asks, answer is the right answer", "ja": "「answer」が正解"}[lang]

    def preview(column):
        settings = {"text_column": column}
        return data_view.preview(Path(file), data.Chosen(data.UPLOAD, file, settings), lang)

    assert said in preview(None)
    assert said not in preview("question")


def test_one_input_at_a_time_is_a_risk_where_no_more_were_timed():
    def named(comparison) -> set[str]:
        return {what for what, _ in risks.rows(examples.run(), comparison, "en")}

    batched = examples.comparison(**asked_for.timed_in_detail())
    assert named(examples.comparison()) - named(batched) == {"One input at a time"}
