"""The tables of a comparison, as the command line prints them."""

from engine.cli import tables
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
