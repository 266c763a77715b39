"""What was measured: the frozen result of each part of a comparison.

Every number carries its unit in its name or its docstring. A number that could not be had, or is
not finite, is null, and a note beside it says why.
"""

from __future__ import annotations

from engine.evidence.result import Result
from engine.evidence.result import finite as finite
from engine.evidence.timing_parts import Baseline, Energy


class PositionBin(Result):
    """Perplexity of the tokens that had this much context before them."""

    from_token: int
    """Fewest tokens of context in the bin."""
    to_token: int
    """One more than the most tokens of context in the bin."""
    tokens: int
    """Tokens scored in the bin."""
    perplexity: float | None
    """exp(mean negative log-likelihood per token); null where it is not finite."""
    bits_per_byte: float | None = None
    """Negative log-likelihood in bits per UTF-8 byte of the bin's text; null where the tokenizer
    does not tell a token's text, and in files of schema version 1."""


class DocumentReading(Result):
    """What one model lost on one held-out document: the unit that statistics resample."""

    document: int
    """The document's number in the data set, the same for all models."""
    tokens: int
    """Tokens scored in it."""
    nats: float | None
    """Their negative log-likelihood together, in nats; null where it is not finite."""
    bytes: int | None = None
    """UTF-8 bytes of their text; null where the tokenizer does not tell a token's text."""


class ModelQuality(Result):
    """How well one model predicts the held-out text."""

    perplexity: float | None
    """exp(mean negative log-likelihood per token) over all scored tokens; lower is better."""
    bits_per_byte: float | None
    """Negative log-likelihood in bits per UTF-8 byte of the scored text; comparable across
    tokenizers. Null where the tokenizer cannot give the text back."""
    perplexity_by_position: tuple[PositionBin, ...]
    """Perplexity by the context that was available."""
    tokens: int
    """Tokens scored (the first token of a piece has no context and is not scored)."""
    documents: int
    """Held-out documents the scored tokens come from."""
    by_document: tuple[DocumentReading, ...] = ()
    """Each of those documents by itself, by number; empty in files of schema version 1."""
    note: str | None = None
    """Why a number is null; null when none is."""


class Quality(Result):
    """Held-out quality of the original, the converted model and the controls."""

    original: ModelQuality
    """The original, untouched."""
    control: ModelQuality | None
    """The original after the same fine-tuning as the converted model; null when not trained."""
    converted: ModelQuality
    """The converted model after transfer and fine-tuning."""
    swapped_untrained: ModelQuality
    """The same swap with no training at all: what training had to repair."""
    kl: float | None
    """Mean divergence KL(original, converted) in nats per token over the same held-out tokens."""
    top1_agreement: float | None
    """Share (0-1) of held-out tokens for which both models rank the same token first."""
    vocabulary: int | None = None
    """Tokens that the models choose from: the perplexity of guessing evenly; null in files from
    before it was written."""
    unscored_documents: int = 0
    """Held-out documents of which nothing was scored, since `comparison.heldout_tokens` were
    spent; 0 in files from before they were counted."""

    def guesses(self, scores: ModelQuality) -> bool:
        """Whether a model does no better on this text than guessing evenly."""
        if self.vocabulary is None or scores.perplexity is None:
            return False
        return scores.perplexity >= self.vocabulary


class DistanceRecall(Result):
    """Recall questions whose fact was stated about this far before the answer."""

    distance_tokens: int
    """Tokens between the fact and the place that needs it back."""
    correct: int
    """Answers that match in every token under greedy decoding."""
    n: int
    """Questions asked."""
    accuracy: float
    """correct / n."""


class LanguageRecall(DistanceRecall):
    """The same, for one language."""

    language: str
    """Language code of the questions, "en" or "ja"."""


class ModelRecall(Result):
    """Recall accuracy of one model."""

    by_distance: tuple[DistanceRecall, ...]
    """All languages together, nearest first."""
    by_language: tuple[LanguageRecall, ...]
    """Each language by itself, nearest first."""

    @property
    def total(self) -> tuple[int, int]:
        """Answers that match and questions asked, over all distances."""
        points = self.by_distance
        return sum(point.correct for point in points), sum(point.n for point in points)


