"""The sentences say what the numbers say, above all when the converted model is worse."""

import re

import pytest

from app import readings, speed_reading, summary, tables, written
from app.pages import compare
from app.text import t
from engine.cli import tables as command_line
from engine.evidence.results import Comparison
from engine.report.words import Words
from tests.support import example_parts as parts
from tests.support import example_runs as examples

RESULT = examples.comparison()


def _with_perplexity(converted: float | None, *, control: bool = True) -> Comparison:
    content = RESULT.model_dump()
    content["quality"]["converted"]["perplexity"] = converted
    if not control:
        content["quality"]["control"] = None
    return Comparison.model_validate(content)


@pytest.mark.parametrize(
    ("perplexity", "words"),
    [
        (3.5, "higher (worse) than the original's 2.61"),
        (2.62, "about the same as the original's 2.61"),
        (2.0, "lower than the original's 2.61"),
        (None, "could not be measured"),
    ],
)
def test_perplexity_is_told_as_it_is(perplexity: float | None, words: str) -> None:
    assert words in readings.perplexity(_with_perplexity(perplexity), "en")


def test_perplexity_has_four_digits_everywhere() -> None:
    found = _with_perplexity(59_382.681)
    assert "59,380" in readings.perplexity(found, "en") and "59,380" in summary.tiles(found, "en")
    said = command_line.comparison(found.model_dump(mode="json"))
    assert "59,380" in said and "59,382" not in said and " 2.611 " in said
    assert Words("en").perplexity(59_382.681) == "59,380" and Words("ja").perplexity(None) == "–"


def test_a_missing_control_is_admitted() -> None:
    assert "No control was trained" in readings.perplexity(
        _with_perplexity(2.0, control=False), "en"
    )


def test_a_gain_that_the_control_has_too_is_no_gain() -> None:
    html = summary.tiles(_with_perplexity(2.584 * 1.05 * 0.95), "en")
    assert "lower than the control" not in html
    beaten = summary.teaser(_with_perplexity(2.3), "en")
    assert 'class="ts-verdict good"' in beaten
    worse_than_control = _with_perplexity(2.5)
    content = worse_than_control.model_dump()
    content["quality"]["control"]["perplexity"] = 2.0
    tile = summary.teaser(Comparison.model_validate(content), "en").split("ts-tile")[2]
    assert "lower than the original" in tile and "higher than the control" in tile
    assert "ts-verdict bad" in tile


def test_a_gain_over_a_model_that_only_guesses_is_no_gain() -> None:
    content = RESULT.model_dump()
    content["quality"] |= {"vocabulary": 1462}
    content["quality"]["original"]["perplexity"] = 315_335.0
    content["quality"]["converted"]["perplexity"] = 4_904.0
    content["quality"]["control"]["perplexity"] = 15_541.0
    found = Comparison.model_validate(content)
    tile = summary.teaser(found, "en").split("ts-tile")[2]
    assert "the original only guesses" in tile and "ts-verdict good" not in tile
    assert "no better than guessing among its 1,462 tokens" in readings.perplexity(found, "en")
    assert readings.by_position(found, "en") == "", "there is nothing to read at any position"


def test_the_worst_position_is_named() -> None:
    assert "1,024 to 2,048" in readings.by_position(RESULT, "en")


def test_memory_tells_growth_from_constancy() -> None:
    assert "grows because 1 of its layers keeps softmax" in readings.memory(RESULT, "en")
    content = RESULT.model_dump()
    for point in content["memory"]["converted"]:
        point["cache_bytes"] = 70_000
    assert "same number of bytes" in readings.memory(Comparison.model_validate(content), "en")


def _peaks(*pairs: tuple[int | None, int]) -> str:
    content = RESULT.model_dump()
    for i, (original, converted) in enumerate(pairs):
        content["memory"]["original"][i]["peak_bytes"] = original
        content["memory"]["converted"][i]["peak_bytes"] = converted
    return readings.peak(Comparison.model_validate(content), "en")


def test_a_higher_peak_is_told() -> None:
    mib = 2**20
    everywhere = _peaks((5 * mib, 22 * mib), (13 * mib, 28 * mib))
    assert "at every measured length: 28.0 MiB against 13.0 MiB at its peak at 1,024" in everywhere
    some = _peaks((5 * mib, 22 * mib), (13 * mib, 20 * mib))  # peaks are good to a few MiB only
    assert "a prompt of 512 tokens" in some and "every" not in some
    assert _peaks((5 * mib, 4 * mib), (None, 29 * mib)) == ""
    assert readings.peak(RESULT, "en") == ""


