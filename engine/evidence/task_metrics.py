"""Scores of one answer against its reference, 0 to 100: the standard libraries' own.

Exact match is ours; ROUGE-L is rouge-score's F1 (Lin 2004), with a tokenizer of ours, since its own
drops every letter beyond a-z; chrF (Popovic 2015, 2017) and BLEU (Papineni et al. 2002) are
sacrebleu's (Post 2018), single answers with its exponential smoothing and effective order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import Tokenizer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from engine.evidence.task_parts import TaskMetricName, Tokens

EXACT_SETTINGS = (
    "NFKC, case folded, white space runs as one space, one full stop at the end left out"
)
ROUGE_SETTINGS: dict[Tokens, str] = {
    "words": "rouge-score F1, words: runs of letters and digits in lower case, no stemming",
    "characters": "rouge-score F1, every letter and digit in lower case a token of its own",
}
_EAST_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f]")
_EAST_ASIAN_SHARE = 0.2
_WORD = re.compile(r"[^\W_]+")


def tokens_of(references: Sequence[str]) -> Tokens:
    """What to count: characters where a fifth or more of the letters are East Asian."""
    text = "".join(references)
    letters = sum(character.isalnum() for character in text)
    return "characters" if len(_EAST_ASIAN.findall(text)) > _EAST_ASIAN_SHARE * letters else "words"


def normalised(text: str) -> str:
    """A text as exact match compares it."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return plain[:-1].rstrip() if plain.endswith((".", "。")) else plain


class _RougeTokens(Tokenizer):
    """Words or characters of any script; for a-z and 0-9 the words are rouge-score's own."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens: Tokens = tokens

    def tokenize(self, text: str) -> list[str]:
        words = _WORD.findall(unicodedata.normalize("NFKC", text).lower())
        return [c for word in words for c in word] if self.tokens == "characters" else words


class Scorer:
    """All scores, for words or for characters."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens: Tokens = tokens
        self._rouge = RougeScorer(["rougeL"], tokenizer=_RougeTokens(tokens))
        # chrF++ counts word pairs besides, which a text without spaces does not have.
        self._chrf = CHRF(word_order=0 if tokens == "characters" else 2)
        tokenize = "char" if tokens == "characters" else "13a"
        self._bleu = BLEU(tokenize=tokenize, effective_order=True)
        self._corpus_bleu = BLEU(tokenize=tokenize)

    def of_one(self, written: str, reference: str) -> dict[TaskMetricName, float]:
        """Every score of one answer."""
        return {
            "exact_match": 100.0 * (normalised(written) == normalised(reference)),
            "rouge_l": 100.0 * self._rouge.score(reference, written)["rougeL"].fmeasure,
            "chrf": self._chrf.sentence_score(written, [reference]).score,
            "bleu": self._bleu.sentence_score(written, [reference]).score,
        }

    def of_all(
        self, written: Sequence[str], references: Sequence[str]
    ) -> dict[TaskMetricName, float]:
        """chrF and BLEU of all answers as one text."""
        texts, right = list(written), [list(references)]
        return {
            "chrf": self._chrf.corpus_score(texts, right).score,
            "bleu": self._corpus_bleu.corpus_score(texts, right).score,
        }

    def settings(self) -> dict[TaskMetricName, str]:
        """How each score was computed; ask after `of_all`, which sets sacrebleu's signatures."""
        return {
            "exact_match": EXACT_SETTINGS,
            "rouge_l": ROUGE_SETTINGS[self.tokens],
            "chrf": f"sacrebleu {self._chrf.get_signature()}",
            "bleu": f"sacrebleu {self._corpus_bleu.get_signature()}",
        }
