"""The sentences say what the numbers say, above all when the converted model is worse."""

import re
from pathlib import Path

import pytest

from app import alike, inside, readings, speed_reading, summary, tables, written
from app.numbers import count, duration, moment, number, percent, size, times
from app.pages import compare
from engine.cli import tables as command_line
from engine.configs import AcceptanceGates
from engine.evidence import savings
from engine.evidence.parts import SpeedPair
from engine.evidence.results import Comparison
from engine.report import annexes
from engine.report.source import gather
from engine.report.words import Words
from tests.support import example_reports as reports
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


def test_the_worst_position_is_named() -> None:
    assert "1,024 to 2,048" in readings.by_position(RESULT, "en")


def test_speed_is_told_where_the_bands_are_apart() -> None:
    """At 512 tokens it is 1.1× slower by the medians, but the bands of both overlap."""
    sentence = speed_reading.speed(RESULT.speed.decode, "decode", "en")
    assert "At 8,192 tokens the converted model generates 2.7× faster" in sentence
    assert "slower" not in sentence


def test_a_ratio_of_speeds_has_one_value_everywhere(tmp_path: Path) -> None:
    """In gate, tile, sentence, command line and report, though repeats scatter: the ratio of the
    medians would be 2.00."""
    made = reports.comparison()
    content = made.model_dump()
    for party, seconds in (("original", (2.0, 2.0, 2.0, 2.4)), ("converted", (1.0, 1.0, 1.0, 0.9))):
        for point in content["speed"]["decode"][party]:
            point |= {"seconds": seconds, "repeats": 4, "tokens_per_s": 16 / seconds[0],
                      "beyond_trained_context": False}  # fmt: skip
    speed = Comparison.model_validate(content).speed
    gate = savings.speed(speed, AcceptanceGates(), examples.LENGTHS[-1])
    assert gate and gate.value == pytest.approx((2 * 2 * 2 * 2.4 / 0.9) ** 0.25)  # 2.15
    assert savings.speed_ratios(speed.decode)[-1][1] == gate.value
    found = reports.comparison(speed=speed)
    assert "2.1× faster" in summary.tiles(found, "en")
    assert "2.1× faster" in speed_reading.speed(speed.decode, "decode", "en")
    assert "2.15x" in command_line.comparison(found.model_dump(mode="json"))
    run = reports.finished_run(tmp_path / "run", found)
    assert "2.15" in str(annexes.speed(gather(run), Words("en")).tables[0].rows[-1])


def _speeds(*ratios: float) -> SpeedPair:
    point = RESULT.speed.decode.original[0]
    both = [
        [point.model_copy(update={"context_tokens": n, "tokens_per_s": speed,
                                  "p10": 0.98 * speed, "p90": 1.02 * speed})
         for n, speed in zip(examples.LENGTHS, speeds, strict=False)]
        for speeds in ([100.0] * len(ratios), [100 * ratio for ratio in ratios])
    ]  # fmt: skip
    return SpeedPair(original=tuple(both[0]), converted=tuple(both[1]))


def test_every_length_at_which_it_is_slower_is_named() -> None:
    def said(*ratios: float) -> str:
        return speed_reading.speed(_speeds(*ratios), "decode", "en")

    assert "At 512, 1,024 and 2,048 tokens it is slower, 2.0× at most." in said(
        0.75, 0.5, 0.8, 1.0, 1.2
    )
    assert said(0.5, 0.5, 0.8).endswith("It is slower at every measured length.")
    mixed = said(1.5, 0.5, 0.8)
    assert "1.2× slower" in mixed and "At 1,024 tokens it is 2.0× slower." in mixed
    assert "At 512 tokens it is 1.5× faster." in mixed
    assert "slower" not in said(1.0, 1.5, 2.0)


