"""Scores of the user's own task, and the answers that are scored."""

from __future__ import annotations

import pytest
import torch

from engine.configs import KeptLayers
from engine.data.task import TaskPair, TaskRows
from engine.data.task_prompts import TaskPrompt, TaskPrompts
from engine.evidence.task_answers import answer_task
from engine.evidence.task_metrics import Scorer, normalised, tokens_of
from engine.evidence.task_score import task_score
from engine.methods import Hybrid
from engine.services.convert import convert
from engine.services.generate import generate
from tests.support.models import tiny_model, tiny_tokenizer

ENGLISH = [f"replace the worn bearing of pump number {n}" for n in range(20)]
JAPANESE = [f"第{n}工場のポンプを点検した" for n in range(20)]


def _task(references, *, prompts=None, new_tokens=12, one_line=True) -> TaskPrompts:
    tokenizer = tiny_tokenizer()
    prompts = prompts or [f"Question {n}?" for n in range(len(references))]
    pairs = [TaskPair(*pair) for pair in zip(prompts, references, strict=True)]
    asked = tuple(
        TaskPrompt(n, tokenizer(pair.prompt + "\n")["input_ids"], n % 2, pair, 5)
        for n, pair in enumerate(pairs)
    )
    rows = TaskRows("question", "answer", (), {})
    return TaskPrompts(rows, asked, 33, new_tokens, one_line)


def _metric(found, name):
    return next(metric for metric in found.metrics if metric.metric == name)


def test_exact_match_ignores_case_width_space_and_the_last_full_stop():
    assert normalised(" Ｒｅｐｌａｃｅ\n the  PUMP. ") == "replace the pump"
    assert normalised("交換した。") == "交換した"
    assert normalised("3.5") != normalised("35")


def test_tokens_are_characters_where_the_references_are_east_asian():
    assert tokens_of(ENGLISH) == "words" and tokens_of(JAPANESE) == "characters"
    assert tokens_of(["ポンプ P-204 を点検"]) == "characters"
    assert tokens_of(["Привет, мир"]) == "words"


@pytest.mark.parametrize("texts", [ENGLISH, JAPANESE, ["Насос номер пять"] * 6])
def test_the_reference_itself_gets_full_marks_and_nothing_gets_none(texts):
    scorer = Scorer(tokens_of(texts))
    assert all(score == pytest.approx(100) for score in scorer.of_one(texts[3], texts[3]).values())
    assert all(score == pytest.approx(0) for score in scorer.of_one("", texts[3]).values())


def test_rouge_of_words_is_rouge_scores_own():
    from rouge_score.rouge_scorer import RougeScorer

    written, reference = "Replace the pump's (worn) seal-ring, no. 7!", ENGLISH[7]
    theirs = RougeScorer(["rougeL"]).score(reference, written)["rougeL"].fmeasure
    assert Scorer("words").of_one(written, reference)["rouge_l"] == pytest.approx(100 * theirs)
    assert theirs > 0


def test_rouge_of_japanese_counts_characters():
    # 点検し of 点検した: three of four characters in order.
    found = Scorer("characters").of_one("点検し", "点検した")["rouge_l"]
    assert found == pytest.approx(100 * 2 * 3 / 7)


def test_a_worse_model_is_told_by_an_interval_and_the_control_is_the_measure():
    found = task_score(
        _task(ENGLISH),
        {
            "original": ["the pump number"] * 20,
            "control": ENGLISH,
            "converted": [text.replace("bearing", "seal").replace("worn ", "") for text in ENGLISH],
        },
    )
    rouge = _metric(found, "rouge_l")
    assert rouge.control == 100 > rouge.converted > rouge.original
    assert rouge.change and rouge.change.low > 0
    against = rouge.change_from_control
    assert against and against.n == 20 and against.high < 0
    assert against.estimate == pytest.approx(rouge.converted - 100)
    exact = _metric(found, "exact_match")
    assert exact.converted == 0 and exact.change_from_control.estimate == -100
    # Neither model is ever exactly right: that says little, and the interval is not a point.
    assert exact.change.low < 0 < exact.change.high
    assert _metric(found, "bleu").corpus_control == pytest.approx(100)
    assert _metric(found, "rouge_l").corpus_control is None
    assert "tok:13a" in _metric(found, "bleu").settings
    assert "nw:2" in _metric(found, "chrf").settings
    assert found.judged and found.prompts_cut == 10 and "10 of the prompts" in found.note
    assert found.answers[3].converted.startswith("replace the seal")
    assert found.answers[3].reference == ENGLISH[3]


def test_japanese_is_scored_by_character():
    found = task_score(_task(JAPANESE), {"original": JAPANESE, "converted": JAPANESE})
    assert found.tokens == "characters" and "tok:char" in _metric(found, "bleu").settings
    assert "nw:0" in _metric(found, "chrf").settings
    assert all(metric.converted == pytest.approx(100) for metric in found.metrics)
    assert all(metric.control is None for metric in found.metrics)
    assert all(metric.change.estimate == 0 for metric in found.metrics)


def test_a_task_that_no_model_does_is_not_judged():
    found = task_score(_task(ENGLISH), {"original": ["x"] * 20, "converted": ["y"] * 20})
    assert not found.judged and "say nothing about the conversion" in found.note


def test_few_documents_have_no_interval():
    few = ENGLISH[:5]
    found = task_score(_task(few), {"original": few, "converted": few})
    assert all(metric.change is None for metric in found.metrics)


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma3", "opt"])
@pytest.mark.parametrize("convert_it", [False, True])
def test_answers_are_those_of_each_prompt_alone(family, convert_it):
    """Prompts of unlike length run together, padded; a page writes each by itself."""
    model, tokenizer = tiny_model(family, seed=1), tiny_tokenizer()
    if convert_it:
        convert(model, Hybrid(window=8, sinks=2), KeptLayers(layers=(1,)), seed=0)
    prompts = ["Short?", "A question of middling length?", "x" * 90]
    task = _task(["-"] * 3, prompts=prompts, one_line=False)
    together = answer_task(model, tokenizer, task, frozenset())
    for prompt, answer in zip(task.prompts, together, strict=True):
        alone = generate(
            model, tokenizer, prompt.ids, max_new_tokens=task.new_tokens, context_tokens=512
        ).finish()
        assert answer == alone.text.strip()
    assert any(together)


def test_an_answer_ends_at_its_line_or_at_the_end_token():
    model, tokenizer = tiny_model("llama"), tiny_tokenizer()
    said = tokenizer("\n\nfirst line\nsecond")["input_ids"]
    end = tokenizer.eos_token_id

    class Says(torch.nn.Module):
        """Says one thing, whatever it is asked."""

        def __init__(self, ids):
            super().__init__()
            self.ids, self.step = ids, 0
            self.config, self.device = model.config, torch.device("cpu")

        def forward(self, input_ids, logits_to_keep=0, **_):
            if input_ids.shape[1] > 1:
                self.step = 0
            logits = torch.zeros(len(input_ids), 1, 264)
            logits[:, :, self.ids[min(self.step, len(self.ids) - 1)]] = 1
            self.step += 1
            return type("Out", (), {"logits": logits, "past_key_values": None})()

    def answers(ids, one_line):
        task = _task(["-"] * 2, new_tokens=30, one_line=one_line)
        return answer_task(Says(ids), tokenizer, task, frozenset([end]))  # pyright: ignore

    assert answers(said, True) == ["first line"] * 2
    assert answers([*said, end], False) == ["first line\nsecond"] * 2
    assert answers([said[2], end, *said], True) == [tokenizer.decode([said[2]])] * 2
