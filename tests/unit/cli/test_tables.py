"""The tables of a comparison, as the command line prints them."""

import pytest

from engine.cli import tables, words
from tests.support import example_runs as examples


def test_the_kept_step_is_told_and_what_it_means_to_keep_none():
    content = examples.comparison().model_dump(mode="json")
    said = tables.comparison(content)
    assert "control model kept step 40 of 60: validation loss 0.9500 nats/token." in said
    assert "did not help" not in said
    content["finetuning"]["control"]["kept_step"] = 0
    said = tables.comparison(content)
    assert "kept step 0 of 60: it did not help, so the control is the original unchanged" in said
    assert "converted model kept step 60" in said
    content["finetuning"]["control"] = None
    assert "Fine-tuning of the control" not in tables.comparison(content)
    del content["finetuning"]  # an older file
    assert "Fine-tuning of" not in tables.comparison(content)


@pytest.mark.parametrize(
    ("ratio", "said"),
    [(1.325, "1.32x"), (0.1, "0.10x"), (0.0416, "0.042x"), (0.0034, "0.0034x"), (0, "0.00x")],
)
def test_a_small_ratio_keeps_two_significant_digits(ratio: float, said: str) -> None:
    assert words.times(ratio) == said


def test_a_cache_that_is_far_smaller_is_not_said_to_be_nothing():
    content = examples.comparison().model_dump(mode="json")
    for mine, theirs in zip(content["memory"]["converted"], content["memory"]["original"]):
        mine["cache_bytes"], theirs["cache_bytes"] = 34, 10_000
    said = tables.comparison(content)
    assert "0.0034x" in said and "0.00x" not in said