class QuestionOutcome(Result):
    """One recall question and who answered it: the pairs that McNemar's test counts."""

    number: int
    """The question's number among all that were asked, the same for all models."""
    language: str
    """Language code of the question, "en" or "ja"."""
    kind: str
    """What the question asks for."""
    distance_tokens: int
    """Tokens between the fact and the place that needs it back."""
    original: bool
    """Whether the original answered in every token."""
    converted: bool
    """Whether the converted model did."""
    control: bool | None = None
    """Whether the control did; null when it was not trained."""


class Recall(Result):
    """Does the model still find a fact it read long before?"""

    original: ModelRecall | None
    """The original; null when no question fits its context."""
    converted: ModelRecall | None
    """The converted model on the same questions."""
    control: ModelRecall | None = None
    """The fine-tuned original on the same questions; null when it was not trained."""
    languages: tuple[str, ...]
    """Languages asked in."""
    questions: tuple[QuestionOutcome, ...] = ()
    """Every question asked, by itself, in languages left out above too: what is judged is chosen
    among them (docs/evidence.md). Empty in files of schema version 1."""
    note: str | None
    """Why there are no numbers, or why they must not be held against the converted model."""


class SpeedPoint(Result):
    """One model's speed at one context length; batch size 1, save in `batches`."""

    context_tokens: int
    """Prefill: tokens of the prompt. Decode: tokens of the prefill that decoding starts from; every
    repeat goes on where the one before it ended, and `note` says how many tokens that adds."""
    tokens_per_s: float | None
    """Median over the repeats, of all inputs together; null when it ran out of memory."""
    p10: float | None
    """10th percentile of tokens/s over the repeats (the slow end)."""
    p90: float | None
    """90th percentile of tokens/s over the repeats."""
    median_ms: float | None
    """Median time in ms: prefill of the whole prompt, or one decode step."""
    repeats: int
    """Timed repeats, interleaved between the two models."""
    seconds: tuple[float, ...] = ()
    """Seconds of every timed repeat, in order; the same place in both models' lists is the same
    moment. Empty in files of schema version 1."""
    starts: tuple[int, ...] = ()
    """Number of the start, from 0, that each repeat belongs to: both models' processes are ended
    and started anew between two numbers, and intervals rest on the starts. Empty in files before
    schema version 4."""
    threads: int
    """CPU threads used: the faster of one and all in a quick try for this model and length, at most
    starts."""
    threads_by_start: tuple[int, ...] = ()
    """The same at each start; empty in files before schema version 4."""
    beyond_trained_context: bool
    """The model was not trained for this length: the timing holds, its output would not."""
    out_of_memory: bool
    """The device could not hold this point."""


class SpeedPair(Result):
    """Both models over the context lengths."""

    original: tuple[SpeedPoint, ...]
    """The original, shortest context first."""
    converted: tuple[SpeedPoint, ...]
    """The converted model, same lengths."""


class Speed(Result):
    """Prefill (the prompt in parallel) and decode (one token at a time), timed apart."""

    decode: SpeedPair
    """Single-token steps with a filled cache."""
    prefill: SpeedPair
    """The whole prompt in one forward pass."""
    note: str | None
    """How it was measured, and which lengths were left out or are timing only."""
    other_load: float | None = None
    """Largest share (0-1) of the machine's processors that other work used right before a length
    was timed, or a later start began; null where the system does not tell, and in files of schema
    version 1."""
    device_load: float | None = None
    """The same of the GPU's time; null without a GPU, where its driver does not tell, and in files
    before schema version 3."""
    baselines: tuple[Baseline, ...] = ()
    """The original's cache at each length; empty in files before schema version 3."""
    energy: Energy | None = None
    """Energy per 1,000 tokens; null where the device does not report it, and in files before schema
    version 3."""
