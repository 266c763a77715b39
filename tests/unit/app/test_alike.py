"""How alike the two models are beyond perplexity: tokens, whole texts, needles, other text."""

from app import alike
from tests.support import example_runs as examples

RESULT = examples.comparison()


def test_likeness_names_the_worst_class_and_holds_texts_against_the_control() -> None:
    html = alike.section(RESULT, "en")
    assert "first for 95.3 % of the held-out tokens; 91.2 %" in html
    assert "Least alike on tokens with digits: the same first choice for 87.1 % of 9,000" in html
    assert "In 3 continuations of up to 48 tokens" in html and "ROUGE-L 71 %" in html
    assert "The control, which only had the fine-tuning: 42 tokens, ROUGE-L 93 %" in html
    assert "9.110 for the original, 9.320 for the control, 11.40 for the converted" in html
    assert alike.section(RESULT.model_copy(update={"likeness": None}), "en") == ""


def test_other_text_that_was_not_scored_says_why() -> None:
    assert RESULT.forgetting
    nothing = dict.fromkeys(("original", "control", "converted"), None)
    other = RESULT.forgetting.model_copy(update={**nothing, "note": "Why."})
    html = alike.section(RESULT.model_copy(update={"forgetting": other}), "en")
    assert "Other text: Why." in html
