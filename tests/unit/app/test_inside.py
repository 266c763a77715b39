"""What the linear part of a hybrid does, with its numbers and without flattery."""

from app import inside
from tests.support import example_runs as examples

RESULT = examples.comparison()


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


def test_where_the_interval_holds_the_line_nothing_is_claimed() -> None:
    assert RESULT.ablation
    found = RESULT.ablation.model_copy(update={"linear_branch": "undecided"})
    html = inside.section(RESULT.model_copy(update={"ablation": found}), "en")
    assert "Whether the linear part does anything cannot be told" in html
    assert "surely less than 0.005 nats per token" in html and "notice bad" not in html
    japanese = inside.section(RESULT.model_copy(update={"ablation": found}), "ja")
    assert "0.005 ナット未満" in japanese and "評価用文書を増やす" in japanese
