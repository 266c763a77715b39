"""What a run lacks is said in its report, and no report fails for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadRunConfig
from engine.report.content import content
from engine.report.html import html
from engine.report.pptx import pptx
from engine.report.source import gather
from engine.report.words import LANGS, Words
from tests.support import example_reports as examples


@pytest.mark.parametrize("lang", LANGS)
def test_a_run_from_before_the_gates_says_that_it_has_no_verdict(tmp_path: Path, lang) -> None:
    report = content(gather(examples.run_before_gates(tmp_path / "early")), lang)
    words = Words(lang)
    assert report.verdict.word == words("verdict.none.word") and report.gates == ()
    assert all(figure.mark is None for figure in report.figures)
    assert report.figures[0].interval == words("figure.no_interval")
    assert report.figures[0].number is not None
    assert words("risk.no_gates") in report.risks.bullets
    assert words("line.verdict.none") in report.lines.bullets[0]


def test_money_outside_the_lengths_measured_gives_no_figure(run) -> None:
    far = examples.MONEY.model_copy(update={"input_tokens": 100_000})
    report = content(gather(run, far), "en")
    assert "outside the lengths measured" in report.money.paragraphs[0]
    assert report.figures[2].title == "Generation speed"


def test_out_of_memory_is_shown_and_never_left_out(tmp_path: Path) -> None:
    made = examples.comparison().model_dump(mode="json")
    last = made["speed"]["decode"]["original"][-1]
    last |= {"tokens_per_s": None, "p10": None, "p90": None, "median_ms": None, "seconds": [],
             "out_of_memory": True}  # fmt: skip
    made["memory"]["original"][-1]["cache_bytes"] = None
    run = examples.finished_run(
        tmp_path / "other", examples.comparison(speed=made["speed"], memory=made["memory"])
    )
    report = content(gather(run), "en")
    assert report.charts[1].series[0].out_of_memory[-1]
    assert "out of memory" in examples.strings(report)


def _without(part: str) -> dict[str, Any]:
    """Changes to a comparison that lacks something."""
    made = examples.comparison().model_dump(mode="json")
    if part == "control":
        return {"quality": {**made["quality"], "control": None}}
    if part == "finite":
        lost = {"perplexity": None, "bits_per_byte": None, "note": "not finite", "by_document": []}
        quality = made["quality"]
        bins = [{**b, "perplexity": None} for b in quality["converted"]["perplexity_by_position"]]
        converted = {**quality["converted"], **lost, "perplexity_by_position": bins}
        return {"quality": {**quality, "converted": converted, "kl": None, "top1_agreement": None}}
    if part == "recall":
        nothing = {"original": None, "converted": None, "languages": [], "note": "no question fits"}
        return {"recall": nothing}
    if part == "repeats":
        for point in (p for phase in ("decode", "prefill") for party in ("original", "converted")
                      for p in made["speed"][phase][party]):  # fmt: skip
            point["seconds"] = []
        return {"speed": made["speed"]}
    pair = {"original": [], "converted": []}
    return {"speed": {"decode": pair, "prefill": pair, "note": None}, "memory": pair}


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("part", ["control", "finite", "recall", "repeats", "speed and memory"])
def test_what_is_lacking_is_said_and_no_report_fails(tmp_path: Path, part, lang) -> None:
    run = examples.finished_run(tmp_path / "other", examples.comparison(**_without(part)))
    report = content(gather(run, examples.MONEY), lang)
    words = Words(lang)
    expected = {
        "control": words("risk.no_control"), "finite": words("line.quality.unknown"),
        "recall": words("risk.no_recall"), "repeats": words("why.not_measured"),
        "speed and memory": words("line.memory.unknown"),
    }  # fmt: skip
    assert expected[part] in "\n".join(examples.strings(report))
    assert html(report) and pptx(report)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(
    ("latin", "kana", "said"), [(9000, 40, False), (9000, 3000, True), (0, 0, True)]
)
def test_a_language_that_the_data_lacks_is_not_spoken_of(
    tmp_path: Path, latin, kana, said, lang
) -> None:
    """The original reads English only; none of the tokens has a class where nothing tells them."""
    made = examples.comparison().model_dump(mode="json")
    likeness = made["likeness"]
    likeness["by_class"] = [
        {**likeness["overall"], "tokens": n, "token_class": name}
        for name, n in (("latin", latin), ("kana_kanji", kana))
        if n
    ]
    changes = {"likeness": likeness, "recall": {**made["recall"], "languages": ["en"]}}
    run = examples.finished_run(tmp_path / "other", examples.comparison(**changes))
    report = content(gather(run), lang)
    words = Words(lang)
    sentence = words("risk.left_out", languages=words("language.ja"))
    assert (sentence in report.risks.bullets) is said


def test_a_run_without_a_comparison_is_refused(run) -> None:
    (run.folder / "comparison.json").unlink()
    with pytest.raises(BadRunConfig, match="no comparison yet"):
        gather(run)
    (run.folder / "comparison.json").write_text('{"schema_version": 99}')
    with pytest.raises(BadRunConfig, match="cannot be read"):
        gather(run)
