"""How alike the models behave: next-token distributions, whole continuations, and other text."""

from __future__ import annotations

from engine.evidence.parts import ModelQuality, Result


class Likeness(Result):
    """How close the converted model's next-token distribution is to the original's."""

    tokens: int
    """Held-out tokens read."""
    kl: float | None
    """Mean divergence KL(original, converted) in nats per token; null where it is not finite."""
    kl_p95: float | None
    """Its 95th percentile over the tokens: what the worst twentieth exceeds."""
    top1: float | None
    """Share (0-1) of tokens for which both models rank the same token first."""
    top5: float | None
    """Mean share (0-1) of the original's five likeliest tokens that are among the converted
    model's five likeliest, in whatever order."""


class PositionLikeness(Likeness):
    """The same, for tokens that had this much context before them."""

    from_token: int
    """Fewest tokens of context in the bin."""
    to_token: int
    """One more than the most tokens of context in the bin."""


class ClassLikeness(Likeness):
    """The same, for one class of tokens."""

    token_class: str
    """"digits" (any in it), "latin", "kana_kanji", "other_letters" or "punctuation_space", by the
    text of the token that comes next."""


class LikenessReport(Result):
    """Likeness over all held-out tokens, by context and by class of token."""

    overall: Likeness
    """All tokens."""
    by_position: tuple[PositionLikeness, ...]
    """By the context that was available."""
    by_class: tuple[ClassLikeness, ...]
    """By class of token; empty where the tokenizer does not tell a token's text."""


class ContinuationAgreement(Result):
    """Greedy continuations of one model against the original's, prompt by prompt."""

    same_prefix_tokens: tuple[int, ...]
    """Tokens from the start in which both continuations are identical."""
    rouge_l: tuple[float, ...]
    """ROUGE-L on tokens (0-1): F1 of the longest common subsequence of both continuations."""
    mean_prefix_tokens: float
    """Mean of same_prefix_tokens."""
    mean_rouge_l: float
    """Mean of rouge_l."""


class Continuations(Result):
    """Several held-out documents continued greedily by each model: likelihood, which is read with
    the true text before every token, hides what a model's own errors do to its text."""

    documents: tuple[int, ...]
    """Numbers of the documents whose beginnings were the prompts."""
    prompt_tokens: int
    """Tokens of each prompt."""
    new_tokens: int
    """Tokens that each model wrote at most."""
    converted: ContinuationAgreement
    """The converted model against the original."""
    control: ContinuationAgreement | None
    """The control against the original: how far fine-tuning alone leads away; null when it was not
    trained."""


class Forgetting(Result):
    """Text that is not the user's: has the model lost what it could do before?"""

    name: str
    """The data set, one that ships with this software."""
    original: ModelQuality | None
    """The original; null where `note` says why."""
    control: ModelQuality | None
    """The control; null when it was not trained."""
    converted: ModelQuality | None
    """The converted model."""
    note: str
    """What kind of text it is, or why there are no numbers."""


class NeedleCell(Result):
    """Questions of one length whose first needle stands at one depth."""

    length_tokens: int
    """Tokens of prompt and answer together."""
    depth: float
    """Where the first needle that the answer needs stands: 0 the beginning, 1 the end."""
    n: int
    """Questions asked."""
    original: int
    """Of these, answered by the original, in every token under greedy decoding."""
    converted: int
    """Answered by the converted model."""
    control: int | None
    """Answered by the control; null when it was not trained."""


class NeedleTaskGrid(Result):
    """One needle task in one language."""

    task: str
    """"passkey", "multi_key", "multi_value", "multi_query", "variable_tracking" or "facts"."""
    language: str
    """Language code, "en" or "ja"."""
    judged: bool
    """Whether the original passes at the shortest length, so that the converted model can be judged
    on it: at least half of the questions of all depths."""
    cells: tuple[NeedleCell, ...]
    """Those that have questions."""


class NeedleGrid(Result):
    """Needle tasks in the form of RULER, up to the model's own limit; asked on request."""

    tasks: tuple[NeedleTaskGrid, ...]
    """The tasks that the tokenizer can write."""
    lengths: tuple[int, ...]
    """Lengths asked at, in tokens."""
    depths: tuple[float, ...]
    """Depths asked at."""
    per_cell: int
    """Questions that each cell was to have."""
    note: str
    """Which tasks are judged, and which were left out and why."""
