"""Speed in a sentence: told where it is shown, slower named first, one ratio everywhere."""

from pathlib import Path

import pytest

from app import speed_reading, summary
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
    assert "1.25× slower" in mixed and "At 1,024 tokens it is 2.0× slower." in mixed
    assert "At 512 tokens it is 1.50× faster." in mixed
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
