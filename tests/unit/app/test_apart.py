"""Where two answers part: the first token, then what the other lacks; every mark can be read."""

from __future__ import annotations

import pytest

from app import apart, written
from engine.evidence.results import Answer, Comparison
from tests.support import example_runs as examples


def test_the_first_difference_is_told_from_the_others() -> None:
    ours, theirs = ["a", "b", "c", "d"], ["a", "x", "c", "y"]
    assert apart.spans(ours, theirs) == (
        ("a", "same"), ("b", "first"), ("c", "same"), ("d", "differs"),
    )  # fmt: skip
    assert apart.first_difference(ours, theirs) == 1


def test_a_token_that_moved_is_still_where_they_part() -> None:
    assert apart.spans(["a", "c"], ["a", "b", "c"])[1] == ("c", "first")
    assert apart.spans(["a", "b", "c"], ["a", "c"])[1:] == (("b", "first"), ("c", "same"))


def test_what_both_began_with_is_never_marked() -> None:
    ours, theirs = list("abcXdefgh"), list("abcdefghYbcdefgh")
    spans = apart.spans(theirs, ours)
    assert [look for _, look in spans[:3]] == ["same"] * 3 and spans[3] == ("d", "first")


def test_half_a_character_is_not_marked_but_what_completes_it_is() -> None:
    spans = apart.spans(["点", "", "検"], ["点", "x"])
    assert [look for _, look in spans] == ["same", "differs", "first"]


def test_equal_answers_part_nowhere_and_a_longer_one_at_its_end() -> None:
    assert {look for _, look in apart.spans(["a", "b"], ["a", "b"])} == {"same"}
    assert apart.spans(["a", "b"], ["a"])[1] == ("b", "first")
    assert apart.spans(["a"], ["a", "b"]) == (("a", "same"),)


def test_what_the_other_has_not_written_yet_is_no_difference() -> None:
    assert apart.spans(["a", "b"], ["a"], ended=False)[1] == ("b", "same")
    assert apart.spans(["b"], ["a"], ended=False) == (("b", "first"),)


def test_a_text_falls_into_words_and_single_characters() -> None:
    assert apart.words("KD402 点検\n済") == ["KD402", " ", "点", "検", "\n", "済"]
    assert "".join(apart.words(examples.EVIL)) == examples.EVIL


def _with(**changes: dict) -> Comparison:
    result = examples.comparison()
    sides = {
        side: Answer.model_validate({**getattr(result.answers, side).model_dump(), **values})
        for side, values in changes.items()
    }
    return result.model_copy(update={"answers": result.answers.model_copy(update=sides)})


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_answers_of_the_comparison_are_marked_and_escaped(lang: str) -> None:
    html = written.two_answers(
        _with(original={"pieces": ("KD", "402", ".")},
              converted={"text": examples.EVIL, "pieces": ("KD", examples.EVIL)}), lang,
    )  # fmt: skip
    assert html.count('class="ts-first"') == 3  # one in each answer, one in the legend
    assert html.count('class="ts-unseen"') == 2 and "<img" not in html
    assert '<mark class="ts-first">402</mark><mark>.</mark>' in html
    assert "word by word" not in html and "単語・文字ごと" not in html


def test_an_older_result_is_compared_by_words_and_says_so() -> None:
    html = written.two_answers(examples.comparison(), "en")
    assert "Compared word by word" in html and html.count('class="ts-first"') == 3
    same = {"text": "KD402."}
    assert "<mark" not in written.two_answers(_with(original=same, converted=same), "en")
