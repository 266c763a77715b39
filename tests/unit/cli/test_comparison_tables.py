"""The comparison as tables and sentences on the command line."""

from __future__ import annotations

import io

from engine.cli import tables
from engine.cli.follow import ProgressLine
from engine.events import Event
from tests.support import example_runs as examples


def test_each_part_of_a_comparison_is_announced_once() -> None:
    written = io.StringIO()
    progress = ProgressLine(written)
    progress.event(Event("stage", "comparing"))
    for step, part in enumerate(["loading", "recall, original", "recall, original", "answers"]):
        progress.event(Event("progress", "comparing", step, 4, {"part": part}))
    progress.event(Event("progress", "transferring", 1, 9))
    assert written.getvalue() == "comparing...\n  loading\n  recall, original\n  answers\n"


def test_the_time_left_of_a_comparison_is_the_engines_own() -> None:
    run = examples.run(
        state="comparing", stage="comparing", step=19, total=20, stage_started_at=1.0,
        stage_first_step=0,
    )  # fmt: skip
    for values, told in ({}, ""), ({"left_s": 45.9}, "0:45 left"):
        written = io.StringIO()
        progress = ProgressLine(written)
        values = {"part": "speed and memory", **values}
        progress.event(Event("progress", "comparing", 19, 20, values))
        progress.status(run)
        last = written.getvalue().splitlines()[-1]
        assert "comparing 19/20" in last and (told in last if told else "left" not in last)


def test_the_table_says_what_the_linear_part_is_worth() -> None:
    content = examples.comparison().model_dump(mode="json")
    said = tables.comparison(content)
    assert "Linear part: carries. Without it the converted model loses 0.0714 nats/token (" in said
    assert "interval 0.0520 to 0.0910, 41 documents), 1.1 % of what its attention" in said
    assert "recalls 31 instead of 57 of 60 facts" in said
    assert "2.702 whole, 2.951 for an untrained window with sinks" in said
    assert "Linear part" not in tables.comparison({**content, "ablation": None})


def test_needles_are_summed_over_depths_in_the_table() -> None:
    content = examples.comparison().model_dump(mode="json")
    said = tables.comparison(content)
    row = next(line for line in said.splitlines() if line.startswith("passkey (en)  "))
    assert row.split() == ["passkey", "(en)", "256", "8/8", "8/8", "6/8", "yes"]
    content["needles"] |= {"tasks": [], "note": "None."}
    assert "None." in tables.comparison(content)
    content["needles"] = None
    assert "Needles" not in tables.comparison(content)


def test_unfit_data_is_said_before_anything_else() -> None:
    content = examples.comparison().model_dump(mode="json")
    assert tables.comparison(content).startswith("! Leak: of 1 of 41 held-out documents")
    assert "!" not in tables.comparison({**content, "data_checks": None})


def test_the_table_looks_beyond_perplexity() -> None:
    content = examples.comparison().model_dump(mode="json")
    said = tables.comparison(content)
    assert "95th percentile: 0.1420 nats; top five shared: 0.912 of 1." in said
    assert "3 continuations of 48 tokens, the same as the original's: converted 23.7 tokens" in said
    assert "Other text: perplexity original 9.110, control 9.320, converted 11.40." in said


def test_what_was_not_measured_is_said_so() -> None:
    content = examples.comparison().model_dump(mode="json")
    content["quality"] |= {"kl": None, "top1_agreement": None}
    content["environment"]["threads"] = content["answers"]["prompt_tokens"] = 1
    content["recall"] |= {"original": None, "converted": None, "control": None, "note": "Why."}
    said = tables.comparison(content)
    assert "original: not measured; same first choice: not measured." in said
    assert "None" not in said and "1 thread," in said and "prompt of 1 token\n" in said
    assert "Recall of facts: not measured. Why." in said