def test_one_is_not_many() -> None:
    content = RESULT.model_dump()
    content["answers"] |= {"same_prefix_tokens": 1, "prompt_tokens": 1, "prompt_tokens_dropped": 1}
    content["quality"]["original"]["documents"] = 1
    content["conversion"] |= {"layers_converted": (0,), "layers_kept": ()}
    content["environment"]["cores"] = 1
    result = Comparison.model_validate(content)
    said = " ".join([
        readings.answers(result, "en"), written.two_answers(result, "en"),
        compare.conditions(examples.run(), result, "en"),
        compare.head(examples.run(sample=True), result, "en"),
    ])  # fmt: skip
    for words in (
        "for the first token, then", "The prompt has 1 token;", "Its first token was left out",
        "of 1 held-out document.", "in 1 of 1 layer;", "1 core<", "1 document, 5,751 tokens",
    ):  # fmt: skip
        assert words in said
    for words in ("1 tokens", "1 documents", "1 layers", "1 cores"):
        assert not re.search(rf"\b{words}", said)


def test_the_data_is_told_in_words() -> None:
    html = tables.dataset(RESULT.dataset | {"new_count": 1234}, "en")
    assert "371 documents, 402,118 tokens" in html and "{" not in html
    assert "1 document, 5,751 tokens, 1 unknown token" in html
    assert f'title="{"c" * 64}">{"c" * 12}<' in html
    assert "<dt>new count</dt><dd>1,234</dd>" in html


def test_the_parts_of_the_comparison_stand_below_its_time() -> None:
    html = tables.timing(RESULT.timing, "en")
    order = ["Fine-tune", "Compare", "– Loading the models", "– Speed and memory"]
    assert sorted(order, key=html.index) == order and "comparing:" not in html


def test_recall_names_the_worst_distance_and_its_count() -> None:
    assert "1,800 tokens: it recalls 82 % of 40" in readings.recall(RESULT, "en")


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("asked_one_by_one", [True, False])
def test_questions_that_the_original_fails_say_nothing(lang: str, asked_one_by_one: bool) -> None:
    content = RESULT.model_dump()
    for party in ("original", "converted", "control"):
        content["recall"][party] = parts.recall((0.0,) * 5)
    if asked_one_by_one:
        content["recall"]["questions"] = [
            {"number": i, "language": "en", "kind": "number", "distance_tokens": 32,
             "original": False, "converted": False} for i in range(40)
        ]  # fmt: skip
    found = Comparison.model_validate(content)
    assert readings.recall(found, lang) == t("verdict.why.original_fails", lang)
    tiles = summary.tiles(found, lang)
    assert t("tile.recall.open", lang) in tiles
    assert t("tile.recall.same", lang) not in tiles


def test_recall_without_numbers_gives_the_reason() -> None:
    recall = RESULT.recall.model_copy(update={"original": None, "converted": None, "note": "Why."})
    assert readings.recall(RESULT.model_copy(update={"recall": recall}), "en") == "Why."


def test_answers_are_held_against_the_document() -> None:
    assert readings.answers(RESULT, "en").endswith("Original: right. Converted: right.")


def test_an_answer_is_right_only_where_it_begins_with_the_fact() -> None:
    pair = RESULT.answers
    late = pair.converted.model_copy(update={"text": " XY1. Ordered before: KD402."})
    found = RESULT.model_copy(update={"answers": pair.model_copy(update={"converted": late})})
    said = readings.answers(found, "en")
    assert said.endswith("Original: right. Converted: does not begin with it.")


def test_unfit_data_is_said_at_the_top() -> None:
    html = compare.head(examples.run(), RESULT, "en")
    assert "may not be fit to judge by" in html and "Leak: of 1 of 41" in html
    clean = compare.head(examples.run(), RESULT.model_copy(update={"data_checks": None}), "en")
    assert "fit to judge" not in clean


def test_the_crossover_stands_with_its_own_reading_only() -> None:
    assert "Under about 2,300 tokens (shown: between" in readings.crossover(RESULT, "decode", "en")
    assert readings.crossover(RESULT, "prefill", "en") == ""


def test_nothing_measured_breaks_nothing() -> None:
    content = RESULT.model_dump()
    content["memory"] = {"original": (), "converted": ()}
    content["speed"]["decode"] = {"original": (), "converted": ()}
    content["quality"]["converted"]["perplexity_by_position"] = ()
    result = Comparison.model_validate(content)
    assert "could not be measured" in readings.memory(result, "en")
    assert "could not be measured" in speed_reading.speed(result.speed.decode, "decode", "en")
    assert "no readings" in readings.by_position(result, "en")
    summary.tiles(result, "en")