def test_a_difference_that_the_repeats_do_not_show_is_not_told() -> None:
    pair = _speeds(0.5, 1.2)
    scattered = (1.0, 2.0, 0.8, 1.9, 1.1), (1.7, 0.9, 1.2, 0.7, 1.4)
    both = [
        (points[0], points[1].model_copy(update={"seconds": seconds, "repeats": 5}))
        for points, seconds in zip((pair.original, pair.converted), scattered, strict=True)
    ]
    found = SpeedPair(original=both[0], converted=both[1])
    said = speed_reading.speed(found, "decode", "en")
    assert said.startswith("At 1,024 tokens no difference in speed is shown")
    assert "faster" not in said.split("shown", 1)[0] and "At 512 tokens it is 2.0× slower." in said


def test_repeats_that_were_saved_are_told() -> None:
    pair = RESULT.speed.decode
    assert "512 (5), 1,024 (5)" in speed_reading.repeats(pair, "en")
    plenty = [p.model_copy(update={"repeats": 10}) for p in pair.original]
    enough = SpeedPair(original=tuple(plenty), converted=tuple(plenty))
    assert speed_reading.repeats(enough, "en") == ""


def test_a_slower_model_is_called_slower() -> None:
    pair = RESULT.speed.decode
    turned = pair.model_copy(update={"original": pair.converted, "converted": pair.original})
    assert "2.7× slower" in speed_reading.speed(turned, "decode", "en")


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
    everywhere = _peaks((5 * mib, 12 * mib), (13 * mib, 28 * mib))
    assert "at every measured length: 28.0 MiB against 13.0 MiB at its peak at 1,024" in everywhere
    some = _peaks((5 * mib, 12 * mib), (13 * mib, 9 * mib))
    assert "a prompt of 512 tokens" in some and "every" not in some
    assert _peaks((5 * mib, 4 * mib), (None, 9 * mib)) == ""
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


def test_likeness_names_the_worst_class_and_holds_texts_against_the_control() -> None:
    html = alike.section(RESULT, "en")
    assert "first for 95.3 % of the held-out tokens; 91.2 %" in html
    assert "Least alike on tokens with digits: the same first choice for 87.1 % of 9,000" in html
    assert "In 3 continuations of up to 48 tokens" in html and "ROUGE-L 71 %" in html
    assert "The control, which only had the fine-tuning: 42 tokens, ROUGE-L 93 %" in html
    assert "9.110 for the original, 9.320 for the control, 11.40 for the converted" in html
    assert alike.section(RESULT.model_copy(update={"likeness": None}), "en") == ""


def test_the_crossover_stands_with_its_own_reading_only() -> None:
    assert "Under about 2,300 tokens" in readings.crossover(RESULT, "decode", "en")
    assert readings.crossover(RESULT, "prefill", "en") == ""


def test_other_text_that_was_not_scored_says_why() -> None:
    assert RESULT.forgetting
    nothing = dict.fromkeys(("original", "control", "converted"), None)
    other = RESULT.forgetting.model_copy(update={**nothing, "note": "Why."})
    html = alike.section(RESULT.model_copy(update={"forgetting": other}), "en")
    assert "Other text: Why." in html


def test_what_the_linear_part_does_is_said_with_its_numbers() -> None:
    html = inside.section(RESULT, "en")
    assert "The linear part carries" in html and "loses 0.071 nats per token: 1.1 %" in html
    assert "answers 57, without the linear part 31; an untrained window with sinks" in html
    assert "95 % interval from 41 documents: 0.052 to 0.091 nats per token" in html
    assert "2.95" in html and "30/60" in html


def test_an_idle_linear_part_is_labelled_and_not_flattered() -> None:
    assert RESULT.ablation
    changes = {"linear_branch": "idle", "linear_nats": -0.01, "linear_share": -0.001}
    idle = RESULT.ablation.model_copy(update=changes)
    html = inside.section(RESULT.model_copy(update={"ablation": idle}), "en")
    assert "The linear part is idle" in html and "no worse without it" in html
    assert 'class="ts-notice bad"' in html
    assert inside.section(RESULT.model_copy(update={"ablation": None}), "en") == ""


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
    assert percent(380.3, 1) == "38,030.0 %"
    assert moment("2026-11-24T01:02:03+00:00") == "2026-11-24 01:02" and moment("soon") == "soon"
