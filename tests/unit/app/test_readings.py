"""The sentences say what the numbers say, above all when the converted model is worse."""

import pytest

from app import readings, summary
from app.numbers import count, duration, moment, number, percent, size, times
from engine.evidence.results import Comparison
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


def test_the_worst_position_is_named() -> None:
    assert "1,024 to 2,048" in readings.by_position(RESULT, "en")


def test_speed_names_the_length_where_it_turns() -> None:
    sentence = readings.speed(RESULT.speed.decode, "decode", "en")
    assert "At 8,192 tokens the converted model generates 2.7× faster" in sentence
    assert "At 512 tokens it is 1.1× slower" in sentence


def test_a_slower_model_is_called_slower() -> None:
    pair = RESULT.speed.decode
    turned = pair.model_copy(update={"original": pair.converted, "converted": pair.original})
    assert "2.7× slower" in readings.speed(turned, "decode", "en")


def test_memory_tells_growth_from_constancy() -> None:
    assert "grows because 1 of its layers" in readings.memory(RESULT, "en")
    content = RESULT.model_dump()
    for point in content["memory"]["converted"]:
        point["cache_bytes"] = 70_000
    assert "same number of bytes" in readings.memory(Comparison.model_validate(content), "en")


def test_recall_names_the_worst_distance_and_its_count() -> None:
    assert "1,800 tokens: it recalls 82 % of 40" in readings.recall(RESULT, "en")


def test_recall_without_numbers_gives_the_reason() -> None:
    recall = RESULT.recall.model_copy(update={"original": None, "converted": None, "note": "Why."})
    assert readings.recall(RESULT.model_copy(update={"recall": recall}), "en") == "Why."


def test_answers_are_held_against_the_document() -> None:
    assert readings.answers(RESULT, "en").endswith("Original: right. Converted: right.")


def test_nothing_measured_breaks_nothing() -> None:
    content = RESULT.model_dump()
    content["memory"] = {"original": (), "converted": ()}
    content["speed"]["decode"] = {"original": (), "converted": ()}
    content["quality"]["converted"]["perplexity_by_position"] = ()
    result = Comparison.model_validate(content)
    assert "could not be measured" in readings.memory(result, "en")
    assert "could not be measured" in readings.speed(result.speed.decode, "decode", "en")
    assert "no readings" in readings.by_position(result, "en")
    summary.tiles(result, "en")


def test_numbers_read_well() -> None:
    assert [number(x) for x in (None, 0, 0.03125, 2.704, 31.4, 1234.5)] == [
        "–", "0.00", "0.0312", "2.70", "31.4", "1,234",
    ]  # fmt: skip
    assert [size(x) for x in (None, 900, 2048, 4.07 * 2**20, 3 * 2**30)] == [
        "–", "900 B", "2.00 KiB", "4.07 MiB", "3.00 GiB",
    ]  # fmt: skip
    assert [duration(x) for x in (None, 41.6, 185, 7800)] == [
        "–", "42 s", "3 min 05 s", "2 h 10 min",
    ]  # fmt: skip
    assert (percent(0.825), percent(None), times(2.74), count(None)) == ("82 %", "–", "2.7×", "–")
    assert moment("2026-11-24T01:02:03+00:00") == "2026-11-24 01:02" and moment("soon") == "soon"
