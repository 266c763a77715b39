"""What the command line prints of task, capacity, batch sizes and energy."""

from __future__ import annotations

from engine.cli import asked, timing
from engine.cli.tables import comparison
from tests.support import example_asked as asked_for
from tests.support import example_runs as examples


def _line(text: str, begin: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(begin))


def test_all_of_it_stands_in_the_comparison():
    made = examples.comparison(
        task=asked_for.task(), mqar=asked_for.mqar(), **asked_for.timed_in_detail()
    ).model_dump(mode="json")
    text = comparison(made)
    assert "Task (question to answer), 40 held-out prompts" in text
    assert _line(text, "ROUGE-L").split() == [
        "ROUGE-L", "21.0", "40.2", "36.1", "-4.1", "-7.5", "to", "-1.5",
    ]  # fmt: skip
    assert "against control" in text and "40 of 52 held-out prompts." in text
    assert _line(text.split("MQAR")[1], "32 ").split() == [
        "32", "158/160", "53/160", "yes", "-80.0", "to", "-50.0",
    ]  # fmt: skip
    assert "Decode speed, 2 inputs at once" in text
    assert "out of memory" in text
    assert _line(text.split("Energy per 1,000 tokens")[1], "512").split() == [
        "512", "1.25", "1.50", "40.00", "-",
    ]  # fmt: skip


def test_none_of_it_stands_where_it_was_not_measured():
    made = examples.comparison().model_dump(mode="json")
    assert asked.task(made["task"]) == asked.mqar(made["mqar"]) == ""
    assert timing.energy(made["speed"]) == ""
    assert timing.batches(made["batches"]) == ""
    del made["task"], made["mqar"], made["batches"]
    assert "Task (" not in comparison(made)


def test_a_device_without_a_counter_says_so():
    speed = asked_for.timed_in_detail()["speed"] | {"energy": None}
    assert timing.energy(speed) == "Energy: not reported by this device."


def test_without_a_control_the_change_is_from_the_original():
    metrics = [{**one, "control": None, "change_from_control": None} for one in
               asked_for.task()["metrics"]]  # fmt: skip
    text = asked.task(asked_for.task(metrics=metrics))
    assert "against original" in text
    assert _line(text, "BLEU").split()[1:4] == ["3.0", "15.0", "+12.0"]
